import Foundation
import Hummingbird
import Monitoring
import Notifications
import Postgres

/// Makes the page of an alert, for those who have a token and for those whom a link in a message leads there.
struct AlertPages: Sendable {
    private let alerts: AlertRepository
    private let deliveries: NotificationRepository
    private let charts: AlertCharts
    private let pages: PageRenderer

    init(client: PostgresClient, pages: PageRenderer) {
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
        let notifications = try await deliveries.delivered(alertID: alert.id)
        let chart = try await charts.chart(of: alert, now: now)
        let page = AlertPage(
            alert, timeline: timeline, notifications: notifications, chartHTML: chart, viewer: viewer, outcome: outcome,
            leadsHome: leadsHome, now: now)
        return PageFrame(
            title: page.card.title + " · torq-monitor", tone: alert.tone, root: "../", isLive: leadsHome,
            body: try pages.render(.alert, page)
        ).response(status: outcome?.status ?? .ok)
    }
}
