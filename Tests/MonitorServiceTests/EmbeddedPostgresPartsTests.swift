import Foundation
import Testing

@testable import MonitorService

@Suite struct EmbeddedPostgresPartsTests {
    @Test(arguments: [
        ("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n", Int?.some(15)), ("postgres (PostgreSQL) 19beta1", 19),
        ("postgres (PostgreSQL) 9.6.24", 9), ("psql 15", nil), ("", nil),
    ])
    func theVersionIsRead(text: String, expected: Int?) {
        #expect(PostgresInstallation.majorVersion(of: text) == expected)
    }

    @Test func theNewestIsTakenForANewClusterAndTheSameForAnOldOne() async throws {
        let found = [14, 16, 17, 17].enumerated().map { PostgresInstallation(binDirectory: "/\($0.offset)", version: $0.element) }
        let finder = PostgresFinder(environment: [:])
        #expect(try finder.choose(from: found, clusterVersion: nil) == found[2])
        #expect(try finder.choose(from: found, clusterVersion: 16) == found[1])
        #expect(
            throws: EmbeddedPostgresError(
                .notInstalled,
                "the data directory was made by PostgreSQL 15, whose programs are not installed (found: 14 in /0, 16 in /1, 17 in /2, 17 in /3): "
                    + "install the package postgresql-15, or name its programs by PG_BIN_DIR")
        ) { try finder.choose(from: found, clusterVersion: 15) }
        #expect(
            throws: EmbeddedPostgresError(
                .notInstalled,
                "no PostgreSQL 15 or newer is installed (found: 14 in /0): install the package postgresql (Debian, Ubuntu: apt-get install "
                    + "postgresql), name its programs by PG_BIN_DIR, or give a database by --database")
        ) { try finder.choose(from: [found[0]], clusterVersion: nil) }
        await #expect(
            throws: EmbeddedPostgresError(
                .notInstalled, "PG_BIN_DIR is /nowhere, which does not hold the programs postgres, initdb and pg_ctl")
        ) { try await PostgresFinder(environment: ["PG_BIN_DIR": "/nowhere"]).find(clusterVersion: nil) }
    }

    @Test func newerVersionsAreLookedAtFirst() async {
        var finder = PostgresFinder(environment: [:])
        finder.listDirectory = { directory in
            switch directory {
            case "/usr/lib/postgresql": ["9.6", "15", "17", "README"]
            case "/usr": ["bin", "pgsql-15", "pgsql-16"]
            default: []
            }
        }
        let candidates = await finder.candidates().filter { $0.contains("pgsql-") || $0.hasPrefix("/usr/lib/postgresql/") }
        let expected = [
            "/usr/lib/postgresql/17/bin", "/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/9.6/bin", "/usr/pgsql-16/bin",
            "/usr/pgsql-15/bin",
        ]
        // pg_config's own answer may come before them.
        #expect(Array(candidates.suffix(expected.count)) == expected)
    }

    @Test(arguments: [
        ("71\n/data\n1700000000\n5432\n/run/x\n\n  5432001  0\nready   \n", Int32?.some(71), "/run/x", PostmasterFile.Status?.some(.ready)),
        ("71\n/data\n1700000000\n5432\n/run/x\n\n  5432001  0\nstarting\n", 71, "/run/x", .starting),
        ("71\n/data\n1700000000\n5432\n/run/x\n", 71, "/run/x", nil),
        ("71\n/data\n", 71, "", nil),
        ("-71\n/data\n", nil, "", nil), ("1\n", nil, "", nil), ("", nil, "", nil), ("x\ny", nil, "", nil),
    ])
    func theServersLockFileIsRead(text: String, processID: Int32?, socketDirectory: String, status: PostmasterFile.Status?) {
        let file = PostmasterFile(text)
        #expect(file?.processID == processID)
        #expect((file?.socketDirectory ?? "") == socketDirectory)
        #expect(file?.status == status)
    }

    @Test func theDefaultDirectoryIsOneThatTheServerCanEnter() throws {
        let closed = try TemporaryDirectory(mode: 0o700)
        let open = try TemporaryDirectory(mode: 0o755)
        let stranger = ServerAccount(name: "stranger", userID: 54321, groupID: 54321, isOther: true)
        let own = ServerAccount(name: "own", userID: 54321, groupID: 54321, isOther: false)
        let system = "/var/lib/torq-monitor"
        let table: [([String: String], ServerAccount, String)] = [
            (["XDG_DATA_HOME": "/data", "HOME": open.path], own, "/data/torq-monitor"),
            (["XDG_DATA_HOME": "/data"], stranger, "/data/torq-monitor"),
            (["XDG_DATA_HOME": "relative", "HOME": open.path], own, "\(open.path)/.local/share/torq-monitor"),
            (["HOME": open.path], stranger, "\(open.path)/.local/share/torq-monitor"),
            (["HOME": closed.path], stranger, system),
            (["HOME": closed.path], own, "\(closed.path)/.local/share/torq-monitor"),
            ([:], own, system),
        ]
        for (environment, account, expected) in table {
            #expect(DataDirectory.standard(environment: environment, account: account) == expected)
        }
        #expect(stranger.firstBarrier(on: "\(closed.path)/a/b") == closed.path)
        #expect(stranger.firstBarrier(on: "\(open.path)/a/b") == nil)
    }

    @Test func aSocketThatIsNotTheServersIsNone() async throws {
        let directory = try TemporaryDirectory(mode: 0o755)
        #expect(await SocketProbe.answers(path: "\(directory.path)/none", processID: 1, timeout: .seconds(1)) == false)
        let long = "/" + String(repeating: "x", count: SocketProbe.longestPath)
        #expect(await SocketProbe.answers(path: long, processID: 1, timeout: .seconds(1)) == false)
        #expect(SocketProbe.longestPath == 107)
    }

    @Test func aQuoteInThePathStaysInTheSetting() {
        let text = EmbeddedPostgresSettings.postgresqlConf(socketDirectory: "/it's")
        #expect(text.contains("\nunix_socket_directories = '/it''s'\n"))
    }
}

/// A directory of one test, removed with it. Short, so that a socket has room.
final class TemporaryDirectory: Sendable {
    let path: String

    init(mode: Int) throws {
        path = "/tmp/tq-" + UUID().uuidString.prefix(8).lowercased()
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false, attributes: nil)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}
