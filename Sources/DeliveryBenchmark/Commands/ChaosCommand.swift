import ArgumentParser
import Foundation
import Glibc
import Postgres
import TestServer

/// Three whole services on one database, killed and paused at random, under regressions without end.
struct ChaosCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos", abstract: "Three services, kill -9 and SIGSTOP at random: each step once, each message delivered.",
        discussion: """
            A second is a minute to the evaluations, so that regressions come and go. With --pgbouncer all connections go through a \
            PgBouncer in transaction mode.
            """)

    @OptionGroup var common: CommonOptions

    @Option(help: "How long.")
    var seconds = 300

    @Option(help: "The longest pause of a process that is stopped.")
    var pause = 15

    @Flag(help: "Through PgBouncer, pool_mode = transaction.")
    var pgbouncer = false

    func validate() throws {
        guard (20...3600).contains(seconds), (1...60).contains(pause) else {
            throw ValidationError("--seconds is from 20 to 3600, --pause from 1 to 60")
        }
    }

    func run() async throws {
        let program = try common.monitor()
        let (seconds, pause, pgbouncer) = (Double(seconds), Double(pause), pgbouncer)
        let figures = try await Cleanup.shared.withFolder { folder in
            try await withMonitorDatabase { database in
                let bouncer = pgbouncer ? try await Bouncer(database.url, database.name, folder: folder) : nil
                let result: Result<Figures, any Error>
                do {
                    let trial = try ChaosTrial(program: program, database: database, url: bouncer?.url ?? database.url, folder: folder)
                    result = .success(try await trial.run(seconds: seconds, pause: pause))
                } catch {
                    result = .failure(error)
                }
                try await bouncer?.stop()
                return try result.get()
            }
        }
        try common.tell(figures)
    }
}
