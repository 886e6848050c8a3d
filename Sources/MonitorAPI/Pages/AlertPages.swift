import Foundation
import Hummingbird
import Monitoring
import Notifications
import Postgres

/// Makes the page of an alert, for those who have a token and for those whom a link in a message leads there.
struct AlertPages: Sendable {
    private let client: PostgresClient
    /// Who is told of what; nil: that is not said.
    private let notifications: NotificationConfiguration?
    private let alerts: AlertRepository
    private let deliveries: NotificationRepository
    private let charts: AlertCharts
    private let pages: PageRenderer

    init(client: PostgresClient, pages: PageRenderer, notifications: NotificationConfiguration? = nil) {
        self.client = client
        self.notifications = notifications
        alerts = AlertRepository(client: client)
        deliveries = NotificationRepository(client: client)
        charts = AlertCharts(client: client)
        self.pages = pages
    }

    /// - Parameter leadsHome: Whether it has a link to the status page: not for somebody whom that would ask for a token.
    func page(
        of alert: Alert, viewer: PageViewer = .guest, outcome: LinkOutcome? = nil, now: Date, leadsHome: Bool
    ) async throws -> Response {
        // One after the other: a page never takes more than one connection.
        let timeline = try await alerts.timeline(of: alert.id)
        let told = try await deliveries.delivered(alertID: alert.id)
        let quiet = try await QuietReason.find(for: alert, notifications, client, now: now)
        let chart = try await charts.chart(of: alert, now: now)
        let page = AlertPage(
            alert, timeline: timeline, notifications: told, quiet: quiet, chartHTML: chart, viewer: viewer, outcome: outcome,
            leadsHome: leadsHome, now: now)
        return PageFrame(
            title: page.card.title + " · torq-monitor", tone: alert.tone, root: "../", isLive: leadsHome,
            body: try pages.render(.alert, page)
        ).response(status: outcome?.status ?? .ok)
    }
}
