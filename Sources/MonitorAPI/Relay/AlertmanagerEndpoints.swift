import Foundation
import HTTPTypes
import Hummingbird
import Monitoring
import Notifications
import Postgres

/// Alertmanager's API, version 2: Prometheus sends alerts to it, amtool and other viewers read from it.
struct AlertmanagerEndpoints: Sendable {
    private static let filter = QueryParameter<Matcher>.matchers(
        "filter", "A matcher such as `alertname=\"HighLatency\"`; several must all fit.")
    private static let receiver = QueryParameter<Matcher>.pattern(
        "receiver", "Only what is told to receivers whose names this pattern covers.")
    private static let active = QueryParameter<Bool>.shown("active", "Whether what is told comes.")
    private static let silenced = QueryParameter<Bool>.shown("silenced", "Whether what a silence covers comes.")
    private static let inhibited = QueryParameter<Bool>.shown("inhibited", "Whether what another alert keeps from being told comes.")
    private static let unprocessed = QueryParameter<Bool>.shown("unprocessed", "Taken for the sake of others; there is none.")
    /// A request with 10,000 alerts has about 5 MB.
    static let maximumBody = 16 << 20

    let settings: RelaySettings
    let intake: AlertIntake
    private let queries: AlertmanagerQueries
    let silences: SilenceRepository

    init(client: PostgresClient, settings: RelaySettings, intake: AlertIntake) {
        self.settings = settings
        self.intake = intake
        queries = AlertmanagerQueries(client: client, settings: settings)
        AlertmanagerStatus.begin()
        silences = SilenceRepository(client: client)
    }

    var all: [Endpoint] {
        ([post] + reading + silenceEndpoints).map { endpoint in
            var endpoint = endpoint
            endpoint.isLenient = true
            return endpoint
        }
    }

    private var post: Endpoint {
        var endpoint = Endpoint.post(
            "/api/v2/alerts", access: .ingest, deadline: .seconds(60),
            Operation(
                id: "postAlerts", tag: .relay, summary: "Bring alerts in, as Prometheus does",
                detail: """
                    200 comes after the commit of all of them. Where some are faulty the others are kept all the same, and 400 names the \
                    first faulty one, since Prometheus sends none of them again. One that stands already changes nothing but when it was \
                    last seen; one whose `endsAt` is past is over; one without is over after `resolve_timeout`.
                    """,
                bodySchema: PostableAlert.schema, requiresBody: true, bodyExamples: [PostableAlert.example], answer: .empty,
                problems: [.tooManyAlerts: "There is room for 100000 alerts from elsewhere at a time; none of these was taken."])
        ) { call in
            let posted = try PostableAlert.read(call.body)
            try await intake.take(
                posted.alerts,
                from: AlertIntake.Source(origin: "alertmanager", credential: call.principal.credential, timeout: settings.resolveTimeout),
                now: call.now)
            if let refusal = posted.refusal { throw refusal }
            return Response(status: .ok, headers: [.cacheControl: "no-store"])
        }
        endpoint.maximumBody = Self.maximumBody
        endpoint.turns = intake.turns
        return endpoint
    }

    private var reading: [Endpoint] {
        let shown = [
            Self.filter.declaration, Self.receiver.declaration, Self.active.declaration, Self.silenced.declaration,
            Self.inhibited.declaration, Self.unprocessed.declaration,
        ]
        return [
            .get(
                "/api/v2/alerts", freshness: nil,
                Operation(
                    id: "alertmanagerAlerts", tag: .relay, summary: "What stands, as Alertmanager shows it",
                    detail: "Alerts from elsewhere with their labels, and what was found here with its type as `alertname`.", query: shown,
                    answer: .list(AlertmanagerAlert.self))
            ) { try .json(try await found($0).map(\.alert)) },
            .get(
                "/api/v2/alerts/groups", freshness: nil,
                Operation(
                    id: "alertmanagerGroups", tag: .relay, summary: "What stands, by receiver and group", query: shown.dropLast(),
                    answer: .list(AlertmanagerGroup.self))
            ) { try .json(Self.groups(try await found($0))) },
            .get(
                "/api/v2/receivers", freshness: nil,
                Operation(
                    id: "alertmanagerReceivers", tag: .relay, summary: "Names of receivers, as Alertmanager shows them",
                    answer: .list(AlertmanagerAlert.Receiver.self), needsDatabase: false)
            ) { _ in
                let names = settings.notifications?.receivers.keys.sorted() ?? []
                let hearsNobody = settings.notifications?.routing.defaultReceivers.isEmpty ?? true
                return try .json((names + (hearsNobody ? [AlertStandings.nobody] : [])).map { AlertmanagerAlert.Receiver(name: $0) })
            },
            .get(
                "/api/v2/status", freshness: nil,
                Operation(
                    id: "alertmanagerStatus", tag: .relay, summary: "The process and its routes, as Alertmanager shows them",
                    answer: .json(AlertmanagerStatus.self), needsDatabase: false)
            ) { _ in try .json(AlertmanagerStatus(settings)) },
        ]
    }

    private func found(_ call: Call) async throws -> [(alert: AlertmanagerAlert, groups: [AlertStandings.Group])] {
        try await queries.alerts(
            AlertmanagerQueries.Filter(
                matchers: try call.query.all(Self.filter), active: try call.query.get(Self.active),
                silenced: try call.query.get(Self.silenced), inhibited: try call.query.get(Self.inhibited),
                receiver: try call.query.value(Self.receiver)), now: call.now)
    }

    private static func groups(_ found: [(alert: AlertmanagerAlert, groups: [AlertStandings.Group])]) -> [AlertmanagerGroup] {
        var places: [AlertStandings.Group: Int] = [:]
        var groups: [AlertmanagerGroup] = []
        for (alert, members) in found {
            for group in members {
                if let place = places[group] {
                    groups[place].alerts.append(alert)
                } else {
                    places[group] = groups.count
                    groups.append(
                        AlertmanagerGroup(
                            alerts: [alert], labels: group.labels, receiver: AlertmanagerAlert.Receiver(name: group.receiver)))
                }
            }
        }
        return groups
    }
}

extension QueryParameter where Value == Matcher {
    /// Conditions on labels.
    static func matchers(_ name: String, _ text: String) -> QueryParameter {
        var parameter = QueryParameter(
            name, text,
            schema: Schema.matcher.with(["maxLength": 8400]), example: "alertname=\"HighLatency\""
        ) { given throws(Problem) in
            do throws(NotificationConfigurationError) {
                return try Matcher(given)
            } catch {
                throw Problem(.invalidParameter, "\(name): \(error.message).", members: ["parameter": .string(name)])
            }
        }
        parameter.declaration.isRepeatable = true
        return parameter
    }

    /// A regular expression for a whole name.
    static func pattern(_ name: String, _ text: String) -> QueryParameter {
        QueryParameter(
            name, text, schema: Schema.text.with(["maxLength": 4000, "format": "regex"]),
            example: "oncall",
            allowed: "a regular expression"
        ) { given in
            let quoted = given.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            return given.isEmpty ? nil : try? Matcher("receiver=~\"\(quoted)\"")
        }
    }
}

extension QueryParameter where Value == Bool {
    /// `true`, which it is where it is absent, or `false`, which every other word is, as in Alertmanager.
    static func shown(_ name: String, _ text: String) -> QueryParameter {
        QueryParameter(
            name, text, schema: Schema.keptText.with(["default": "true"]), example: "true", default: true, allowed: "true or false"
        ) { ["true", "1", "yes", "y", "t", "on", "ok", "checked", "selected", "enabled"].contains($0.lowercased()) }
    }
}
