/// What makes a page usable for those who do not see well, or do not see it: checked in the browser, as the page stands there.
enum PageAudit {
    /// Gives a list of faults, in words; empty for a good page.
    static let script = #"""
        const faults = [];
        const shown = (e) => !!e.getClientRects().length && getComputedStyle(e).visibility !== 'hidden' && !e.closest('.unseen');
        const what = (e) => e.tagName.toLowerCase() + (e.id ? '#' + e.id : '') + (e.className && e.className.baseVal === undefined ? '.' + e.className : '')
          + ' "' + (e.textContent || '').trim().slice(0, 40) + '"';

        // Names, in the order in which a browser looks for them.
        const name = (e) => {
          const by = e.getAttribute('aria-labelledby');
          if (by) return by.split(/\s+/).map((id) => document.getElementById(id)?.textContent || '').join(' ').trim();
          if (e.getAttribute('aria-label')) return e.getAttribute('aria-label').trim();
          if (e.labels && e.labels.length) return e.labels[0].textContent.trim();
          return (e.textContent || '').trim();
        };
        document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea, summary').forEach((e) => {
          if (!name(e)) faults.push('no name: ' + what(e));
          if (e.getAttribute('aria-label') && e.tagName === 'BUTTON' && !name(e).startsWith(e.textContent.trim()))
            faults.push('its name does not begin with what it shows: ' + what(e));
        });
        document.querySelectorAll('svg:not([aria-hidden=true])').forEach((e) => {
          if (e.getAttribute('role') !== 'img' || !e.getAttribute('aria-label')) faults.push('a picture without words');
        });
        const ids = {};
        document.querySelectorAll('[id]').forEach((e) => { ids[e.id] = (ids[e.id] || 0) + 1; });
        Object.keys(ids).filter((id) => ids[id] > 1).forEach((id) => faults.push('two elements are ' + id));
        document.querySelectorAll('[for], [aria-labelledby], [aria-describedby]').forEach((e) => {
          ['for', 'aria-labelledby', 'aria-describedby'].forEach((a) => (e.getAttribute(a) || '').split(/\s+/).filter(Boolean)
            .forEach((id) => { if (!document.getElementById(id)) faults.push(a + ' leads nowhere: ' + id); }));
        });

        // A document: its language, title, parts and headings.
        if (!document.documentElement.lang) faults.push('no language');
        if (!document.title) faults.push('no title');
        for (const part of ['header', 'main']) if (document.querySelectorAll('body > ' + part).length !== 1) faults.push('not one ' + part);
        let level = 0;
        document.querySelectorAll('h1, h2, h3, h4').forEach((e) => {
          const own = Number(e.tagName[1]);
          if (own > level + 1) faults.push('a heading skips a level: ' + what(e));
          level = own;
        });
        if (document.querySelectorAll('h1').length !== 1) faults.push('not one h1');

        // Contrast (WCAG 2.2, 1.4.3): 4.5 to 1, 3 to 1 for large text. A gradient is as bad as its worst end.
        const parse = (text) => {
          const found = text.match(/rgba?\(([^)]+)\)/);
          if (!found) return null;
          const [r, g, b, a] = found[1].split(/[\s,\/]+/).map(Number);
          return [r, g, b, a === undefined ? 1 : a];
        };
        const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
        const grounds = (e) => {
          const layers = [];
          let bases = [[255, 255, 255, 1]];
          for (let at = e; at; at = at.parentElement) {
            const style = getComputedStyle(at);
            const stops = style.backgroundImage.match(/rgba?\([^)]+\)/g);
            if (stops) { bases = stops.map(parse); break; }
            const color = parse(style.backgroundColor);
            if (!color || color[3] === 0) continue;
            if (color[3] === 1) { bases = [color]; break; }
            layers.push(color);
          }
          return bases.map((base) => layers.reverse().reduce((under, top) => over(top, under), base));
        };
        const light = (c) => {
          const [r, g, b] = c.map((v) => { const s = v / 255; return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; });
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const ratio = (a, b) => { const [x, y] = [light(a), light(b)]; return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
        const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (words.nextNode()) {
          const e = words.currentNode.parentElement;
          if (!words.currentNode.textContent.trim() || !shown(e) || e.closest('svg, script')) continue;
          const style = getComputedStyle(e), size = parseFloat(style.fontSize), isBold = Number(style.fontWeight) >= 700;
          const least = size >= 24 || (size >= 18.66 && isBold) ? 3 : 4.5;
          for (const ground of grounds(e)) {
            const got = ratio(over(parse(style.color), ground), ground);
            if (got < least) faults.push('contrast ' + got.toFixed(2) + ' under ' + least + ': ' + what(e));
          }
        }
        // What is pressed has room (2.5.8), and what is typed in has an edge that can be seen (1.4.11).
        document.querySelectorAll('button, select, input:not([type=hidden]), textarea, summary').forEach((e) => {
          if (!shown(e)) return;
          const box = e.getBoundingClientRect();
          if (box.height < 20 || box.width < 24) faults.push('too small to press: ' + what(e));
          if (!/^(INPUT|SELECT|TEXTAREA)$/.test(e.tagName) || e.type === 'radio') return;
          const edge = ratio(parse(getComputedStyle(e).borderTopColor), grounds(e.parentElement)[0]);
          if (edge < 3) faults.push('edge ' + edge.toFixed(2) + ': ' + what(e));
        });
        if (document.documentElement.scrollWidth > innerWidth) faults.push('it scrolls sideways');
        return [...new Set(faults)].slice(0, 40);
        """#
}
