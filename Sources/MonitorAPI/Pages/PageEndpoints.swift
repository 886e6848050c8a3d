import Foundation
import Hummingbird
import Logging
import Monitoring
import Notifications
import Postgres

/// The pages for people on duty: the state at a glance, the story of an alert, and the buttons on both.
struct PageEndpoints: Sendable {
    private let client: PostgresClient
    private let alerts: AlertRepository
    private let baselines: BaselineRepository
    private let receivers: ReceiverRepository
    private let silences: SilenceRepository
    private let deliveries: NotificationRepository
    private let alertPages: AlertPages
    private let pages: PageRenderer
    private let gate: Gate
    private let marks: FormMark
    private let publicPath: String
    private let isSecure: Bool
    /// nil: it is not known which there are.
    private let definedReceivers: Set<String>?

    /// - Parameter notifications: Who is told of what; nil: that is not said.
    init(
        client: PostgresClient, pages: PageRenderer, doorkeeper: Doorkeeper, marks: FormMark, configuration: ListenerConfiguration,
        notifications: NotificationConfiguration?
    ) {
        definedReceivers = notifications.map { Set($0.receivers.keys) }
        self.client = client
        alerts = AlertRepository(client: client)
        baselines = BaselineRepository(client: client)
        receivers = ReceiverRepository(client: client)
        silences = SilenceRepository(client: client)
        deliveries = NotificationRepository(client: client)
        alertPages = AlertPages(client: client, pages: pages, notifications: notifications)
        self.pages = pages
        gate = doorkeeper.gate
        self.marks = marks
        publicPath = configuration.publicPath
        isSecure = configuration.isPublicURLSecure
    }

    var all: [Endpoint] {
        [
            .get("/", query: ["window", "refresh", "did", "alert", "ended", "retry", "drop"], isPage: true) { try await status($0) },
            .get("/alerts/{id}", query: ["did", "retry", "drop"], isPage: true) { try await alert($0) },
            .post("/alerts/{id}", body: .form, isPage: true) { try await act($0) },
            Self.stylesheet,
            .get("/live.js", access: .open) { _ in
                .text(LiveScript.text, type: "text/javascript; charset=utf-8", cacheControl: "public, max-age=300")
            },
        ]
    }

    static var stylesheet: Endpoint {
        .get("/style.css", access: .open) { _ in
            .text(Stylesheet.text, type: "text/css; charset=utf-8", cacheControl: "public, max-age=300")
        }
    }

    /// Its queries run one after the other, most of them on one connection: however many tabs are open, the pool is not theirs alone.
    private func status(_ call: Call) async throws -> Response {
        let refresh = try call.query.integer("refresh", in: 0...3600, default: 0)
        let window = try call.query.choice("window", of: PageWindow.self) ?? .day
        let now = call.now
        let start = now.addingTimeInterval(-window.length)
        let outcome = try await outcome(call)
        let open = try await alerts.gravest(.open, limit: 50)
        let held = try await alerts.gravest(.acknowledged, limit: 50)
        let baseline = try await baselines.baseline()
        let arming = try await baselines.arming(at: now)
        let endpoints = try await receivers.receivers()
        let undelivered = endpoints.contains { $0.dead > 0 } ? try await undelivered(call) : []
        let quiet = try await silences.list(all: false, limit: SilenceCard.most + 1, now: now)
        let figures = try await client.transaction(readOnly: true) { connection in
            let trends = TrendQueries(client: connection)
            let rollup = RollupQueries(client: connection)
            let hours = RollupSpan(from: start, hourly: true, until: now)
            let days = [6.0, 3, 0].map { now.addingTimeInterval(-86_400 * $0) }
            return StatusFigures(
                whole: try await trends.total(from: start, until: now),
                hour: try await trends.total(from: now.addingTimeInterval(-3600), until: now),
                before: try await trends.total(from: days[0], until: days[1]), after: try await trends.total(from: days[1], until: days[2]),
                latency: try await rollup.latency(over: RollupSpan(from: start, hourly: false, until: now)),
                steps: try await trends.steps(from: start, until: now, seconds: window.stepSeconds),
                marks: try await trends.marks(from: start, until: now),
                gauges: try await StateQueries(client: connection).gauges(now: now),
                models: try await rollup.breakdown(by: .model, over: hours, limit: 6),
                reasons: try await rollup.fallbackReasons(over: hours, limit: 6))
        }
        let page = StatusPage(
            now: now, window: window, open: open, held: held, baseline: baseline, arming: arming, figures: figures, receivers: endpoints,
            definedReceivers: definedReceivers, undelivered: undelivered, silences: quiet, viewer: PageViewer(call, marks: marks),
            outcome: outcome, refresh: refresh)
        return PageFrame(
            title: page.headline + " · torq-monitor", tone: page.tone, root: "", refresh: refresh >= 5 ? refresh : nil, isLive: true,
            body: try pages.render(.status, page)
        ).response()
    }

