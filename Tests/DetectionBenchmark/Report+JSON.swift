import Foundation
import Monitoring
import Simulation

extension Report {
    /// Everything: the figures of each scenario and rate, and each history with its incidents and alerts.
    static func json(_ results: [CellResult]) throws -> String {
        let whole = Whole(
            summaries: groups(results).map { kind, rate, cells in
                Whole.Summary(
                    scenario: kind.rawValue, eventsPerHour: rate, seeds: cells.map(\.cell.scenario.seed),
                    summary: DetectionSummary(cells.compactMap(\.score)))
            }, histories: results.map(History.init))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(MonitoringJSON.timestamp(date))
        }
        return String(decoding: try encoder.encode(whole), as: UTF8.self)
    }

    private struct Whole: Encodable {
        struct Summary: Encodable {
            var scenario: String
            var eventsPerHour: Double
            var seeds: [UInt64]
            var summary: DetectionSummary
        }

        var summaries: [Summary]
        var histories: [History]
    }

    private struct History: Encodable {
        var scenario: String
        var eventsPerHour: Double
        var seed: UInt64
        var events: Int
        var evaluations: Int
        var processorMillisecondsPerStep: Double?
        var loadSeconds: Double
        var rollUpSeconds: Double
        var walkSeconds: Double
        var summary: DetectionSummary
        var incidents: [Outcome]
        var falseAlerts: [BacktestAlert]
        var alerts: [BacktestAlert]

        init(_ result: CellResult) {
            scenario = result.cell.kind.rawValue
            eventsPerHour = result.cell.rate
            seed = result.cell.scenario.seed
            events = result.events
            evaluations = result.evaluations
            processorMillisecondsPerStep = result.millisecondsPerStep
            loadSeconds = result.loadSeconds
            rollUpSeconds = result.rollUpSeconds
            walkSeconds = result.walkSeconds
            summary = DetectionSummary([result.score].compactMap { $0 })
            incidents = (result.score?.outcomes ?? []).map(Outcome.init)
            falseAlerts = result.score?.falseAlerts ?? []
            alerts = result.alerts
        }
    }

    private struct Outcome: Encodable {
        var kind: Incident.Kind
        var factor: Double
        var isDrift: Bool
        var start: Date
        var end: Date
        var slice: Slice?
        var newVersionShare: Double?
        var isExpected: Bool
        var oracleDelaySeconds: Double?
        var delaySeconds: Double?
        var isCovered: Bool
        var alerts: Int
        var beside: Int
        var reopened: Int
        var named: [Slice]?
        var isAttributed: Bool?
        var resolvedAfterSeconds: Double?

        init(_ outcome: DetectionScore.Outcome) {
            let incident = outcome.known.incident
            kind = incident.kind
            factor = incident.factor
            isDrift = incident.isDrift
            start = incident.start
            end = incident.end
            slice = incident.slice
            newVersionShare = incident.newVersionShare
            isExpected = outcome.isExpected
            oracleDelaySeconds = outcome.oracleDelay
            delaySeconds = outcome.delay
            isCovered = outcome.isCovered
            alerts = outcome.alerts
            beside = outcome.beside
            reopened = outcome.reopened
            named = outcome.affected?.named
            isAttributed = outcome.isAttributed
            resolvedAfterSeconds = outcome.resolvedAfter
        }
    }
}
