import Foundation
import Notifications
import Testing

@testable import MonitorService

/// What a reload is made of, without a service.
@Suite struct ReloadPartsTests {
    typealias File = ConfigurationFileTests

    private static func changes(_ old: String, _ new: String) throws -> ConfigurationChanges {
        ConfigurationChanges(from: try File.load(old).configuration, to: try File.load(new).configuration)
    }

    static let base = """
        database: {url: postgresql://a:hidden-one@h/x}
        listener: {port: 1, tokens: [{name: a, secret: hidden-token-00001, scope: read}]}
        receivers: [{name: r, type: slack, url: "https://h/hidden"}, {name: s, type: log}]
        """

    /// A configuration that was read while the service started knows nothing of its keys.
    @Test func theSignerOfAStartMeanwhileStays() throws {
        let first = ServiceConfiguration()
        let running = RunningConfiguration(first)
        var next = first
        next.detection.evaluationInterval = .seconds(7)
        #expect(running.start(first, signer: LinkSigner(keys: [LinkKey(id: "k", secret: Array(repeating: 1, count: 32))])))
        running.replace(.init(configuration: next, signer: nil))
        #expect(running.snapshot.signer != nil && running.configuration.detection.evaluationInterval == .seconds(7))
    }

    @Test(arguments: [
        ("detection: {thresholds: {low: 1.4}}", ["detection.thresholds"], []),
        ("heartbeat: https://h/hidden", ["heartbeat"], []),
        ("retention: {attempts: 7d}", ["retention"], []),
        ("database: {url: postgresql://a:hidden-two@h/x}", ["database.url"], []),
        ("database: {url: postgresql://a:hidden-one@other/x}", [], ["database.url"]),
        ("database: {url: postgresql://a:hidden-one@h/x, pool_size: 3}", [], ["database.pool_size"]),
        ("listener: {port: 2, tokens: [{name: a, secret: hidden-token-00001, scope: read}]}", [], ["listener.port"]),
        (
            "listener: {port: 1, tokens: [{name: a, secret: hidden-token-00002, scope: write}]}",
            ["listener.tokens.a.secret", "listener.tokens.a.scope"], []
        ),
        (
            "listener: {port: 1, tokens: [{name: b, secret: hidden-token-00001, scope: read}]}",
            ["listener.tokens.a (gone)", "listener.tokens.b (new)"], []
        ),
        (
            "receivers: [{name: r, type: slack, url: \"https://h/hidden-two\", rate_limit: 2/s}, {name: s, type: log}]",
            ["receivers.r.url", "receivers.r.rate_limit"], []
        ),
        ("receivers: [{name: s, type: log}, {name: r, type: slack, url: \"https://h/hidden\"}]", ["receivers"], []),
    ])
    func whatChangedIsNamedAndNeverShown(line: String, applied: [String], needRestart: [String]) throws {
        let key = line.prefix { $0 != ":" } + ":"
        let kept = Self.base.split(separator: "\n").filter { !$0.hasPrefix(key) }.joined(separator: "\n")
        let changes = try Self.changes(Self.base, kept + "\n" + line)
        #expect(changes.applied == applied)
        #expect(changes.needRestart == needRestart)
        #expect(!"\(changes)".contains("hidden"))
    }

    @Test func nothingChangedIsEmpty() throws {
        #expect(try Self.changes(Self.base, Self.base).isEmpty)
    }

    /// A key that is added to the configuration and forgotten here would be reloaded in silence, or not at all.
    @Test func everyPropertyHasAPart() throws {
        func count(_ value: Any) -> Int { Mirror(reflecting: value).children.count }
        let configuration = ServiceConfiguration()
        let nested = [configuration.database as Any, configuration.listener, configuration.detection]
        let expected = count(configuration) - nested.count + nested.map(count).reduce(0, +)
        #expect(ServiceConfiguration.parts.count == expected)
        #expect(ReceiverConfiguration.parts.count == count(ReceiverConfiguration(name: "a", type: .log)))
        #expect(AccessToken.parts.count == count(AccessToken(name: "a", secret: Secret("b"), scope: .read)))
    }

    @Test func whatNeedsARestartStays() throws {
        let running = try File.load(Self.base).configuration
        let text = "database: {url: postgresql://other/x, pool_size: 3}\nlistener: {host: localhost, port: 9}\ndata_dir: /x\nenvironment: e"
        let next = try File.load(text).configuration.keepingWhatNeedsRestart(of: running)
        #expect(next.database == running.database && next.listener.port == 1 && next.listener.host == running.listener.host)
        #expect(next.dataDirectory == nil && next.environment == "e")
    }

    @Test func aFileIsReadOnceItHasComeToRest() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "torq-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appending(path: "a").path
        func write(_ text: String) throws { try text.write(toFile: path, atomically: false, encoding: .utf8) }
        func now() -> [String: FileState?] { FileWatch.states(of: [path]) }
        var watch = FileWatch(read: now())
        func look() -> Bool { watch.look(now()) }
        #expect(look() == false)
        try write("1")
        #expect(look() == false)
        try write("12")
        #expect(look() == false)
        #expect(look() == true)
        watch.didRead(now())
        #expect(look() == false)
        try FileManager.default.removeItem(atPath: path)
        #expect(look() == false)
        #expect(look() == true)
    }

    /// As Kubernetes mounts a secret: a link to a directory that is exchanged as a whole.
    @Test func aLinkThatLeadsElsewhereIsAnotherFile() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "torq-\(UUID().uuidString.prefix(8))").path
        let files = FileManager.default
        defer { try? files.removeItem(atPath: directory) }
        for name in ["1", "2"] {
            try files.createDirectory(atPath: "\(directory)/\(name)", withIntermediateDirectories: true)
            try "same".write(toFile: "\(directory)/\(name)/secret", atomically: false, encoding: .utf8)
        }
        try files.createSymbolicLink(atPath: "\(directory)/data", withDestinationPath: "1")
        let before = FileState(path: "\(directory)/data/secret")
        try files.removeItem(atPath: "\(directory)/data")
        try files.createSymbolicLink(atPath: "\(directory)/data", withDestinationPath: "2")
        #expect(before != nil && FileState(path: "\(directory)/data/secret") != before)
    }

    @Test func theFilesOfSecretsAreWatchedThoseThatAreMissingToo() {
        let loader = ConfigurationLoader(file: "/nowhere/monitor.yaml", environment: [:])
        #expect(loader.read().files == ["/nowhere/monitor.yaml"])
        let directory = FileManager.default.temporaryDirectory.appending(path: "torq-\(UUID().uuidString.prefix(8))")
        defer { try? FileManager.default.removeItem(at: directory) }
        try? FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let file = directory.appending(path: "monitor.yaml").path
        try? "listener: {link_key: file:key, slack_signing_secret: file:/nowhere/secret}".write(
            toFile: file, atomically: true, encoding: .utf8)
        let reading = ConfigurationLoader(file: file, environment: [:]).read()
        #expect(Set(reading.files) == [file, directory.appending(path: "key").path, "/nowhere/secret"])
        #expect(throws: ConfigurationError.self) { try reading.result.get() }
    }
}
