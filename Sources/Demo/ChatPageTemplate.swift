/// The demo channel's page, its style and its script. The page is whole without the script, which only looks for new messages.
enum ChatPageTemplate {
    static let page = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>#agent-alerts</title>
        <link rel="icon" href="data:,">
        <link rel="stylesheet" href="/chat.css">
        <noscript><meta http-equiv="refresh" content="5"></noscript>
        </head>
        <body>
        <nav aria-label="Channels">
        <p class="workspace">Console team</p>
        <ul><li># general</li><li># deployments</li><li class="current" aria-current="page"># agent-alerts</li><li># random</li></ul>
        <p class="note">A stand-in for your chat: messages arrive over real HTTP at a Slack-style webhook.</p>
        </nav>
        <main>
        <header><h1># agent-alerts</h1><p>What the agents' monitor has to say</p></header>
        <section id="messages" aria-live="polite">{{{messages}}}</section>
        </main>
        <script src="/chat.js" defer></script>
        </body>
        </html>
        """

    static let empty = """
        <div class="empty"><p class="quiet">All quiet.</p><p>The monitor is watching. Its first message appears here by itself.</p></div>
        """

    static let script = """
        const list = document.getElementById("messages");
        let version = null;
        async function look() {
          try {
            const answer = await fetch("/messages", {
              headers: version ? {"If-None-Match": version} : {}, cache: "no-store", signal: AbortSignal.timeout(5000)
            });
            if (answer.status === 200) {
              const first = version === null;
              version = answer.headers.get("ETag");
              list.innerHTML = await answer.text();
              if (!first) list.lastElementChild?.classList.add("new");
              list.scrollTop = list.scrollHeight;
            }
          } catch (problem) { /* the demo has ended, or is about to answer again */ }
          setTimeout(look, 1000);
        }
        look();
        """

    static let style = """
        :root {
          --ground: #fff; --text: #1d1c1d; --muted: #616061; --line: #dddddd; --side: #3b1d4a; --side-text: #d9c9e2; --side-current: #5b3270;
          --link: #0b5cad; --code: #b3124d; --code-ground: #f6f6f6; --button: #fff; --hover: #f8f8f8;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ground: #1a1d21; --text: #d8d9da; --muted: #a3a5a8; --line: #393c41; --side: #19171d; --side-text: #b9bbbe; --side-current: #3a2f46;
            --link: #6cb2f5; --code: #ef8ba8; --code-ground: #26292e; --button: #222529; --hover: #212428;
          }
        }
        * { box-sizing: border-box; margin: 0; }
        body { display: flex; height: 100vh; height: 100dvh; color: var(--text); background: var(--ground);
          font: 15px/1.47 "Lato", "Noto Sans", "Helvetica Neue", system-ui, sans-serif; }
        nav { flex: 0 0 230px; padding: 18px 12px; background: var(--side); color: var(--side-text); }
        .workspace { padding: 0 10px 14px; font-weight: 900; font-size: 18px; color: #fff; }
        nav ul { list-style: none; padding: 0; }
        nav li { padding: 4px 10px; border-radius: 6px; }
        nav .current { background: var(--side-current); color: #fff; font-weight: 700; }
        nav .note { padding: 24px 10px 0; font-size: 13px; }
        main { flex: 1; min-width: 0; display: flex; flex-direction: column; }
        header { padding: 12px 20px; border-bottom: 1px solid var(--line); }
        h1 { font-size: 18px; }
        header p, time, .context { color: var(--muted); font-size: 13px; }
        #messages { flex: 1; overflow-y: auto; padding: 12px 0 24px; scroll-behavior: smooth; }
        .empty { display: grid; place-content: center; height: 100%; padding: 24px; text-align: center; color: var(--muted); }
        .empty .quiet { font-size: 22px; font-weight: 700; color: var(--text); }
        .message { display: flex; gap: 10px; padding: 8px 20px; }
        .message:hover { background: var(--hover); }
        .message.new { animation: arrive 2.5s ease-out; }
        @keyframes arrive { from { background: #fdf3d1; } }
        @media (prefers-reduced-motion: reduce) { .message.new { animation: none; } #messages { scroll-behavior: auto; } }
        .avatar { flex: 0 0 36px; height: 36px; border-radius: 6px; background: #0f4c5c; color: #fff; font: 700 13px/36px sans-serif; text-align: center; }
        .content { min-width: 0; max-width: 720px; flex: 1; overflow-wrap: anywhere; }
        .from { margin-bottom: 2px; }
        .app { padding: 1px 4px; border-radius: 3px; background: var(--line); color: var(--muted); font-size: 10px; font-weight: 700; vertical-align: 1px; }
        h3 { margin: 4px 0; font-size: 18px; line-height: 1.33; }
        .content p { margin: 4px 0; }
        .attachment { margin: 6px 0; padding: 2px 0 2px 14px; border-left: 4px solid var(--bar); border-radius: 4px 0 0 4px; }
        .fields { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 4px 16px; margin: 6px 0; }
        hr { border: 0; border-top: 1px solid var(--line); margin: 10px 0; }
        a { color: var(--link); }
        code { padding: 2px 4px; border: 1px solid var(--line); border-radius: 3px; background: var(--code-ground); color: var(--code); font-size: 12px; }
        pre { margin: 6px 0; padding: 8px; border: 1px solid var(--line); border-radius: 4px; background: var(--code-ground); font-size: 12px;
          line-height: 1.5; overflow-x: auto; }
        blockquote { margin: 4px 0; padding-left: 12px; border-left: 4px solid var(--line); }
        .mention { padding: 0 2px; border-radius: 3px; background: #fcf4d7; color: #8a5a00; }
        .actions { display: flex; flex-wrap: wrap; gap: 8px; }
        .button { padding: 5px 12px; border: 1px solid var(--line); border-radius: 8px; background: var(--button); color: var(--text);
          font: inherit; font-weight: 700; font-size: 14px; text-decoration: none; }
        .button:hover { background: var(--hover); }
        .button:focus-visible, a:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
        .button.primary { border-color: #007a5a; background: #007a5a; color: #fff; }
        .button.primary:hover { background: #006649; }
        .button.danger { border-color: #c61b50; background: #c61b50; color: #fff; }
        .button.danger:hover { background: #a71543; }
        @media (max-width: 700px) {
          nav { display: none; }
          .message { padding: 8px 12px; }
          .fields { grid-template-columns: 1fr; }
        }
        """
}
