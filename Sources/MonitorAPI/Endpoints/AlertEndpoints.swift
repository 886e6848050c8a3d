import Foundation
import Hummingbird
import Logging
import Monitoring
import Notifications
import Postgres

/// Alerts: the list, one with its story, and what people do to them.
struct AlertEndpoints: Sendable {
    private static let threshold = QueryParameter<Severity>.choice(
        "threshold", of: Severity.self, default: .medium, "The lowest severity that is given.")
    private static let status = QueryParameter<AlertStatus?>.choiceOrAll(
        "status", of: AlertStatus.self, default: .open, "Only alerts that stand there; `all` for every status.")
    private static let limit = QueryParameter<Int>.integer("limit", in: 1...1000, default: 50, "How many a page holds at most.")

    private let alerts: AlertRepository
    private let deliveries: NotificationRepository

    init(client: PostgresClient) {
        alerts = AlertRepository(client: client)
        deliveries = NotificationRepository(client: client)
    }

    var all: [Endpoint] {
        [
            .get(
                "/api/monitor/alerts",
                Operation(
                    id: "listAlerts", tag: .alerts, summary: "Alerts, newest opening first",
                    query: [
                        Self.threshold.declaration, Self.status.declaration, Self.limit.declaration, QueryParameter.cursor.declaration,
                    ], answer: .json(AlertListAnswer.self))
            ) { try await list($0) },
            .get(
                "/api/monitor/alerts/{id}", freshness: .brief,
                Operation(
                    id: "showAlert", tag: .alerts, summary: "An alert with its timeline, notifications and attempts",
                    path: [.id(of: "an alert")], answer: .json(AlertStoryAnswer.self),
                    problems: [.notFound: "There is no alert 00000000-0000-4000-8000-00000000ffff."])
            ) { try await show($0) },
        ]
            + AlertAction.allCases.map { action in
                .post("/api/monitor/alerts/{id}/\(action.rawValue)", action.operation) { try await act(action, $0) }
            }
    }

    private func list(_ call: Call) async throws -> Response {
        let threshold = try call.query.get(Self.threshold)
        let status = try call.query.get(Self.status)
        let cursor = try call.query.value(.cursor)
        let page = try await alerts.alerts(
            minimumSeverity: threshold, status: status, limit: try call.query.get(Self.limit),
            after: cursor.map { ($0.microseconds, $0.id) })
        return try .json(
            AlertListAnswer(
                alerts: page.alerts, totalCount: page.totalCount,
                filteredBy: .init(threshold: threshold.rawValue, status: status?.rawValue ?? "all"),
                nextCursor: page.hasMore ? page.alerts.last.map { Cursor(time: $0.openedAt, id: $0.id) } : nil))
    }

    private func show(_ call: Call) async throws -> Response {
        let id = try call.id()
        guard let alert = try await alerts.alert(id: id) else {
            throw Problem(.notFound, "There is no alert \(id.uuidString.lowercased()).")
        }
        let timeline = try await alerts.timeline(of: id)
        return try .json(AlertStoryAnswer(alert: alert, timeline: timeline, notifications: try await deliveries.delivered(alertID: id)))
    }

    private func act(_ action: AlertAction, _ call: Call) async throws -> Response {
        let id = try call.id()
        let order = try ActionOrder(action, call.fields(), path: id, now: call.now)
        do {
            let result = try await alerts.perform(
                action, on: id, actor: order.actor ?? call.principal.defaultActor, credential: call.principal.credential,
                note: order.note, until: order.until, at: call.now)
            call.context.logger.changed(id, by: action, credential: call.principal.credential, isChange: result.changed)
            return try .json(result.alert)
        } catch let error as MonitoringError where error.code == .transitionForbidden {
            throw try await forbidden(action, id, error)
        }
    }

    /// 409, naming the status it has and the one it would have had.
    private func forbidden(_ action: AlertAction, _ id: UUID, _ error: MonitoringError) async throws -> Problem {
        let status = try await alerts.alert(id: id)?.status.rawValue ?? "unknown"
        let target = action.target?.rawValue ?? status
        let reason = status == target ? error.message : "\(error.message): from \(status) to \(target) is no allowed transition"
        return Problem(
            .transitionForbidden, reason.prefix(1).uppercased() + reason.dropFirst() + ".",
            members: ["from": .string(status), "to": .string(target), "action": .string(action.rawValue)])
    }
}

extension AlertAction {
    /// Where an alert stands after it; nil where that stays as it is.
    var target: AlertStatus? {
        switch self {
        case .acknowledge: .acknowledged
        case .unacknowledge, .reopen: .open
        case .resolve: .resolved
        case .ignore: .ignored
        case .snooze: nil
        }
    }
}
