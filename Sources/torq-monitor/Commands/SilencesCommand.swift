import ArgumentParser
import Foundation
import MonitorService
import Monitoring
import Notifications
import Postgres

struct SilencesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "silences", abstract: "Times in which matching alerts are tracked but not told.",
        subcommands: [List.self, Add.self, Expire.self], aliases: ["silence"])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Silences, latest end first.")
        @OptionGroup var shared: SharedOptions
        @OptionGroup var output: FormatOption

        @Flag(name: .long, help: "With those that have ended.")
        var all = false

        @Option(name: .long, help: "1 to 1000.")
        var limit = 100

        func validate() throws {
            guard (1...1000).contains(limit) else { throw ValidationError("--limit is 1 to 1000") }
        }

        func run() async throws {
            try await withDatabase(shared) { database in
                let list = try await SilenceRepository(client: database.client).list(all: all, limit: limit, now: Date())
                switch output.format {
                case .json: try printJSON(list)
                case .table: printTable(list)
                }
            }
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Adds a silence for alerts that all matchers match.",
            discussion: "For example: silences add 'severity!=critical' 'alert_type=~\"latency.*\"' --for 2h --comment 'load test'")
        @OptionGroup var shared: SharedOptions
        @OptionGroup var output: FormatOption

        @Argument(help: "As in a route: severity>=high, alert_type=latency_spike, model=~\"gpt-.*\".")
        var matchers: [String]

        @Option(name: .customLong("for"), help: "How long: 30m, 4h, 2d.")
        var length: String?

        @Option(name: .long, help: "Until when, in place of --for: 2026-03-10T12:00:00Z, or a date for its first moment.")
        var until: Moment?

        @Option(name: .long, help: "From when; default now.")
        var from: Moment?

        @OptionGroup var person: Person

        @Option(name: .long, help: "Why.")
        var comment = ""

        func validate() throws {
            guard (1...50).contains(matchers.count) else { throw ValidationError("a silence has 1 to 50 matchers, not \(matchers.count)") }
            for matcher in matchers {
                do {
                    _ = try Matcher(matcher)
                } catch {
                    throw ValidationError("\(error)")
                }
            }
            guard (length == nil) != (until == nil) else {
                throw ValidationError(
                    length == nil ? "say how long: --for 2h, or --until with a moment" : "--for and --until exclude each other")
            }
            if let length {
                guard let duration = DurationArgument(length)?.duration, duration >= .seconds(60), duration <= .seconds(366 * 86_400) else {
                    throw ValidationError("--for is a time such as 30m, 4h or 2d, 1m to 366d")
                }
            }
            let now = Date()
            guard end(after: start(now)) > max(now, start(now)) else {
                throw ValidationError("a silence ends after it begins, and after now")
            }
            guard end(after: start(now)) < now.addingTimeInterval(3660 * 86_400) else {
                throw ValidationError("a silence ends within ten years")
            }
            guard comment.count <= 4000 else { throw ValidationError("--comment has at most 4000 characters") }
        }

        private func start(_ now: Date) -> Date { from?.date ?? now }

        private func end(after start: Date) -> Date {
            let seconds = length.flatMap { DurationArgument($0)?.duration.components.seconds } ?? 0
            return until?.date ?? start.addingTimeInterval(Double(seconds))
        }

        func run() async throws {
            let now = Date()
            try await withDatabase(shared) { database in
                let repository = SilenceRepository(client: database.client)
                let silence = try await repository.create(
                    matchers: matchers, from: start(now), until: end(after: start(now)), by: person.name, comment: comment, now: now)
                switch output.format {
                case .json: try printJSON(silence)
                case .table: print("Silence \(silence.id) is \(silence.state.rawValue), until \(Figures.time(silence.endsAt)).")
                }
                do {
                    let reach = try await PostgresClient.$patience.withValue(.seconds(5)) {
                        try await repository.reach(of: try matchers.map { try Matcher($0) })
                    }
                    tell(reach, isActive: silence.state == .active)
                } catch {
                    // The silence is there: who sees a failure would add another.
                    standardError("torq-monitor: warning: what it covers cannot be told: \(error)")
                }
            }
        }

        private func tell(_ reach: SilenceReach, isActive: Bool) {
            let verb = isActive ? ("covers", "does not cover") : ("would cover", "would not cover")
            let alerts = reach.isPartial ? "alerts that were looked at, the newest" : "alerts that stand now"
            let words =
                switch (reach.standing, reach.covered) {
                case (0, _): "No alert stands now."
                case (1, let covered): "It \(covered == 1 ? verb.0 : verb.1) the one alert that stands now."
                case (let standing, 0): "It \(verb.0) none of the \(standing) \(alerts)."
                case (let standing, let covered) where covered == standing: "It \(verb.0) all of the \(standing) \(alerts)."
                case (let standing, let covered): "It \(verb.0) \(covered) of the \(standing) \(alerts)."
                }
            standardError(words)
            for label in reach.unknownLabels {
                standardError("torq-monitor: warning: \(label) is no label of the monitor's, and no alert that stands has it")
            }
        }
    }

    struct Expire: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "expire", abstract: "Ends silences now.")
        @OptionGroup var shared: SharedOptions
        @OptionGroup var output: FormatOption

        @Argument(
            help: "Ids, as silences list shows them.",
            transform: { text in
                guard let id = UUID(uuidString: text) else {
                    throw ValidationError("\"\(text.prefix(60))\" is no id of a silence: silences list shows them")
                }
                return id
            })
        var ids: [UUID]

        func run() async throws {
            try await withDatabase(shared) { database in
                let repository = SilenceRepository(client: database.client)
                var ended: [SilenceRecord] = []
                for id in ids {
                    guard let silence = try await repository.end(id: id, now: Date()) else {
                        throw CommandFailure(description: "there is no silence \(id.uuidString.lowercased())")
                    }
                    ended.append(silence)
                    if output.format == .table { print("Silence \(silence.id) is \(silence.state.rawValue).") }
                }
                if output.format == .json { try printJSON(ended) }
            }
        }
    }

    private static func printTable(_ list: [SilenceRecord]) {
        guard !list.isEmpty else { return print("No silences.") }
        var table = TextTable("ID", "STATE", "FROM", "UNTIL", "BY", "MATCHERS", "COMMENT")
        for silence in list {
            table.add(
                silence.id, silence.state.rawValue, Figures.time(silence.startsAt), Figures.time(silence.endsAt), silence.createdBy,
                silence.matchers.joined(separator: " "), silence.comment)
        }
        print(table.text)
    }
}