    /// What somebody did a moment ago to something that may no longer be on the page.
    private func outcome(_ call: Call) async throws -> PageOutcome? {
        if let action = try call.query.choice("did", of: AlertAction.self), let id = try call.query.id("alert") {
            guard let alert = try await alerts.alert(id: id), let outcome = ActionWords.done(action, alert, now: call.now) else {
                return nil
            }
            return PageOutcome(outcome, alert)
        }
        if let id = try call.query.id("ended") {
            guard let silence = try await silences.silence(id: id, now: call.now), silence.state == .expired else { return nil }
            return PageOutcome(silence)
        }
        guard let (record, outcome) = try await messageOutcome(call) else { return nil }
        return PageOutcome(outcome, try await alerts.alert(id: record.alertID))
    }

    /// What came of a button for a message, as it stands now.
    private func messageOutcome(_ call: Call) async throws -> (record: NotificationRecord, outcome: LinkOutcome)? {
        for deed in MessageDeed.allCases {
            guard let id = try call.query.id(deed.rawValue) else { continue }
            return try await deliveries.notification(id: id).map { ($0, deed.outcome($0, now: call.now)) }
        }
        return nil
    }

    /// The newest messages that were given up.
    private func undelivered(_ call: Call) async throws -> [UndeliveredMessage] {
        let records = try await deliveries.list(status: .dead, limit: UndeliveredMessage.most)
        let subjects = try await alerts.alerts(ids: Array(Set(records.map(\.alertID))))
        let viewer = PageViewer(call, marks: marks)
        return records.map { record in
            UndeliveredMessage(record, of: subjects.first { $0.id == record.alertID }, viewer: viewer, now: call.now)
        }
    }

    private func alert(_ call: Call) async throws -> Response {
        let action = try call.query.choice("did", of: AlertAction.self)
        let alert = try await subject(call)
        var outcome = action.flatMap { ActionWords.done($0, alert, now: call.now) }
        if outcome == nil, let told = try await messageOutcome(call), told.record.alertID == alert.id { outcome = told.outcome }
        return try await alertPages.page(
            of: alert, viewer: PageViewer(call, marks: marks), outcome: outcome, now: call.now, leadsHome: true)
    }

    private func act(_ call: Call) async throws -> Response {
        try gate.checkForm(authority: call.request.head.authority, headers: call.request.headers)
        let fields = try LoginEndpoints.fields(of: call)
        try marks.check(fields, call.principal)
        let order = try AlertOrder(fields, call.body)
        let alert = try await subject(call)
        let until = order.form.snooze?.end(after: call.now)
        var isForbidden = false
        do {
            let result = try await alerts.perform(
                order.action, on: alert.id, actor: order.form.name ?? Self.nobody(call.principal), credential: call.principal.credential,
                note: order.form.note, until: until, at: call.now)
            call.context.logger.changed(alert.id, by: order.action, credential: call.principal.credential, isChange: result.changed)
            if result.changed { return remembering(order.form.name, Self.redirect(order, alert.id)) }
        } catch let error as MonitoringError where error.code == .transitionForbidden {
            isForbidden = true
        }
        let present = try await subject(call)
        let outcome = ActionWords.undone(order.action, until: until, present, now: call.now, isForbidden: isForbidden)
        return remembering(
            order.form.name,
            try await alertPages.page(
                of: present, viewer: PageViewer(call, marks: marks), outcome: outcome, now: call.now, leadsHome: true))
    }

    private func subject(_ call: Call) async throws -> Alert {
        let id = try call.id()
        guard let alert = try await alerts.alert(id: id) else {
            throw Problem(.notFound, "There is no alert \(id.uuidString.lowercased()).")
        }
        return alert
    }

    /// Back to the page that the button stood on; reloading that does nothing again.
    private static func redirect(_ order: AlertOrder, _ id: UUID) -> Response {
        let id = id.uuidString.lowercased()
        let location = order.isFromStatus ? "../?did=\(order.action.rawValue)&alert=\(id)" : "\(id)?did=\(order.action.rawValue)"
        return Response(status: .seeOther, headers: [.location: location, .cacheControl: "no-store"])
    }

    /// Who did it, where they give no name.
    private static func nobody(_ principal: Principal) -> String {
        principal.tokenName.map { "Somebody with the token \($0)" } ?? "Somebody at this machine"
    }

    private func remembering(_ name: String?, _ response: Response) -> Response {
        guard let name else { return response }
        var response = response
        response.headers[.setCookie] = NameCookie.header(name, under: publicPath, isSecure: isSecure)
        return response
    }
}
