public import ArgumentParser
import Foundation
import MonitorService
import Monitoring
public import Notifications

struct NotificationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notifications", abstract: "The outbox: what was told, what waits, and what could not be delivered.",
        subcommands: [List.self, Retry.self, Drop.self])

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

        func run() async throws {
            try await withDatabase(shared) { database in
                let list = try await NotificationRepository(client: database.client).list(status: status, receiver: receiver, limit: limit)
                switch output.format {
                case .json: try printJSON(list)
                case .table:
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
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "retry", abstract: "Puts a dead one back, to be sent at once.")
        @OptionGroup var shared: SharedOptions
        @Argument(help: "Ids.") var ids: [UUID]
        func run() async throws { try await change(ids, shared) { try await $0.retry(id: $1) } }
    }

    struct Drop: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "drop", abstract: "Gives up on one that was not delivered.")
        @OptionGroup var shared: SharedOptions
        @Argument(help: "Ids.") var ids: [UUID]
        func run() async throws { try await change(ids, shared) { try await $0.drop(id: $1) } }
    }

    private static func change(
        _ ids: [UUID], _ shared: SharedOptions, _ body: (NotificationRepository, UUID) async throws -> NotificationChange?
    ) async throws {
        try await withDatabase(shared) { database in
            let repository = NotificationRepository(client: database.client)
            for id in ids {
                let name = id.uuidString.lowercased()
                guard let change = try await body(repository, id) else {
                    throw CommandFailure(description: "there is no notification \(name)")
                }
                print("\(name) is \(change.notification.status.rawValue)\(change.changed ? "" : ", as it was")")
            }
        }
    }
}

extension NotificationRecord.Status: ArgumentParser.ExpressibleByArgument {}
