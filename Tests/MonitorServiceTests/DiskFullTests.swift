import Foundation
import Glibc
import Postgres
import Subprocess
import TestSupport
import Testing
import WebTransport

@testable import MonitorService

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// The disk under the embedded PostgreSQL becomes full, and has room again. The disk is a file system in memory that the service alone
/// sees: it has a mount namespace of its own, and nothing is mounted on the machine.
@Suite(
    .enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests"),
    .enabled(if: PrivateMount.isPossible, "no file system can be mounted in a namespace here (unshare --mount needs root)"),
    .timeLimit(.minutes(4)))
struct DiskFullTests {
    @Test func theDiskUnderTheEmbeddedPostgresIsFull() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "torq-\(UUID().uuidString.prefix(8))").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let port = try HTTPFixture.unusedPort()
        let address = "http://127.0.0.1:\(port)"
        let script = #"mount -t tmpfs -o size=224m,mode=0755 tmpfs "$0" && exec "$@""#
        let result = try await run(
            .path("/usr/bin/unshare"),
            arguments: [
                "--mount", "--", "/bin/sh", "-c", script, directory, Program.path, "serve", "--port", "\(port)", "--data-dir", directory,
            ],
            environment: .inherit.updating(["TORQ_MONITOR_DETECTION_EVALUATION_INTERVAL": "1s"]), input: .none, output: .discarded,
            error: .discarded
        ) { execution in
            do {
                try await eventually("it is ready", timeout: .seconds(90)) { await Program.get("\(address)/ready")?.status == 200 }
                // The directory as the service sees it.
                let seen = "/proc/\(execution.processIdentifier.value)/root\(directory)"
                let client = PostgresClient(
                    try PostgresConfiguration("host=\(seen)/run user=postgres dbname=postgres", queryTimeout: .seconds(10)), poolSize: 1)
                do {
                    try await Self.fillAndEmpty("\(seen)/filler", address, client)
                } catch {
                    await client.close()
                    throw error
                }
                await client.close()
            } catch {
                try? execution.send(signal: .kill)
                throw error
            }
            try execution.send(signal: .terminate)
        }
        #expect(result.terminationStatus.isSuccess)
    }

    private static func fillAndEmpty(_ filler: String, _ address: String, _ client: PostgresClient) async throws {
        try fill(filler)
        // Whatever is written from here on, by us and by evaluations, finds no space: sooner or later not even for what PostgreSQL must
        // write to go on, and it stops.
        try await eventually("it is not ready", timeout: .seconds(60)) {
            // Its log goes on in files that are there already, as long as there are any.
            _ = try? await insert(2000, client)
            _ = try? await client.query("SELECT pg_switch_wal()")
            return await ["disk_full", "database_gone"].contains(TroubledServer.reason(address) ?? "")
        }
        #expect(await Program.get("\(address)/health")?.status == 200)
        try FileManager.default.removeItem(atPath: filler)
        try await eventually("it is ready", timeout: .seconds(90)) { await Program.get("\(address)/ready")?.status == 200 }
        try await eventually("events can be written", timeout: .seconds(30)) { (try? await insert(10, client)) != nil }
        try await eventually("all are rolled up", timeout: .seconds(60)) {
            try await client.query(
                """
                SELECT (SELECT count(*) FROM learning_events) = (SELECT coalesce(sum(total_events), 0) FROM monitoring_rollup) AS are_all
                """)[0].decode("are_all")
        }
        try await TroubledServer.evaluationsGoOn(client)
    }

    private static func insert(_ count: Int, _ client: PostgresClient) async throws {
        try await client.query(
            """
            INSERT INTO learning_events (event_id, event_type, event_data, occurred_at)
            SELECT gen_random_uuid(), 'success', jsonb_build_object('reward', 0.9, 'text', repeat(gen_random_uuid()::text, 30)), now()
            FROM generate_series(1, \(count))
            """)
    }

    /// Writes until nothing more can be.
    private static func fill(_ path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        defer { close(descriptor) }
        for size in [65_536, 4096] {
            let block = [UInt8](repeating: 120, count: size)
            while write(descriptor, block, block.count) > 0 {}
        }
    }
}

/// A file system that one process and its children alone see.
private enum PrivateMount {
    static let isPossible: Bool = {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/unshare")
        process.arguments = ["--mount", "--", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        guard geteuid() == 0, (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()
}
