/// What keeps a page as things are: it hears of transitions, and puts in place what has changed. A page is whole without it.
enum LiveScript {
    static let text = """
        'use strict';
        (function () {
          var body = document.body, root = body.dataset.root || './';
          if (!window.EventSource || !window.fetch || !window.DOMParser || !window.AbortSignal || !AbortSignal.timeout) return;
          var sign = document.getElementById('live'), said = document.getElementById('said');
          var due = 0, busy = false, again = false, waiting = false;
          var source = null, state = 'Connecting', isFresh = true;

          // A stream that is open says nothing of the figures: what was last loaded is as old as the page's clock.
          function show() {
            if (!sign) return;
            var clock = document.querySelector('[data-live="clock"]');
            sign.hidden = false;
            sign.classList.toggle('off', !isFresh || state !== 'Live');
            sign.lastElementChild.textContent = isFresh ? state : 'Not up to date' + (clock ? ' since ' + clock.textContent : '');
          }

          // Somebody is typing there, or has opened something: it waits until they are done.
          function isInUse(part) {
            var at = document.activeElement;
            if (at && part.contains(at) && /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName)) return true;
            return Array.prototype.some.call(part.querySelectorAll('input[type=text], textarea, option:checked'), function (field) {
              return field.tagName === 'OPTION' ? !field.defaultSelected : field.value !== field.defaultValue;
            });
          }

          function put(fresh) {
            waiting = false;
            document.title = fresh.title;
            body.className = fresh.body.className;
            document.querySelectorAll('[data-live]').forEach(function (part) {
              var next = fresh.querySelector('[data-live="' + part.dataset.live + '"]');
              if (!next || next.innerHTML === part.dataset.was) return;
              if (isInUse(part)) { waiting = true; return; }
              var at = document.activeElement, id = at && part.contains(at) ? at.id || at.getAttribute('data-key') : null;
              var open = Array.prototype.map.call(part.querySelectorAll('details[open][id]'), function (one) { return one.id; });
              var was = next.innerHTML;
              part.className = next.className;
              part.hidden = next.hidden;
              part.innerHTML = was;
              part.dataset.was = was;
              open.forEach(function (one) {
                var details = document.getElementById(one);
                if (details) details.open = true;
              });
              if (id) {
                var back = document.getElementById(id) || part.querySelector('[data-key="' + id + '"]');
                if (back) back.focus({preventScroll: true});
              }
            });
          }

          function load() {
            if (busy) { again = true; return; }
            if (document.hidden) return;
            busy = true;
            fetch(location.href, {
              credentials: 'same-origin', redirect: 'manual', cache: 'no-store', signal: AbortSignal.timeout(10000)
            }).then(function (answer) {
              if (answer.type === 'opaqueredirect') { location.reload(); return null; }
              if (!answer.ok) throw answer.status;
              return answer.text();
            }).then(function (text) {
              if (text) put(new DOMParser().parseFromString(text, 'text/html'));
              isFresh = true;
            }).catch(function () {
              isFresh = false;
            }).then(function () {
              busy = false;
              show();
              if (again || !isFresh) soon(isFresh ? 300 : 5000);
              again = false;
            });
          }

          function soon(milliseconds) {
            clearTimeout(due);
            due = setTimeout(load, milliseconds);
          }

          function words(change) {
            var what = change.alert_type === 'relayed' ? 'alert' : change.alert_type.replace(/_/g, ' ');
            return what + ' ' + change.transition + (change.actor !== 'monitor' ? ' by ' + change.actor : '') + ': ' + change.summary;
          }

          // A browser has six connections for a host and all its tabs: one that nobody looks at gives its own up.
          function follow() {
            if (source || document.hidden) return;
            source = new EventSource(root + 'api/monitor/stream');
            source.onopen = function () { state = 'Live'; show(); };
            source.onerror = function () {
              state = 'Reconnecting';
              show();
              if (source.readyState === 2) { leave(); setTimeout(function () { load(); follow(); }, 10000); }
            };
            source.addEventListener('transition', function (event) {
              try {
                if (said) said.textContent = words(JSON.parse(event.data));
              } catch (ignored) {}
              soon(150);
            });
            source.addEventListener('gap', function () { soon(150); });
          }

          function leave() {
            if (source) source.close();
            source = null;
            if (state === 'Live') state = 'Connecting';
          }

          document.querySelectorAll('[data-live]').forEach(function (part) { part.dataset.was = part.innerHTML; });
          document.querySelectorAll('.without-script').forEach(function (part) { part.hidden = true; });
          var passed = /^(did|alert|ended|retry|drop)=/;
          if (history.replaceState && location.search.slice(1).split('&').some(function (pair) { return passed.test(pair); })) {
            var left = location.search.slice(1).split('&').filter(function (pair) { return !passed.test(pair); }).join('&');
            history.replaceState(null, '', location.pathname + (left ? '?' + left : ''));
          }
          document.addEventListener('focusout', function () { if (waiting) soon(500); });
          document.addEventListener('visibilitychange', function () {
            if (document.hidden) { leave(); } else { follow(); show(); soon(0); }
          });
          window.addEventListener('pagehide', leave);
          window.addEventListener('pageshow', function (event) { if (event.persisted) { follow(); show(); soon(0); } });
          setInterval(function () { soon(0); }, 60000);
          show();
          follow();
        })();

        """
}
