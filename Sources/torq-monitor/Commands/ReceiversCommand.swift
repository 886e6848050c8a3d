import ArgumentParser
import Foundation
import MonitorService
import Monitoring
import Notifications

struct ReceiversCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receivers", abstract: "Where messages go: lists the receivers, and tries one.", subcommands: [List.self, Test.self],
        aliases: ["receiver"])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "The receivers of the configuration: type, host and limits. Never a URL or a secret.")
        @OptionGroup var shared: SharedOptions
        @OptionGroup var output: FormatOption

        func run() throws {
            let rows = try MonitorService(configuration: shared.load(), logger: shared.logger()).receivers().map(Row.init)
            switch output.format {
            case .json: try printJSON(rows)
            case .table:
                var table = TextTable("NAME", "TYPE", "HOST", "RATE", "IN FLIGHT", "TOLD OF")
                for row in rows {
                    let told = ["opened"] + (row.tellAcknowledged ? ["acknowledged"] : []) + (row.sendResolved ? ["resolved"] : [])
                    table.add(
                        row.name, row.type, row.host ?? "–", row.rateLimit ?? "–", "\(row.maximumInFlight)", told.joined(separator: ", "))
                }
                print(table.text)
            }
        }
    }

    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test", abstract: "Sends a marked test message to one receiver and prints what came of it.",
            discussion: "It needs no database. A PagerDuty service gets an incident of severity info, which is resolved at once. "
                + "Exit code 1 where the message was not taken.")
        @OptionGroup var shared: SharedOptions
        @OptionGroup var output: FormatOption
        @Argument(help: "Its name in the configuration.") var name: String

        func run() async throws {
            let outcome = try await MonitorService(configuration: shared.load(), logger: shared.logger()).testReceiver(named: name)
            switch output.format {
            case .json: try printJSON(outcome)
            case .table: print(text(of: outcome))
            }
            if outcome.templateFailed {
                standardError("torq-monitor: warning: a template gave nothing of use; the built-in text stands in its place")
            }
            guard outcome.delivered else { throw ExitCode(1) }
        }

        private func text(of outcome: ReceiverTestOutcome) -> String {
            var table = TextTable("RECEIVER", "\(outcome.receiver) (\(outcome.type))")
            table.add("OUTCOME", outcome.delivered ? "delivered" : "not delivered")
            if let reason = outcome.reason { table.add("REASON", reason + (outcome.advice.map { ": \($0)" } ?? "")) }
            if let status = outcome.httpStatus { table.add("STATUS", "\(status)") }
            if let address = outcome.remoteAddress { table.add("ADDRESS", address) }
            let phases = [
                ("name", outcome.nameLookupMilliseconds), ("connect", outcome.connectMilliseconds), ("TLS", outcome.tlsMilliseconds),
                ("first byte", outcome.firstByteMilliseconds), ("total", outcome.totalMilliseconds),
            ].compactMap { name, value in value.flatMap { $0 > 0 ? "\(name) \(FigureText.milliseconds($0))" : nil } }
            if !phases.isEmpty { table.add("AFTER", phases.joined(separator: ", ")) }
            if let answer = outcome.answer, !answer.isEmpty { table.add("ANSWER", String(answer.prefix(500))) }
            return table.text
        }
    }

    /// A receiver without its secrets.
    private struct Row: Encodable {
        var name: String
        var type: String
        var host: String?
        var rateLimit: String?
        var maximumInFlight: Int
        var sendResolved: Bool
        var tellAcknowledged: Bool
        var supersede: Bool
        var allowPrivateNetwork: Bool

        enum CodingKeys: String, CodingKey {
            case name, type, host, supersede
            case rateLimit = "rate_limit"
            case maximumInFlight = "max_in_flight"
            case sendResolved = "send_resolved"
            case tellAcknowledged = "tell_acknowledged"
            case allowPrivateNetwork = "allow_private_network"
        }

        init(_ receiver: Receiver) {
            name = receiver.name
            type = receiver.kind.rawValue
            host = receiver.host
            rateLimit = receiver.rateLimit?.description
            maximumInFlight = receiver.maximumInFlight
            sendResolved = receiver.sendResolved
            tellAcknowledged = receiver.tellAcknowledged
            supersede = receiver.supersedes
            allowPrivateNetwork = receiver.allowPrivateNetwork
        }
    }
}
