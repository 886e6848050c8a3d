import Foundation
import Logging
import Monitoring
import Notifications
import Postgres
import ServiceLifecycle

/// Reads the configuration again when it is asked to, and when its file or a file of a secret has changed. A faulty one is refused,
/// with every fault named, and the running one stays; of a good one, everything that can takes effect.
struct ConfigurationReloader: Service {
    /// Where to read from, and who asks.
    let reloading: Reloading
    let running: RunningConfiguration
    let client: PostgresClient
    let logger: Logger
    /// How often the files are looked at.
    var interval: Duration = .seconds(1)

    private enum Event: Sendable {
        case asked, tick
    }

    /// What became of a configuration that was read; `owed`: it is good, and is to be tried again.
    private enum Outcome {
        case taken, refused, owed
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                let (events, continuation) = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingNewest(4))
                group.addTask { for await _ in reloading.requests { continuation.yield(.asked) } }
                group.addTask {
                    while !Task.isCancelled {
                        try? await Task.sleep(for: interval)
                        continuation.yield(.tick)
                    }
                }
                await work(events)
                group.cancelAll()
            }
        }
    }

    private func work(_ events: AsyncStream<Event>) async {
        // As they were before they were read at the start: a change in between is found.
        var files = reloading.initialFiles.keys.map { $0 }
        var watch = FileWatch(read: reloading.initialFiles)
        var last = Outcome.taken
        for await event in events {
            if Task.isCancelled { return }
            let states = FileWatch.states(of: files)
            let isDue = watch.look(states)
            guard event == .asked || isDue || last == .owed else { continue }
            let reading = reloading.loader.read()
            // With those of a configuration that is refused: a secret that is put in its place afterwards is noticed.
            files = Array(Set(files).union(reading.files))
            watch.didRead(states.merging(FileWatch.states(of: reading.files)) { old, _ in old })
            // Whoever was told that it is refused is told that it no longer is.
            last = await take(reading.result, isAnswered: event == .asked && last != .owed || last == .refused)
        }
    }

    /// - Parameter isAnswered: Whether it says so where nothing is different.
    private func take(_ result: Result<LoadedConfiguration, ConfigurationError>, isAnswered: Bool) async -> Outcome {
        do {
            let loaded = try result.get()
            let present = running.snapshot
            let changes = ConfigurationChanges(from: present.configuration, to: loaded.configuration)
            let next = loaded.configuration.keepingWhatNeedsRestart(of: present.configuration)
            try MonitorService.check(next)
            guard !changes.isEmpty else {
                if isAnswered { logger.notice("The configuration was read again; nothing is different") }
                return .taken
            }
            for warning in loaded.warnings { logger.warning("The configuration is odd", metadata: Self.metadata(warning)) }
            if !changes.needRestart.isEmpty {
                logger.warning(
                    "These keys take effect with the next start alone", metadata: ["keys": "\(changes.needRestart.joined(separator: ", "))"]
                )
            }
            guard !changes.applied.isEmpty else { return .taken }
            // First: what comes may need the database, and the database the new password.
            if let url = next.database.url, url != present.configuration.database.url {
                client.reconfigure(try PostgresConfiguration(url.reveal()))
            }
            var snapshot = RunningConfiguration.Snapshot(configuration: next, signer: present.signer)
            // Before the start is over nobody signs.
            if present.signer != nil, next.listener.linkKey != present.configuration.listener.linkKey {
                let keys = try await LinkKeyStore(client: client).keys(configured: next.listener.linkKey?.reveal())
                snapshot.signer = LinkSigner(keys: keys)
            }
            running.replace(snapshot)
            logger.notice("The configuration is another one now", metadata: ["keys": "\(changes.applied.joined(separator: ", "))"])
            return .taken
        } catch let error as ConfigurationError {
            for problem in error.problems {
                logger.error("The new configuration is refused, and the running one stays", metadata: Self.metadata(problem))
            }
            return .refused
        } catch let error as PostgresError {
            logger.warning("The new configuration waits for the database", metadata: ["error": "\(error)"])
            return .owed
        } catch {
            logger.error("The new configuration is refused, and the running one stays", metadata: ["error": "\(error)"])
            return .refused
        }
    }

    private static func metadata(_ problem: ConfigurationProblem) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["problem": "\(problem.message)"]
        if let place = problem.place { metadata["place"] = "\(place)" }
        if !problem.key.isEmpty { metadata["key"] = "\(problem.key)" }
        if let suggestion = problem.suggestion { metadata["did_you_mean"] = "\(suggestion)" }
        return metadata
    }
}
