/// The style of the pages: one file, no font and no picture from elsewhere, light and dark, phone and desk.
enum Stylesheet {
    static let text = """
        :root {
          color-scheme: light dark;
          --ground: #f3f5f3; --card: #fff; --ink: #15211f; --muted: #586661; --line: #dfe5e1; --edge: #7d8c86; --accent: #0b6e69; --soft: #0b6e6920;
          --critical: #b3142b; --high: #c2410c; --medium: #8a5a00; --low: #2f5f8a; --good: #0f7a4d;
          --shade-critical: #b3142b2b; --shade-high: #c2410c26; --shade-medium: #d9970026; --shade-low: #2f5f8a22;
          --mast: #0d5c57; --mast-2: #0a4744; --mast-ink: #fff; --mast-muted: #cfe6e2;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #0c1312; --card: #141d1b; --ink: #e6ece9; --muted: #9db0a9; --line: #263431; --edge: #6d807a; --accent: #4fd1bf; --soft: #4fd1bf26;
            --critical: #ff8c9a; --high: #ff9f6b; --medium: #f2c14e; --low: #8fc1ef; --good: #5fd39b;
            --shade-critical: #ff4d6333; --shade-high: #ff7a3a2e; --shade-medium: #f2c14e26; --shade-low: #8fc1ef26;
            --mast: #0b3f3c; --mast-2: #0a2a28; --mast-muted: #b9d6d1;
          }
        }
        body.watch { --mast: #7a5200; --mast-2: #573a00; --mast-muted: #f4e3bf; }
        body.high { --mast: #a83a0a; --mast-2: #7c2906; --mast-muted: #ffe1d0; }
        body.critical { --mast: #a31228; --mast-2: #6f0b1b; --mast-muted: #ffdbe0; }
        body.neutral { --mast: #38474a; --mast-2: #273336; --mast-muted: #d6dfe0; }
        @media (prefers-color-scheme: dark) {
          body.watch { --mast: #533a06; --mast-2: #382703; --mast-muted: #eed9ab; }
          body.high { --mast: #6d280a; --mast-2: #461905; --mast-muted: #ffd3bb; }
          body.critical { --mast: #71101f; --mast-2: #470812; --mast-muted: #ffcbd2; }
        }
        * { box-sizing: border-box; margin: 0; }
        body { background: var(--ground); color: var(--ink); overflow-wrap: anywhere;
          font: 16px/1.5 "Inter", "Segoe UI", "Helvetica Neue", system-ui, "DejaVu Sans", sans-serif; }
        .wrap { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
        .narrow { max-width: 620px; }
        .masthead { padding: 18px 0 72px; background: linear-gradient(160deg, var(--mast), var(--mast-2)); color: var(--mast-ink); }
        .masthead a { color: inherit; }
        .bar-top { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 4px 24px; margin-bottom: 26px; }
        .brand { font-weight: 650; letter-spacing: .01em; }
        .brand a { text-decoration: none; }
        .narrow .brand, .brand.alone { margin-bottom: 22px; }
        .mark { width: 20px; height: 20px; margin-right: 6px; vertical-align: -4px; }
        .clock { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 16px; color: var(--mast-muted); font-size: 14px; font-variant-numeric: tabular-nums; }
        .hero { display: flex; align-items: center; justify-content: space-between; gap: 32px; }
        h1 { font-size: clamp(28px, 4.6vw, 44px); font-weight: 700; line-height: 1.12; letter-spacing: -.022em; text-wrap: balance; }
        .lede { margin-top: 10px; max-width: 46em; color: var(--mast-muted); font-size: 17px; }
        .kicker { display: flex; align-items: center; gap: 10px; margin-bottom: 8px; color: var(--mast-muted); font-size: 15px; }
        .masthead .holding { margin-top: 12px; font-weight: 600; }
        .health { position: relative; flex: 0 0 132px; height: 132px; }
        .gauge { width: 132px; height: 132px; fill: none; stroke-width: 8; stroke-linecap: round; }
        .gauge .rail { stroke: #ffffff30; }
        .gauge .fill { stroke: #fff; }
        .health-value { position: absolute; inset: 0; display: flex; flex-direction: column; align-items: center; justify-content: center;
          color: var(--mast-muted); font-size: 12px; }
        .health-value strong { color: #fff; font-size: 38px; line-height: 1.05; letter-spacing: -.03em; font-variant-numeric: tabular-nums; }
        main { position: relative; margin-top: -44px !important; }
        section { margin-bottom: 26px; }
        h2 { font-size: 15px; font-weight: 650; }
        main > section > h2 { margin: 0 0 12px; }
        .section-head { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 8px 24px; margin-bottom: 12px; }
        .pills { display: flex; gap: 2px; padding: 3px; border-radius: 11px; background: var(--line); font-size: 14px; }
        .pills a { padding: 4px 13px; border-radius: 8px; color: var(--ink); text-decoration: none; }
        .pills a[aria-current] { background: var(--card); font-weight: 650; box-shadow: 0 1px 2px #0003; }
        .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
        .live { display: inline-flex; align-items: center; gap: 7px; padding: 1px 11px 2px; border-radius: 20px; background: #ffffff24; color: var(--mast-ink); font-weight: 600; }
        .live i { width: 8px; height: 8px; border-radius: 50%; background: #6ee7b7; box-shadow: 0 0 0 3px #6ee7b740; }
        .live.off i { background: #fcd34d; box-shadow: 0 0 0 3px #fcd34d33; }
        [hidden] { display: none !important; }
        .inline { display: inline; }
        button.link { width: auto; min-height: 0; margin: 0; padding: 0; border-radius: 4px; background: none; color: inherit; font-size: inherit; font-weight: 400; text-decoration: underline; }
        .card { padding: 18px 20px; border: 1px solid var(--line); border-radius: 14px; background: var(--card); box-shadow: 0 1px 2px #0000000a, 0 8px 24px -16px #00000030; }
        .muted { color: var(--muted); }
        .small { font-size: 13.5px; }
        .quiet { color: var(--muted); }
        .alerts { display: grid; gap: 12px; padding: 0; list-style: none; }
        .alert { position: relative; padding-left: 24px; overflow: hidden; }
        .alert::before { content: ""; position: absolute; inset: 0 auto 0 0; width: 6px; background: var(--tint); }
        .critical { --tint: var(--critical); } .high { --tint: var(--high); } .medium { --tint: var(--medium); } .low { --tint: var(--low); }
        .good { --tint: var(--good); }
        .alert-head { display: flex; align-items: center; gap: 10px; }
        h3 { font-size: 17px; font-weight: 650; }
        .alert h3 a { color: inherit; text-decoration-color: var(--line); text-underline-offset: 3px; }
        .alert h3 a:hover { text-decoration-color: currentColor; }
        .alert-summary { margin: 6px 0 8px; max-width: 62em; }
        .alert-labels { margin: 0 0 8px; overflow-wrap: anywhere; }
        .alert-foot { display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: 14.5px; }
        .holder { font-weight: 600; } .holder.alone { color: var(--tint); }
        .act { margin-top: 14px; padding-top: 14px; border-top: 1px solid var(--line); }
        .actions .act { margin: 0; padding: 0; border: 0; }
        .buttons { display: flex; flex-wrap: wrap; gap: 8px; }
        .buttons button, .joined select { width: auto; min-height: 42px; margin: 0; padding: 8px 16px; border: 1px solid transparent; border-radius: 10px; font-size: 15px; }
        .buttons .plain, .joined select { border-color: var(--edge); background: var(--card); color: var(--ink); font-weight: 600; }
        .buttons .plain:hover { background: var(--soft); filter: none; }
        .doable { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 8px 16px; } .doable > div { flex: 1 1 230px; min-width: 0; } .doable .row { flex-wrap: wrap; gap: 2px 16px; } .doable .state { white-space: nowrap; }
        .deed button { min-height: 36px; padding: 5px 13px; font-size: 14px; } .deed .main { border-color: var(--accent); background: var(--card); color: var(--accent); } .deed .main:hover { background: var(--soft); filter: none; }
        .messages .deed { margin-top: 8px; } .part { margin: 18px 0 10px; padding-top: 14px; border-top: 1px solid var(--line); font-size: 14px; } .more-of { margin-top: 12px; } .more-of:empty { display: none; }
        .joined { display: inline-flex; } .joined button { border-radius: 10px 0 0 10px !important; }
        .joined select { margin-left: -1px; padding: 8px 10px; border-radius: 0 10px 10px 0; font-weight: 400; cursor: pointer; }
        .more { margin-top: 10px; } .more summary { width: fit-content; padding: 2px 4px 2px 0; font-size: 14px; font-weight: 500; color: var(--muted); }
        .pair { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 2fr); gap: 0 16px; } .pair .field { margin-top: 12px; }
        .held { opacity: 1; } .failing { border-color: var(--critical); }
        .fault { --tint: var(--critical) !important; } .fault h2 { color: var(--critical); }
        .trouble { margin-bottom: 26px; } .trouble:empty { display: none; } .trouble code { padding: 2px 7px; border-radius: 6px; background: var(--ground); }
        .trouble > :only-child { grid-column: 1 / -1; }
        .badge { display: inline-block; flex: none; white-space: nowrap; padding: 1px 9px 2px; border-radius: 20px; font-size: 13px; font-weight: 650; line-height: 1.5; }
        .badge.critical { background: #b3142b; color: #fff; } .badge.high { background: #b93d0a; color: #fff; }
        .badge.medium { background: #f7d47c; color: #3f2b00; } .badge.low { background: #d5e5f4; color: #173c5e; }
        .masthead .badge { box-shadow: 0 0 0 1.500px #ffffff66; }
        .tiles { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 14px; }
        .tile h3 { font-size: 15px; color: var(--muted); font-weight: 600; }
        .figure strong { font-size: 34px; font-weight: 680; line-height: 1.2; letter-spacing: -.025em; font-variant-numeric: tabular-nums; }
        .figure .muted { margin-left: 3px; font-size: 14px; }
        .comparison { min-height: 3em; margin-bottom: 10px; font-size: 14px; line-height: 1.5; color: var(--muted); }
        .trend { margin-top: 10px; padding-top: 8px; border-top: 1px solid var(--line); font-size: 13.5px; color: var(--muted); }
        .tile.worse .comparison { color: var(--high); font-weight: 600; }
        .chart { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 4px 8px; color: var(--muted); font-size: 12px; font-variant-numeric: tabular-nums; }
        .chart svg { display: block; width: 100%; overflow: visible; }
        .chart svg:not(.times) { height: 128px; }
        section.card > .chart svg:not(.times) { height: 200px; }
        .scale { display: flex; flex-direction: column; justify-content: space-between; min-width: 52px; margin: -9px 0; text-align: right; white-space: nowrap; }
        .times { grid-column: 2; height: 16px; fill: currentColor; text-anchor: middle; }
        .times .first { text-anchor: start; } .times .last { text-anchor: end; }
        .chart * { vector-effect: non-scaling-stroke; }
        .grid { stroke: var(--line); stroke-width: 1; }
        .line { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
        .area { fill: var(--soft); }
        .dot { stroke: var(--accent); stroke-width: 8; stroke-linecap: round; }
        .baseline { stroke: var(--muted); stroke-width: 1.5; stroke-dasharray: 5 4; }
        .span.critical { fill: var(--shade-critical); } .span.high { fill: var(--shade-high); }
        .span.medium { fill: var(--shade-medium); } .span.low { fill: var(--shade-low); }
        .legend { display: flex; flex-wrap: wrap; gap: 2px 18px; margin-top: 10px; font-size: 13px; }
        .key { display: inline-block; width: 18px; margin-right: 7px; vertical-align: 4px; border-top: 2px solid var(--accent); }
        .key.base { border-top: 2px dashed var(--muted); }
        .key.span { height: 12px; border: 0; border-radius: 2px; vertical-align: -1px; background: var(--shade-high); }
        .columns { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 14px; align-items: start; margin-bottom: 14px; }
        .columns section { margin-bottom: 0; }
        .card h2 { margin-bottom: 12px; }
        .rows, .messages, .timeline, .events { padding: 0; list-style: none; }
        .causes { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 14px 32px; } .causes li + li { margin-top: 0 !important; }
        .rows li + li, .messages li + li { margin-top: 14px; }
        .row { display: flex; justify-content: space-between; gap: 16px; }
        .row strong { font-variant-numeric: tabular-nums; white-space: nowrap; }
        .row-name { min-width: 0; }
        .bar { display: block; width: 100%; height: 6px; margin: 4px 0; border-radius: 3px; }
        .bar .rail { fill: var(--line); } .bar .fill { fill: var(--accent); }
        .facts { display: flex; flex-wrap: wrap; gap: 12px 32px; margin-bottom: 22px; }
        dt { color: var(--muted); font-size: 13.5px; }
        .facts dd { font-size: 19px; font-weight: 650; font-variant-numeric: tabular-nums; }
        .notes { display: flex; flex-wrap: wrap; gap: 8px 36px; padding: 10px 0 36px; font-size: 14.5px; }
        footer .small { padding: 10px 0 36px; }
        .timeline li { position: relative; padding: 0 0 18px 26px; }
        .timeline li:last-child { padding-bottom: 0; }
        .timeline li::before { content: ""; position: absolute; left: 3px; top: 7px; width: 11px; height: 11px; border-radius: 50%; background: var(--tint, var(--muted)); }
        .timeline li:not(:last-child)::after { content: ""; position: absolute; left: 8px; top: 22px; bottom: -4px; border-left: 1.5px solid var(--line); }
        .said { margin-top: 4px; padding-left: 10px; border-left: 3px solid var(--line); white-space: pre-line; }
        .state { font-size: 13.5px; font-weight: 600; color: var(--muted); }
        .state.delivered { color: var(--good); } .state.dead, .state.dropped { color: var(--critical); }
        details.card { margin-bottom: 14px; } summary { font-weight: 650; font-size: 15px; cursor: pointer; }
        pre { margin-top: 12px; overflow-x: auto; font: 13px/1.5 ui-monospace, "SF Mono", "DejaVu Sans Mono", monospace; }
        code { font: 13px ui-monospace, "SF Mono", "DejaVu Sans Mono", monospace; } .events { margin-top: 12px; }
        .field { margin-top: 16px; } label { display: block; margin-bottom: 5px; font-weight: 600; }
        input, textarea, select { font: inherit; } input, textarea { width: 100%; padding: 11px 12px; border: 1px solid var(--edge); border-radius: 9px; background: var(--ground); color: inherit; font: inherit; }
        textarea { resize: vertical; display: block; }
        button { width: 100%; min-height: 52px; margin-top: 18px; border: 0; border-radius: 11px; background: var(--accent); color: #fff; font: inherit; font-size: 17px; font-weight: 650; cursor: pointer; }
        @media (prefers-color-scheme: dark) { button { color: #06211e; } }
        button:hover { filter: brightness(1.1); }
        fieldset { border: 0; padding: 0; } legend { margin-bottom: 8px; padding: 0; font-weight: 600; }
        .choice { display: flex; align-items: center; } .choice + .choice { margin-top: 8px; }
        .choice input { position: absolute; width: 20px; margin-left: 14px; accent-color: var(--accent); }
        .choice label { flex: 1; margin: 0; padding: 11px 12px 11px 46px; border: 1px solid var(--line); border-radius: 9px; cursor: pointer; font-weight: 550; }
        .choice label .muted { float: right; font-weight: 400; } .choice input:checked + label { border-color: var(--accent); background: var(--soft); }
        .members { padding: 0; list-style: none; } .members li + li { margin-top: 14px; padding-top: 14px; border-top: 1px solid var(--line); }
        .member { display: flex; gap: 10px; align-items: baseline; margin-bottom: 3px; } .member a { color: inherit; font-weight: 600; text-decoration-color: var(--muted); text-underline-offset: 3px; }
        .member .value { margin-left: auto; white-space: nowrap; font-variant-numeric: tabular-nums; } .members .labels { overflow-wrap: anywhere; } .members .over .value { font-weight: 400; color: var(--muted); }
        .members .holder { margin-right: 10px; } .members .over .holder { font-weight: 400; color: var(--muted); } .outcome p + p { margin-top: 4px; }
        a { color: var(--accent); }
        :focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 4px; }
        .masthead :focus-visible { outline-color: #fff; }
        .outcome { border-left: 6px solid var(--tint); } .outcome:not(.good), .timeline .plain { --tint: var(--muted); } .outcome h2 { margin-bottom: 4px; font-size: 20px; }
        .narrow .card { margin-bottom: 14px; } .way { margin-top: 12px; }
        @media (max-width: 980px) { .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
        @media (max-width: 720px) {
          .tile .chart svg:not(.times) { height: 104px; } .comparison { min-height: 0; } .pair { grid-template-columns: minmax(0, 1fr); }
          .buttons button { flex: 1 1 auto; } .joined { flex: 1 1 auto; } .joined select { flex: 1 1 auto; }
          .wrap { padding: 0 16px; }
          .tiles, .columns, .causes { grid-template-columns: minmax(0, 1fr); }
          .masthead { padding: 14px 0 66px; }
          .bar-top { margin-bottom: 18px; }
          .health { flex-basis: 104px; height: 104px; } .gauge { width: 104px; height: 104px; }
          .health-value strong { font-size: 26px; } .health-value { font-size: 10px; }
          .hero { gap: 14px; } .lede { font-size: 16px; }
          .card { padding: 16px; } .alert { padding-left: 20px; }
        }
        @media print { .masthead { color: #000; background: none; } .card { box-shadow: none; break-inside: avoid; } }

        """
}
