import Foundation
import Hummingbird
import Monitoring
import Postgres

/// The pages for people on duty: the state at a glance, and the story of an alert.
struct PageEndpoints: Sendable {
    private let client: PostgresClient
    private let alerts: AlertRepository
    private let baselines: BaselineRepository
    private let alertPages: AlertPages
    private let pages: PageRenderer

    init(client: PostgresClient, pages: PageRenderer, doorkeeper: Doorkeeper, marks: FormMark, configuration: ListenerConfiguration) {
        self.client = client
        alerts = AlertRepository(client: client)
        baselines = BaselineRepository(client: client)
        alertPages = AlertPages(client: client, pages: pages)
        self.pages = pages
    }

    var all: [Endpoint] {
        [
            .get("/", query: ["refresh"], isPage: true) { try await status($0) },
            .get("/alerts/{id}", isPage: true) { try await alert($0) },
            .get("/style.css", access: .open) { _ in
                .text(Stylesheet.text, type: "text/css; charset=utf-8", cacheControl: "public, max-age=300")
            },
        ]
    }

    /// Its queries run one after the other, most of them on one connection: however many tabs are open, the pool is not theirs alone.
    private func status(_ call: Call) async throws -> Response {
        let refresh = try call.query.integer("refresh", in: 0...3600, default: 0)
        let now = call.now
        let start = now.addingTimeInterval(-86_400)
        let open = try await alerts.alerts(minimumSeverity: .low, status: .open, limit: 50).alerts
        let held = try await alerts.alerts(minimumSeverity: .low, status: .acknowledged, limit: 50).alerts
        let baseline = try await baselines.baseline()
        let page = try await client.transaction(readOnly: true) { connection in
            let trends = TrendQueries(client: connection)
            let rollup = RollupQueries(client: connection)
            let hours = RollupSpan(from: start, hourly: true, until: now)
            return StatusPage(
                now: now, open: open, held: held, baseline: baseline,
                day: try await trends.total(from: start, until: now),
                hour: try await trends.total(from: now.addingTimeInterval(-3600), until: now),
                steps: try await trends.steps(from: start, until: now, seconds: StatusPage.stepSeconds),
                marks: try await trends.marks(from: start, until: now),
                gauges: try await StateQueries(client: connection).gauges(now: now),
                models: try await rollup.breakdown(by: .model, over: hours, limit: 6),
                reasons: try await rollup.fallbackReasons(over: hours, limit: 6), refresh: refresh)
        }
        return PageFrame(
            title: page.headline + " · torq-monitor", tone: page.tone, root: "", refresh: refresh >= 5 ? refresh : nil,
            body: pages.render(.status, page)
        ).response()
    }

    private func alert(_ call: Call) async throws -> Response {
        let id = try call.id()
        guard let alert = try await alerts.alert(id: id) else {
            throw Problem(.notFound, "There is no alert \(id.uuidString.lowercased()).")
        }
        return try await alertPages.page(of: alert, now: call.now, leadsHome: true)
    }
}
