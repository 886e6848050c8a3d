import Demo
import Foundation
import Logging
import Postgres
import ServiceLifecycle

/// Writes the demo's events: two weeks at once, then one second after the other.
actor DemoFeed: Service {
    private let settings: DemoSettings
    private let clock: DemoClock
    private let client: PostgresClient
    private let logger: Logger
    /// Up to which moment events have been written; the demo's time.
    private var frontier: Date?

    init(settings: DemoSettings, clock: DemoClock, client: PostgresClient, logger: Logger) {
        self.settings = settings
        self.clock = clock
        self.client = client
        self.logger = logger
    }

    /// Loads the history up to now, and sets the clock.
    ///
    /// - Returns: How many events it has.
    func loadHistory(progress: @Sendable (String) -> Void) async throws -> Int {
        // The clock is set when this is done, and may then stand as much behind: no event of the history lies in its future.
        let end = Date().addingTimeInterval(settings.speed > 1 ? -DemoSettings.played : -DemoClock.furthest)
        let generator = EventGenerator(seed: settings.seed, traffic: DemoSettings.historyTraffic)
        var total = 0
        for day in (0..<settings.historyDays).reversed() {
            let from = end.addingTimeInterval(Double(-day - 1) * 86_400)
            total += try await write(generator, from: from, to: from.addingTimeInterval(86_400))
            progress("Writing two weeks of events … \(settings.historyDays - day) of \(settings.historyDays) days")
        }
        try await client.query("ANALYZE learning_events", timeout: .seconds(60))
        if settings.speed > 1 {
            clock.play(from: end, since: Date(), speed: settings.speed)
        } else {
            clock.set(start: Date(), untilBucketEnds: DemoSettings.untilBucketEnds)
        }
        let now = clock.moment(at: Date())
        total += try await write(generator, from: end, to: now)
        frontier = now
        return total
    }

    /// Live events until the service ends, with the regression a minute after the first.
    func run() async throws {
        let begin = clock.moment(at: Date())
        let regressions = stride(from: 0, to: settings.speed > 1 ? DemoSettings.played : 1, by: DemoSettings.untilNextRegression).map {
            DemoSettings.incident(from: begin.addingTimeInterval(DemoSettings.calm + $0))
        }
        let generator = EventGenerator(seed: settings.seed, traffic: DemoSettings.liveTraffic, incidents: regressions)
        await cancelWhenGracefulShutdown {
            await self.follow(generator, from: begin)
        }
    }

    private func follow(_ generator: EventGenerator, from begin: Date) async {
        while !Task.isCancelled {
            let now = clock.moment(at: Date())
            do {
                _ = try await write(generator, from: frontier ?? begin, to: now)
                frontier = now
            } catch {
                // Events that could not be written now are written with the next second's.
                if !Task.isCancelled { logger.warning("Live events could not be written", metadata: ["error": "\(error)"]) }
            }
            try? await Task.sleep(for: .seconds(1))
        }
    }

    /// The time of ingest is the real one, by which the roll-up finds what is new; only `occurredAt` follows the demo's clock.
    private func write(_ generator: EventGenerator, from: Date, to: Date) async throws -> Int {
        let ingestedAt = Date()
        return try await client.withConnection { connection in
            try await connection.copyIn("COPY learning_events (\(DemoEvent.columns)) FROM STDIN", timeout: .seconds(120)) { writer in
                var start = from
                while start < to {
                    let end = min(to, start.addingTimeInterval(600))
                    var rows: [UInt8] = []
                    for event in generator.events(from: start, to: end) { event.appendCopyRow(to: &rows, ingestedAt: ingestedAt) }
                    if !rows.isEmpty { try await writer.write(rows) }
                    start = end
                }
            }
        }
    }
}
