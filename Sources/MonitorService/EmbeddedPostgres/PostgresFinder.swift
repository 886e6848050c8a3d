import Foundation
import Subprocess

#if canImport(System)
import System
#else
import SystemPackage
#endif

/// Finds PostgreSQL's programs on this machine.
struct PostgresFinder: Sendable {
    /// Directories whose names hold a version, with what stands before and after it.
    private static let versioned = [
        ("/usr/lib/postgresql", "", "/bin"), ("/usr", "pgsql-", "/bin"), ("/usr/libexec", "postgresql", ""),
        ("/opt/homebrew/opt", "postgresql@", "/bin"), ("/usr/local/opt", "postgresql@", "/bin"),
        ("/Library/PostgreSQL", "", "/bin"), ("/Applications/Postgres.app/Contents/Versions", "", "/bin"),
    ]
    private static let fixed = ["/opt/homebrew/bin", "/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"]

    var environment: [String: String]
    var listDirectory: @Sendable (String) -> [String] = { (try? FileManager.default.contentsOfDirectory(atPath: $0)) ?? [] }
    var isExecutable: @Sendable (String) -> Bool = { FileManager.default.isExecutableFile(atPath: $0) }

    /// The installation to use: the newest for a new cluster, the one of its own version for an existing one.
    ///
    /// - Throws: `notInstalled`, naming what was looked for and the package to install.
    func find(clusterVersion: Int?) async throws(EmbeddedPostgresError) -> PostgresInstallation {
        if let directory = environment["PG_BIN_DIR"], !directory.isEmpty {
            guard hasPrograms(directory), let version = await version(directory) else {
                throw EmbeddedPostgresError(
                    .notInstalled, "PG_BIN_DIR is \(directory), which does not hold the programs postgres, initdb and pg_ctl")
            }
            return try choose(from: [PostgresInstallation(binDirectory: directory, version: version)], clusterVersion: clusterVersion)
        }
        var found: [PostgresInstallation] = []
        for directory in await candidates() where hasPrograms(directory) && !found.contains(where: { $0.binDirectory == directory }) {
            guard let version = await version(directory) else { continue }
            found.append(PostgresInstallation(binDirectory: directory, version: version))
        }
        return try choose(from: found, clusterVersion: clusterVersion)
    }

    /// Picks by version; of equal ones the first.
    func choose(from found: [PostgresInstallation], clusterVersion: Int?) throws(EmbeddedPostgresError) -> PostgresInstallation {
        let oldest = PostgresInstallation.oldestVersion
        let present = found.map { "\($0.version) in \($0.binDirectory)" }.joined(separator: ", ")
        if let clusterVersion {
            if let same = found.first(where: { $0.version == clusterVersion }) { return same }
            throw EmbeddedPostgresError(
                .notInstalled,
                "the data directory was made by PostgreSQL \(clusterVersion), whose programs are not installed "
                    + "(found: \(present.isEmpty ? "none" : present)): install the package postgresql-\(clusterVersion), or name its "
                    + "programs by PG_BIN_DIR")
        }
        let usable = found.filter { $0.version >= oldest }
        if let newest = usable.map(\.version).max(), let first = usable.first(where: { $0.version == newest }) { return first }
        throw EmbeddedPostgresError(
            .notInstalled,
            "no PostgreSQL \(oldest) or newer is installed (found: \(present.isEmpty ? "none" : present)): install the package postgresql "
                + "(Debian, Ubuntu: apt-get install postgresql), name its programs by PG_BIN_DIR, or give a database by --database")
    }

    /// Directories to look at, best first: what pg_config says, then the usual places, newest version first.
    func candidates() async -> [String] {
        var result: [String] = []
        if let said = await Self.output(of: "pg_config", ["--bindir"]) {
            result.append(said.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        for (parent, prefix, suffix) in Self.versioned {
            let versions = listDirectory(parent).compactMap { name -> (Double, String)? in
                guard name.hasPrefix(prefix), let version = Double(name.dropFirst(prefix.count)) else { return nil }
                return (version, "\(parent)/\(name)\(suffix)")
            }
            result += versions.sorted { $0.0 > $1.0 }.map(\.1)
        }
        return result + Self.fixed
    }

    private func hasPrograms(_ directory: String) -> Bool {
        ["postgres", "initdb", "pg_ctl"].allSatisfy { isExecutable("\(directory)/\($0)") }
    }

    private func version(_ directory: String) async -> Int? {
        await Self.output(of: "\(directory)/postgres", ["--version"]).flatMap(PostgresInstallation.majorVersion)
    }

    private static func output(of program: String, _ arguments: [String]) async -> String? {
        let executable: Executable = program.hasPrefix("/") ? .path(FilePath(program)) : .name(program)
        let result = try? await run(executable, arguments: Arguments(arguments), output: .string(limit: 4096), error: .discarded)
        return result?.terminationStatus.isSuccess == true ? result?.standardOutput : nil
    }
}
