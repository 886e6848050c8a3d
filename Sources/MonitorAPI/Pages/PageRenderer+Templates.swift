extension PageRenderer.Template {
    /// The content between a page's body tags. A name that ends in `HTML` holds markup of ours, all else is escaped.
    var text: String {
        switch self {
        case .status: Self.statusText
        case .alert: Self.alertText
        case .link: Self.linkText
        case .group: Self.groupText
        case .login: Self.loginText
        }
    }

    /// The line above everything: whose page it is, how live it is, and who looks at it. `home` is the way to the status page.
    private static func bar(home: String, brand: String, refresh: String) -> String {
        """
        <div class="bar-top"><p class="brand">\(brand)</p>
        <div class="clock"><span class="live off" id="live" hidden><i aria-hidden="true"></i><span>Connecting</span></span>
        <span data-live="clock">{{time}} UTC</span>\(refresh)
        {{#hasViewer}}<span>{{viewer.tokenName}}</span>{{/hasViewer}}
        {{#viewer.canSignOut}}<form method="post" action="\(home)logout" class="inline"><input type="hidden" name="form" value="{{viewer.mark}}"><button type="submit" class="link">Sign out</button></form>{{/viewer.canSignOut}}</div></div>
        <p class="unseen" id="said" role="status"></p>
        """
    }

    /// An alert's buttons, under canAct: one form, whose button says what to do.
    private static func actionText(_ fields: String) -> String {
        """
        {{#canAct}}{{#form}}<form method="post" action="{{action}}" class="act">
        <input type="hidden" name="form" value="{{mark}}"><input type="hidden" name="from" value="{{from}}">
        <div class="buttons">{{#buttons}}{{#isSnooze}}<span class="joined"><button type="submit" class="{{style}}" name="do" value="{{value}}" aria-label="{{name}}" data-key="{{value}}-{{suffix}}">{{label}}</button><label class="unseen" for="for-{{suffix}}">For how long: {{title}}</label><select id="for-{{suffix}}" name="for" autocomplete="off">{{#choices}}<option value="{{value}}"{{#isChosen}} selected{{/isChosen}}>{{label}}</option>{{/choices}}</select></span>{{/isSnooze}}{{^isSnooze}}<button type="submit" class="{{style}}" name="do" value="{{value}}" aria-label="{{name}}" data-key="{{value}}-{{suffix}}">{{label}}</button>{{/isSnooze}}{{/buttons}}</div>
        \(fields)
        </form>{{/form}}{{/canAct}}
        """
    }

    /// Small buttons for one thing in a list, under canAct.
    private static let deedText = """
        {{#canAct}}{{#form}}<form method="post" action="{{action}}" class="deed"><input type="hidden" name="form" value="{{mark}}"><input type="hidden" name="from" value="{{from}}"><div class="buttons">{{#buttons}}<button type="submit" class="{{style}}" name="do" value="{{value}}" aria-label="{{name}}" data-key="{{key}}">{{label}}</button>{{/buttons}}</div></form>{{/form}}{{/canAct}}
        """

    private static let nameField = """
        <p class="field"><label for="name-{{suffix}}">Your name</label><input id="name-{{suffix}}" name="name" type="text" value="{{name}}" maxlength="{{maximumName}}" autocomplete="name"></p>
        """

    private static let noteField = """
        <p class="field"><label for="note-{{suffix}}">Note <span class="muted">(optional)</span></label><textarea id="note-{{suffix}}" name="note" rows="1" maxlength="{{maximumNote}}"></textarea></p>
        """

    private static let statusText = """
        <header class="masthead"><div class="wrap">
        \(bar(home: "", brand: "{{{markHTML}}} torq-monitor", refresh: statusRefresh))
        <div class="hero" data-live="hero"><div><h1>{{headline}}</h1><p class="lede">{{subline}}</p></div>
        <p class="health">{{{gaugeHTML}}}<span class="health-value"><strong>{{healthValue}}</strong><span>health, {{windowName}}</span></span></p></div>
        </div></header>
        <main class="wrap" id="content">
        {{#hasOutcome}}<section class="card outcome{{#outcome.isGood}} good{{/outcome.isGood}}" role="status"><h2>{{outcome.headline}}</h2><p>{{outcome.detail}}{{#hasOutcomeLink}} <a href="{{outcomeLink}}">{{outcomeTitle}}</a>{{/hasOutcomeLink}}</p></section>{{/hasOutcome}}
        <section aria-labelledby="alerts" data-live="alerts"><h2 id="alerts" class="unseen">Alerts</h2>
        {{#isQuiet}}<p class="card quiet"><strong>{{quietTitle}}</strong> {{quietText}}</p>{{/isQuiet}}
        {{^isQuiet}}<ul class="alerts">{{#alerts}}<li class="card alert {{severity}}{{#isHeld}} held{{/isHeld}}">
        <div class="alert-head"><span class="badge {{severity}}">{{severity}}</span><h3><a href="alerts/{{id}}" data-key="{{id}}">{{title}}</a></h3></div>
        <p class="alert-summary">{{summary}}</p>
        {{#hasLabels}}<p class="alert-labels muted small">{{labels}}</p>{{/hasLabels}}
        <p class="alert-foot"><span class="holder{{^isHeld}} alone{{/isHeld}}">{{holder}}</span><span class="muted">{{since}}</span></p>
        \(actionText("<details class=\"more\" id=\"more-{{suffix}}\"><summary data-key=\"open-{{suffix}}\">Name and note</summary><div class=\"pair\">\(nameField)\(noteField)</div></details>"))
        </li>{{/alerts}}</ul><p class="muted small more-of">{{moreAlerts}}</p>{{/isQuiet}}
        </section>
        <div class="columns trouble" data-live="trouble">{{#hasFailing}}<section class="card failing" aria-labelledby="failing"><h2 id="failing">Messages that do not get through</h2>
        <ul class="rows">{{#failing}}<li><p class="row"><strong class="row-name">{{name}}</strong><span class="state dead">{{state}}</span></p><p class="muted small">{{detail}}</p></li>{{/failing}}</ul>
        {{#hasUndelivered}}<h3 class="part">Given up</h3><ul class="rows">{{#undelivered}}<li class="doable"><div><p class="row"><a class="row-name" href="{{link}}" data-key="{{link}}">{{title}}</a></p><p class="muted small">to {{receiver}}, {{detail}}</p></div>\(deedText)</li>{{/undelivered}}</ul>
        <p class="muted small more-of">{{moreUndelivered}}</p>{{/hasUndelivered}}</section>{{/hasFailing}}
        {{#hasSilences}}<section class="card" aria-labelledby="silences"><h2 id="silences">Silences</h2>
        <ul class="rows">{{#silences}}<li class="doable"><div><p class="row"><span class="row-name">{{#matchers}}<code>{{.}}</code> {{/matchers}}</span><span class="state">{{state}}</span></p><p class="muted small">{{detail}}</p></div>\(deedText)</li>{{/silences}}</ul>
        <p class="muted small more-of">{{moreSilences}}</p></section>{{/hasSilences}}</div>
        <section aria-labelledby="course"><div class="section-head"><h2 id="course">{{windowTitle}}</h2>
        <nav aria-label="How far back" class="pills">{{#windows}}<a href="{{link}}"{{#isChosen}} aria-current="page"{{/isChosen}}>{{label}}</a>{{/windows}}</nav></div>
        <div class="tiles" data-live="tiles">{{#tiles}}<article class="card tile {{direction}}">
        <h3>{{name}}</h3><p class="figure"><strong>{{value}}</strong> <span class="muted">{{caption}}</span></p>
        <p class="comparison">{{comparison}}</p>{{{chartHTML}}}{{#hasTrend}}<p class="trend">{{trend}}</p>{{/hasTrend}}</article>{{/tiles}}</div>
        <p class="legend muted"><span><i class="key line"></i>{{stepWords}}</span><span><i class="key base"></i>expected</span><span><i class="key span"></i>an alert stood</span></p>
        </section>
        <div class="columns" data-live="tables">
        <section class="card" aria-labelledby="models"><h2 id="models">Fallback rate by model</h2>
        {{#hasModels}}<ul class="rows">{{#models}}<li><p class="row"><span class="row-name">{{name}}</span><strong>{{value}}</strong></p>{{{barHTML}}}<p class="muted small">{{detail}}</p></li>{{/models}}</ul>{{/hasModels}}
        {{^hasModels}}<p class="muted">No events.</p>{{/hasModels}}</section>
        <section class="card" aria-labelledby="reasons"><h2 id="reasons">Why they fell back</h2>
        {{#hasReasons}}<ul class="rows">{{#reasons}}<li><p class="row"><span class="row-name">{{name}}</span><strong>{{value}}</strong></p>{{{barHTML}}}</li>{{/reasons}}</ul>{{/hasReasons}}
        {{^hasReasons}}<p class="muted">Nothing fell back.</p>{{/hasReasons}}</section>
        </div>
        </main>
        <footer class="wrap"><dl class="notes" data-live="notes">{{#notes}}<div><dt>{{name}}</dt><dd>{{value}}</dd></div>{{/notes}}</dl></footer>
        """

    private static let statusRefresh = """
        <span class="without-script"><a href="{{refreshLink}}">{{#isRefreshing}}Stop refreshing{{/isRefreshing}}{{^isRefreshing}}Refresh every minute{{/isRefreshing}}</a></span>
        """

    private static let alertText = """
        <header class="masthead"><div class="wrap">
        {{#leadsHome}}\(bar(home: "../", brand: "<a href=\"../\">{{{markHTML}}} torq-monitor</a>", refresh: "")){{/leadsHome}}
        {{^leadsHome}}<p class="brand alone">{{{markHTML}}} torq-monitor</p>{{/leadsHome}}
        <div data-live="hero"><p class="kicker"><span class="badge {{card.severity}}">{{card.severity}}</span> <span>{{card.status}}, {{card.since}}</span></p>
        <h1>{{card.title}}</h1><p class="lede">{{card.summary}}</p><p class="holding">{{card.holder}}</p></div>
        </div></header>
        <main class="wrap" id="content">
        {{#hasOutcome}}<section class="card outcome{{#outcome.isGood}} good{{/outcome.isGood}}" role="status"><h2>{{outcome.headline}}</h2><p>{{outcome.detail}}</p></section>{{/hasOutcome}}
        {{#card}}{{#canAct}}<section class="card actions" aria-label="What to do" data-live="actions">
        \(actionText("<div class=\"pair\">\(nameField)\(noteField)</div>"))</section>{{/canAct}}{{/card}}
        <section class="card" aria-labelledby="picture" data-live="picture"><h2 id="picture">{{picture}}</h2>
        <dl class="facts">{{#card.figures}}<div><dt>{{name}}</dt><dd>{{value}}</dd></div>{{/card.figures}}</dl>
        {{#hasRunbook}}<p><a href="{{runbook}}" rel="noreferrer" data-key="runbook">What to do about it</a></p>{{/hasRunbook}}
        {{#hasSource}}<p><a href="{{source}}" rel="noreferrer" data-key="source">Shown by its source</a></p>{{/hasSource}}{{{chartHTML}}}
        {{#hasChart}}<p class="legend muted"><span><i class="key line"></i>measured</span><span><i class="key base"></i>expected</span><span><i class="key span"></i>the alert stood</span></p>{{/hasChart}}</section>
        <div data-live="causes">{{#hasCauses}}<section class="card" aria-labelledby="causes"><h2 id="causes">Where it comes from</h2>
        <ul class="rows causes">{{#causes}}<li><p class="row"><span class="row-name">{{name}}</span><strong>{{value}}</strong></p>{{{barHTML}}}<p class="muted small">{{detail}}</p></li>{{/causes}}</ul></section>{{/hasCauses}}</div>
        <div class="columns" data-live="story">
        <section class="card" aria-labelledby="story"><h2 id="story">What happened</h2>
        <ol class="timeline">{{#timeline}}<li class="{{tone}}"><p><strong>{{title}}</strong> <span class="muted">{{time}} UTC</span></p>
        <p class="muted small">{{by}}</p>{{#hasNote}}<p class="said">{{note}}</p>{{/hasNote}}</li>{{/timeline}}</ol></section>
        <section class="card" aria-labelledby="told"><h2 id="told">Who was told</h2>
        {{#hasMessages}}<ul class="messages">{{#messages}}<li><p class="row"><span class="row-name">{{receiver}}: {{what}}</span><span class="state {{status}}">{{status}}</span></p>
        <p class="muted small">{{detail}}</p>
        {{#attempts}}<p class="attempt small"><span class="muted">{{number}}.</span> {{time}} UTC, {{outcome}}<span class="muted">{{detail}}</span></p>{{/attempts}}\(deedText)</li>{{/messages}}</ul>{{/hasMessages}}
        {{^hasMessages}}<p class="muted">Nobody yet.</p>{{/hasMessages}}
        {{#hasQuiet}}<p class="muted">{{quietText}}{{#hasQuietLink}} <a href="{{quietLink}}" data-key="quiet">{{quietLinkTitle}}</a>{{/hasQuietLink}}</p>{{/hasQuiet}}</section>
        </div>
        {{#hasEvidence}}<details class="card" id="evidence"><summary>{{evidenceTitle}}</summary><pre tabindex="0">{{evidence}}</pre></details>{{/hasEvidence}}
        {{#hasEvents}}<details class="card" id="events"><summary>Example events</summary><ul class="events">{{#events}}<li><code>{{.}}</code></li>{{/events}}</ul></details>{{/hasEvents}}
        </main>
        <footer class="wrap"><p class="muted small">Alert {{card.id}}</p></footer>
        """

    private static let linkText = """
        <header class="masthead"><div class="wrap narrow">
        <p class="brand">{{{markHTML}}} torq-monitor</p>
        <p class="kicker"><span class="badge {{card.severity}}">{{card.severity}}</span> <span>{{card.status}}, {{card.since}}</span></p>
        <h1>{{card.title}}</h1><p class="lede">{{card.summary}}</p>
        </div></header>
        <main class="wrap narrow">
        {{#hasHeadline}}<section class="card outcome{{#outcome.isGood}} good{{/outcome.isGood}}" role="status"><h2>{{outcome.headline}}</h2><p>{{outcome.detail}}</p></section>{{/hasHeadline}}
        \(formText)
        <section class="card" aria-labelledby="picture"><h2 id="picture">The figures</h2>
        <dl class="facts">{{#card.figures}}<div><dt>{{name}}</dt><dd>{{value}}</dd></div>{{/card.figures}}</dl>{{{chartHTML}}}
        <p class="holding muted">{{card.holder}}</p></section>
        </main>
        """

    /// One button, under offersForm.
    private static let formText = """
        {{#offersForm}}{{#form}}<section class="card" aria-labelledby="do"><h2 id="do">{{title}}</h2><p class="muted" id="means">{{consequence}}</p>
        <form method="post">
        {{#hasChoices}}<fieldset class="field"><legend>For how long</legend>{{#choices}}<p class="choice"><input type="radio" name="for" id="for-{{value}}" value="{{value}}"{{#isChosen}} checked{{/isChosen}}><label for="for-{{value}}">{{label}} <span class="muted">until {{end}}</span></label></p>{{/choices}}</fieldset>{{/hasChoices}}
        <p class="field"><label for="name">Your name</label><input id="name" name="name" type="text" value="{{name}}" maxlength="{{maximumName}}" autocomplete="name" aria-describedby="name-help">
        <span class="muted small" id="name-help">Shown to the others, and remembered on this device. Empty: somebody from {{receiver}}.</span></p>
        <p class="field"><label for="note">Note <span class="muted">(optional)</span></label><textarea id="note" name="note" rows="2" maxlength="{{maximumNote}}"></textarea></p>
        <button type="submit" aria-describedby="means">{{button}}</button>
        </form></section>{{/form}}{{/offersForm}}
        """

    private static let groupText = """
        <header class="masthead"><div class="wrap narrow">
        <p class="brand">{{{markHTML}}} torq-monitor</p>
        <p class="kicker"><span class="badge {{worst}}">{{worst}}</span> <span>{{state}}</span></p>
        <h1>{{title}}</h1><p class="lede">All that one message to {{receiver}} told of, as it stands now.</p>
        </div></header>
        <main class="wrap narrow">
        {{#hasHeadline}}<section class="card outcome{{#outcome.isGood}} good{{/outcome.isGood}}" role="status"><h2>{{outcome.headline}}</h2>{{#outcome.details}}<p>{{.}}</p>{{/outcome.details}}</section>{{/hasHeadline}}
        \(formText)
        <section class="card" aria-labelledby="members"><h2 id="members">The alerts</h2>
        <ul class="members">{{#members}}<li class="{{card.severity}}{{#isOver}} over{{/isOver}}"><p class="member"><span class="badge {{card.severity}}">{{card.severity}}</span><a href="{{link}}">{{card.title}}</a><strong class="value">{{value}}</strong></p>
        {{#card.hasLabels}}<p class="muted small labels">{{card.labels}}</p>{{/card.hasLabels}}
        <p class="small"><span class="holder{{^card.isHeld}} alone{{/card.isHeld}}">{{card.holder}}</span> <span class="muted">alert {{card.since}}</span></p></li>{{/members}}</ul>
        {{#isCut}}<p class="muted small">{{cut}}</p>{{/isCut}}</section>
        </main>
        """

    private static let loginText = """
        <header class="masthead"><div class="wrap narrow">
        <p class="brand">{{{markHTML}}} torq-monitor</p>
        <h1>Sign in</h1><p class="lede">With one of this monitor's access tokens. Links in messages work without.</p>
        </div></header>
        <main class="wrap narrow">
        {{#hasNotice}}<section class="card outcome" role="status"><p>{{notice}}</p></section>{{/hasNotice}}
        {{#hasFault}}<section class="card outcome fault" role="alert"><h2>{{fault}}</h2><p>Tokens stand in the monitor's configuration, under listener.tokens.</p></section>{{/hasFault}}
        <section class="card"><form method="post" action="login">
        <input type="hidden" name="next" value="{{next}}">
        <p class="field"><label for="token">Access token</label><input id="token" name="token" type="password" autocomplete="current-password" required autofocus{{#hasFault}} aria-invalid="true"{{/hasFault}}></p>
        <p class="field"><label for="name">Your name <span class="muted">(optional)</span></label><input id="name" name="name" type="text" value="{{name}}" maxlength="{{maximumName}}" autocomplete="name" aria-describedby="name-help">
        <span class="muted small" id="name-help">Shown to the others when you act, and remembered on this device.</span></p>
        <button type="submit">Sign in</button>
        </form></section>
        </main>
        """
}
