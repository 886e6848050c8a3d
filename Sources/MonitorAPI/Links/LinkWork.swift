import Foundation
import Monitoring
import Notifications
import Postgres

/// Does what a link allows, to one alert or to all that a message told of.
struct LinkWork: Sendable {
    /// So many alerts of a message are shown and acted on.
    static let mostMembers = 500

    private let alerts: AlertRepository
    private let deliveries: NotificationRepository

    init(client: PostgresClient) {
        alerts = AlertRepository(client: client)
        deliveries = NotificationRepository(client: client)
    }

    /// The alerts that a link is about.
    struct Subject: Sendable {
        /// Those that need somebody first, the worst of them first; not empty.
        var alerts: [Alert]
        /// How many there are, shown or not.
        var total: Int
    }

    /// nil where nothing of it is kept any more.
    func subject(_ subject: LinkClaim.Subject) async throws -> Subject? {
        switch subject {
        case .alert(let id):
            return try await alerts.alert(id: id).map { Subject(alerts: [$0], total: 1) }
        case .message(let id):
            let (ids, total) = try await deliveries.alerts(messageID: id, limit: Self.mostMembers)
            let found = try await alerts.alerts(ids: ids)
            return found.isEmpty ? nil : Subject(alerts: found, total: total)
        }
    }

    /// Does it to each alert for which it is allowed, in a transition of its own: what fails with one undoes no other.
    ///
    /// - Parameter deadline: What is not begun by then is left, and counted as failed.
    /// - Returns: What came of each, in their order.
    /// - Throws: Where nothing could be done at all.
    func perform(_ deed: LinkDeed, on members: [Alert], until deadline: ContinuousClock.Instant) async throws -> [LinkResult] {
        var results: [LinkResult] = []
        var failure: (any Error)?
        var isAway = false
        for alert in members {
            guard LinkDeed.stands(deed.action, until: deed.until, alert, now: deed.moment) == .toDo else {
                results.append(LinkResult(alert: alert, kind: .of(deed, alert)))
                continue
            }
            // A database that is away answers the next alert no sooner than this one.
            guard !isAway, ContinuousClock.now < deadline else {
                results.append(LinkResult(alert: alert, kind: .failed))
                continue
            }
            do {
                results.append(try await perform(deed, on: alert))
            } catch {
                failure = error
                isAway = Problem(describing: error).kind == .unavailable
                results.append(LinkResult(alert: alert, kind: .failed))
            }
        }
        if let failure, !results.contains(where: { $0.kind == .done }) { throw failure }
        return results
    }

    private func perform(_ deed: LinkDeed, on alert: Alert) async throws -> LinkResult {
        do {
            let result = try await alerts.perform(
                deed.action, on: alert.id, actor: deed.actor, credential: deed.credential, note: deed.note, until: deed.until,
                at: deed.moment)
            return LinkResult(alert: result.alert, kind: result.changed ? .done : .already)
        } catch let error as MonitoringError where error.code == .transitionForbidden {
            // Somebody was quicker than this request.
            return LinkResult(alert: try await alerts.alert(id: alert.id) ?? alert, kind: .tooLate)
        } catch let error as MonitoringError where error.code == .alertNotFound {
            return LinkResult(alert: alert, kind: .tooLate)
        }
    }
}

/// What came of one alert.
struct LinkResult: Sendable {
    enum Kind: Sendable, Hashable {
        /// This request changed it.
        case done
        /// It was so already.
        case already
        /// It is past that: resolved, or ignored.
        case tooLate
        /// It could not be tried, or was not reached in time.
        case failed

        static func of(_ deed: LinkDeed, _ alert: Alert) -> Kind {
            LinkDeed.stands(deed.action, until: deed.until, alert, now: deed.moment) == .alreadySo ? .already : .tooLate
        }
    }

    /// As it is now.
    var alert: Alert
    var kind: Kind
}
