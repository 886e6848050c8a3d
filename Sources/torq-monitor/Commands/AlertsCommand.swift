public import ArgumentParser
public import Foundation
import MonitorService
import Monitoring

struct AlertsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alerts", abstract: "Lists alerts, and does to them what the API does.",
        subcommands: [List.self, Show.self, Acknowledge.self, Unacknowledge.self, Resolve.self, Reopen.self, Ignore.self, Snooze.self],
        aliases: ["alert"])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Alerts, newest opening first.")

        @OptionGroup var shared: SharedOptions
        @OptionGroup var output: FormatOption

        @Option(name: .long, help: "open, acknowledged, resolved, ignored or all.")
        var status = "open"

        @Option(name: .long, help: "The lowest severity shown: low, medium, high or critical.")
        var threshold = Severity.low

        @Option(name: .long, help: "1 to 1000.")
        var limit = 50

        func validate() throws {
            guard status == "all" || AlertStatus(rawValue: status) != nil else {
                throw ValidationError("--status is open, acknowledged, resolved, ignored or all")
            }
            guard (1...1000).contains(limit) else { throw ValidationError("--limit is 1 to 1000") }
        }

        func run() async throws {
            try await withDatabase(shared) { database in
                let list = try await AlertRepository(client: database.client)
                    .alerts(minimumSeverity: threshold, status: AlertStatus(rawValue: status), limit: limit)
                switch output.format {
                case .json: try printJSON(list.alerts)
                case .table: printTable(list.alerts)
                }
                if list.hasMore {
                    let more = list.totalCount - list.alerts.count
                    standardError("\(more) more opened before these (--limit up to 1000, --threshold high for the grave ones)")
                }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "One alert and its timeline.")

        @OptionGroup var shared: SharedOptions
        @OptionGroup var output: FormatOption
        @OptionGroup var target: Target

        func run() async throws {
            try await withDatabase(shared) { database in
                let repository = AlertRepository(client: database.client)
                let id = try await target.id(in: repository)
                guard let alert = try await repository.alert(id: id) else {
                    throw MonitoringError(.alertNotFound, "there is no alert \(id.uuidString.lowercased())")
                }
                let timeline = try await repository.timeline(of: alert.id)
                switch output.format {
                case .json: try printJSON(Answer(alert: alert, timeline: timeline))
                case .table: printStory(alert, timeline)
                }
            }
        }

        private func printStory(_ alert: Alert, _ timeline: [AlertTransition]) {
            let name = FigureText.name(of: alert) ?? alert.alertType
            print("\(alert.severity.rawValue.uppercased()) \(name.forTerminal), \(standing(of: alert, at: Date()))")
            if alert.summary != name { print(alert.summary.forTerminal) }
            if let labels = FigureText.labels(of: alert) { print(labels.forTerminal) }
            for (title, text) in [("Runbook", alert.annotations?["runbook_url"]), ("Source", alert.generatorURL)] {
                if let text, ["http://", "https://"].contains(where: text.hasPrefix) { print("\(title): \(text.forTerminal)") }
            }
            print("")
            var table = TextTable("AT", "TRANSITION", "SEVERITY", "BY", "NOTE")
            for step in timeline {
                table.add(Figures.time(step.occurredAt), step.transition.rawValue, step.toSeverity.rawValue, step.actor, step.note ?? "")
            }
            print(table.text)
        }

        private struct Answer: Encodable {
            var alert: Alert
            var timeline: [AlertTransition]
        }
    }

    struct Acknowledge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ack", abstract: "Takes an alert in hand.")
        @OptionGroup var shared: SharedOptions
        @OptionGroup var output: FormatOption
        @OptionGroup var target: Target
        @OptionGroup var author: Author
        func run() async throws { try await perform(.acknowledge, on: target, by: author, shared, output) }
    }

    struct Unacknowledge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "unacknowledge", abstract: "Gives an alert back: nobody has it in hand any more.", aliases: ["unack"])
        @OptionGroup var shared: SharedOptions
        @OptionGroup var output: FormatOption
        @OptionGroup var target: Target
        @OptionGroup var author: Author
        func run() async throws { try await perform(.unacknowledge, on: target, by: author, shared, output) }
    }

    struct Reopen: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reopen", abstract: "Opens an alert again that was resolved or ignored.")
        @OptionGroup var shared: SharedOptions
        @OptionGroup var output: FormatOption
        @OptionGroup var target: Target
        @OptionGroup var author: Author
        func run() async throws { try await perform(.reopen, on: target, by: author, shared, output) }
    }

    struct Resolve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "resolve", abstract: "Ends an alert.")
        @OptionGroup var shared: SharedOptions
        @OptionGroup var output: FormatOption
        @OptionGroup var target: Target
        @OptionGroup var author: Author
        func run() async throws { try await perform(.resolve, on: target, by: author, shared, output) }
    }

    struct Ignore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ignore", abstract: "Tells nobody of an alert any more, until its condition clears.")
        @OptionGroup var shared: SharedOptions
        @OptionGroup var output: FormatOption
        @OptionGroup var target: Target
        @OptionGroup var author: Author
        func run() async throws { try await perform(.ignore, on: target, by: author, shared, output) }
    }

    struct Snooze: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "snooze", abstract: "Tells nobody of an alert for a while.")
        @OptionGroup var shared: SharedOptions
        @OptionGroup var output: FormatOption
        @OptionGroup var target: Target
        @OptionGroup var author: Author

        @Option(name: .customLong("for"), help: "30m, 4h, 2d.")
        var length = "4h"

        func validate() throws {
            guard let duration = DurationArgument(length)?.duration, duration > .zero, duration <= .seconds(30 * 86_400) else {
                throw ValidationError("--for is a time such as 30m, 4h or 2d, at most 30d")
            }
        }

        func run() async throws {
            let seconds = DurationArgument(length)?.duration.components.seconds ?? 0
            try await perform(.snooze, on: target, by: author, until: Date().addingTimeInterval(Double(seconds)), shared, output)
        }
    }

    struct Target: ParsableArguments {
        @Argument(help: "The alert's id, or four characters and more of its beginning that are that alert's alone.")
        var id: String

        func validate() throws {
            guard IdentifierPrefix(id) != nil else {
                throw ValidationError("the alert's id is a UUID as alerts list shows it, or at least its first 4 hexadecimal digits")
            }
        }

        /// - Throws: Where no alert's id begins so, and where several do.
        func id(in repository: AlertRepository) async throws -> UUID {
            guard let prefix = IdentifierPrefix(id) else { throw MonitoringError(.invalidArgument, "'\(id)' is no id") }
            return try await prefix.only("alert", id) { try await repository.ids(in: $0, limit: 5) }
        }
    }

    struct Author: ParsableArguments {
        @OptionGroup var person: Person

        @Option(name: .long, help: "What is to be said about it.")
        var note: String?
    }

    private static func perform(
        _ action: AlertAction, on target: Target, by author: Author, until: Date? = nil, _ shared: SharedOptions, _ output: FormatOption
    ) async throws {
        try await withDatabase(shared) { database in
            let repository = AlertRepository(client: database.client)
            let result = try await repository.perform(
                action, on: try await target.id(in: repository), actor: author.person.name, credential: "cli", note: author.note,
                until: until, at: Date())
            switch output.format {
            case .json: try printJSON(result.alert)
            case .table:
                let alert = result.alert
                let who =
                    switch alert.status {
                    case .open: ", nobody has it"
                    case .acknowledged: alert.acknowledgedBy.map { ", \($0) has it" } ?? ""
                    case .resolved: alert.resolvedBy.map { " by \($0)" } ?? ""
                    case .ignored: ""
                    }
                let line = "\(result.changed ? "Done" : "It was so already"): the alert is \(standing(of: alert, at: Date()))\(who)."
                print(line.forTerminal)
            }
        }
    }
}

extension UUID: ArgumentParser.ExpressibleByArgument {
    /// An id in either case.
    public init?(argument: String) {
        self.init(uuidString: argument)
    }
}
