public import ArgumentParser
import Foundation
import MonitorService
import Monitoring
public import Notifications

struct NotificationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notifications", abstract: "The outbox: what was told, what waits, and what could not be delivered.",
        subcommands: [List.self, Show.self, Retry.self, Drop.self], aliases: ["notification"])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Notifications, newest first.")
        @OptionGroup var shared: SharedOptions
        @OptionGroup var output: FormatOption

        @Option(name: .long, help: "pending, sending, delivered, superseded, dead or dropped; default all.")
        var status: NotificationRecord.Status?

        @Option(name: .long, help: "Of this receiver alone.")
        var receiver: String?

        @Option(name: .long, help: "1 to 1000.")
        var limit = 50

        func validate() throws {
            guard (1...1000).contains(limit) else { throw ValidationError("--limit is 1 to 1000") }
        }

        func run() async throws {
            try await withDatabase(shared) { database in
                if let receiver { try await NotificationsCommand.checkThatExists(receiver, database) }
                let found = try await NotificationRepository(client: database.client)
                    .list(status: status, receiver: receiver, limit: limit + 1)
                let list = Array(found.prefix(limit))
                switch output.format {
                case .json: try printJSON(list)
                case .table: printTable(list)
                }
                if found.count > limit {
                    standardError("there are older ones (--limit up to 1000, --status and --receiver for some of them)")
                }
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "One notification, all that its message tells of, and every attempt to deliver that.")
        @OptionGroup var shared: SharedOptions
        @OptionGroup var output: FormatOption
        @Argument(help: Target.help) var target: Target

        func run() async throws {
            try await withDatabase(shared) { database in
                let repository = NotificationRepository(client: database.client)
                let id = try await target.id(in: repository)
                guard let notification = try await repository.notification(id: id) else {
                    throw CommandFailure(description: "there is no notification \(id.uuidString.lowercased())")
                }
                let answer = Answer(
                    notification: notification, members: try await repository.members(ofMessageOf: id),
                    attempts: try await repository.attempts(notificationID: id))
                switch output.format {
                case .json: try printJSON(answer)
                case .table: printStory(answer)
                }
            }
        }

        private func printStory(_ answer: Answer) {
            let notification = answer.notification
            let due = notification.status == .pending ? ", due at \(Figures.time(notification.dueAt))" : ""
            let error = notification.lastError.map { ", \($0)" } ?? ""
            print(
                "\(notification.transition ?? notification.cause) of alert \(notification.alertID.uuidString.lowercased()) "
                    + "to \(notification.receiver): \(notification.status.rawValue)\(due)\(error)")
            if let newer = notification.supersededBy { print("In its place: \(newer.uuidString.lowercased())") }
            if answer.members.count > 1 {
                print("\nIts message tells of \(answer.members.count):\n")
                NotificationsCommand.printTable(answer.members)
            }
            guard !answer.attempts.isEmpty else { return print("\nNo attempt was made yet.") }
            var table = TextTable("ATTEMPT", "AT", "OUTCOME", "HTTP", "REASON", "MS", "ADDRESS", "ANSWER")
            for attempt in answer.attempts {
                table.add(
                    "\(attempt.attempt)", Figures.time(attempt.startedAt), attempt.outcome, attempt.httpStatus.map { "\($0)" } ?? "–",
                    attempt.reason ?? "", attempt.totalMilliseconds.map { String(format: "%.1f", $0) } ?? "–",
                    attempt.remoteAddress ?? "–", String((attempt.answer ?? "").prefix(60)))
            }
            print("\n\(table.text)")
        }

        private struct Answer: Encodable {
            var notification: NotificationRecord
            var members: [NotificationRecord]
            var attempts: [DeliveryAttempt]
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "retry", abstract: "Puts dead and dropped ones back, to be sent at once: by id, or all that a receiver missed.")
        @OptionGroup var shared: SharedOptions
        @Argument(help: Target.help) var ids: [Target] = []

        @Option(name: .long, help: "All that this receiver missed, in place of ids.")
        var receiver: String?

        @Flag(name: .long, help: "Of each alert only how it stands: the newest, where that is still news.")
        var present = false

        @Option(name: .long, help: "Only what was written within so long: 12h, 3d; default 7d, at most 90d.")
        var since: String?

        func validate() throws {
            guard ids.isEmpty != (receiver == nil) else { throw ValidationError("either ids or --receiver NAME") }
            guard receiver != nil || (!present && since == nil) else { throw ValidationError("--present and --since go with --receiver") }
            guard span != nil else { throw ValidationError("--since is a time such as 12h or 3d, at most 90d") }
        }

        private var span: Duration? {
            guard let span = DurationArgument(since ?? "7d")?.duration, span > .zero, span <= .seconds(90 * 86_400) else { return nil }
            return span
        }

        func run() async throws {
            guard let receiver, let span else { return try await change(ids, to: .pending, shared) { try await $0.retry(id: $1) } }
            try await withDatabase(shared) { database in
                try await NotificationsCommand.checkThatExists(receiver, database)
                let outcome = try await NotificationRepository(client: database.client)
                    .replay(receiver: receiver, present ? .present : .all, within: span)
                print("\(outcome.replayed) are due again, \(outcome.superseded) are superseded by newer ones")
                if outcome.remaining > 0 { print("\(outcome.remaining) more are dead: run it again once these are sent") }
            }
        }
    }

    struct Drop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "drop", abstract: "Gives up on one that was not delivered.")
        @OptionGroup var shared: SharedOptions
        @Argument(help: Target.help) var ids: [Target]
        func run() async throws { try await change(ids, to: .dropped, shared) { try await $0.drop(id: $1) } }
    }

    /// A name that nothing was ever told to is a mistake, not an empty list.
    private static func checkThatExists(_ receiver: String, _ database: Database) async throws {
        let names = try await ReceiverRepository(client: database.client).receivers().map(\.name)
        guard names.contains(receiver) else {
            let known = names.isEmpty ? "there is none yet" : "there are \(names.prefix(10).joined(separator: ", "))"
            throw CommandFailure(description: "nothing was ever told to a receiver \(receiver.prefix(48)); \(known)")
        }
    }

    /// The id of a notification, or its beginning.
    struct Target: ExpressibleByArgument {
        static let help: ArgumentHelp = "A notification's id, or four characters and more of its beginning that are that one's alone."

        var text: String
        var prefix: IdentifierPrefix

        init?(argument: String) {
            guard let prefix = IdentifierPrefix(argument) else { return nil }
            (text, self.prefix) = (argument, prefix)
        }

        func id(in repository: NotificationRepository) async throws -> UUID {
            try await prefix.only("notification", text) { try await repository.ids(in: $0, limit: 5) }
        }
    }

    /// Does it to each; what cannot be changed any more fails the command, once the others are done.
    private static func change(
        _ targets: [Target], to status: NotificationRecord.Status, _ shared: SharedOptions,
        _ body: (NotificationRepository, UUID) async throws -> NotificationChange?
    ) async throws {
        try await withDatabase(shared) { database in
            let repository = NotificationRepository(client: database.client)
            var unchanged = 0
            for target in targets {
                let id = try await target.id(in: repository)
                let name = id.uuidString.lowercased()
                guard let change = try await body(repository, id) else {
                    throw CommandFailure(description: "there is no notification \(name)")
                }
                let others = change.count > 1 ? ", with \(change.count - 1) more that its message tells of" : ""
                let due = change.notification.status == .pending ? ", due at \(Figures.time(change.notification.dueAt))" : ""
                print("\(name) is \(change.notification.status.rawValue)\(due)\(change.changed ? others : ", as it was")")
                if !change.changed, change.notification.status != status { unchanged += 1 }
            }
            if unchanged > 0 {
                throw CommandFailure(description: "\(unchanged) of \(targets.count) could not be changed: they are as they were")
            }
        }
    }

    fileprivate static func printTable(_ list: [NotificationRecord]) {
        guard !list.isEmpty else { return print("No notifications.") }
        var table = TextTable("ID", "CREATED", "RECEIVER", "CAUSE", "STATUS", "ATTEMPTS", "LAST ERROR")
        for notification in list {
            table.add(
                notification.id.uuidString.lowercased(), Figures.time(notification.createdAt), notification.receiver,
                notification.transition ?? notification.cause, notification.status.rawValue, "\(notification.attempts)",
                notification.lastError ?? "")
        }
        print(table.text)
    }
}

extension NotificationRecord.Status: ArgumentParser.ExpressibleByArgument {}
