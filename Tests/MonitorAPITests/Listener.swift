import Foundation
import Logging
import Notifications
import Postgres
import ServiceLifecycle
import TestSupport
import Testing
import WebTransport

@testable import MonitorAPI

/// A listener on a free port, over a database of the test's own, with a client of it.
struct Listener: Sendable {
    /// The moment that all tests stand at.
    static let now = Date(timeIntervalSince1970: 1_773_144_000)  // 2026-03-10T12:00:00Z

    let port: Int
    let database: TestDatabase
    let transport: WebTransport
    let signer: LinkSigner
    let services: ServiceGroup

    /// Stops it as SIGTERM does.
    func stop() async { await services.triggerGracefulShutdown() }

    func send(
        _ method: String = "GET", _ path: String, headers: [(name: String, value: String)] = [], body: String = ""
    ) async throws -> Answer {
        let response = try await transport.send(
            WebRequest(
                method: method, url: "http://127.0.0.1:\(port)\(path)", headers: headers, body: Array(body.utf8),
                timeout: .seconds(60), keepBytes: 1 << 20, addresses: .any))
        return Answer(response)
    }

    func post(_ path: String, _ json: String = "", headers: [(name: String, value: String)] = []) async throws -> Answer {
        let type = json.isEmpty ? [] : [(name: "Content-Type", value: "application/json")]
        return try await send("POST", path, headers: type + headers, body: json)
    }

    func submit(_ path: String, _ form: String, headers: [(name: String, value: String)] = []) async throws -> Answer {
        try await send("POST", path, headers: [(name: "Content-Type", value: "application/x-www-form-urlencoded")] + headers, body: form)
    }

    /// One value of the database, as text.
    func value(_ sql: String) async throws -> String? {
        try await database.client.query("SELECT (\(sql))::text AS value").first?.decode("value")
    }
}

/// An answer as tests compare it.
struct Answer: Sendable {
    let status: Int
    let text: String
    let bytes: [UInt8]
    private let response: WebResponse

    init(_ response: WebResponse) {
        status = response.status
        text = String(decoding: response.body, as: UTF8.self)
        bytes = response.body
        self.response = response
    }

    /// Without the one script that is ours.
    var markup: String { text.replacing(/<script src="(\.\.\/)?live\.js" defer>/, with: "") }

    func header(_ name: String) -> String? { response.header(name) }
}

/// Runs a listener around `body`, and stops it.
func withListener(
    tokens: [ListenerToken] = [], publicURL: String? = nil, fixture: Bool = true, extras: ListenerExtras = ListenerExtras(),
    _ body: @escaping @Sendable (Listener) async throws -> Void
) async throws {
    try await withTestDatabase(schema: true) { database in
        if fixture {
            try await database.client.withConnection { try await $0.executeScript(Fixture.sql) }
        }
        try await withListener(over: database, client: database.client, tokens: tokens, publicURL: publicURL, extras: extras, body)
    }
}

/// The same over a database that is there already, through any client.
func withListener(
    over database: TestDatabase, client: PostgresClient, tokens: [ListenerToken] = [], publicURL: String? = nil,
    evaluations: EvaluationWatch? = nil, extras: ListenerExtras = ListenerExtras(),
    _ body: @escaping @Sendable (Listener) async throws -> Void
) async throws {
    let signer = LinkSigner(keys: [LinkKey(id: "test", secret: [UInt8](repeating: 1, count: 32))])
    let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    var server = MonitorServer(
        configuration: try ListenerConfiguration(
            port: 0, publicURL: publicURL, tokens: tokens, slackSigningSecret: extras.slackSecret.map(Secret.init),
            trustedProxies: extras.trustedProxies, maximumConnections: extras.maximumConnections),
        client: client, linkSigner: signer,
        logger: logger, evaluations: evaluations,
        receivers: extras.receivers, relay: extras.relay, testReceiver: extras.testReceiver, slackUpdates: extras.slackUpdates,
        clock: { Listener.now })
    if let deadline = extras.bodyDeadline { server.bodyDeadline = deadline }
    if let patience = extras.keyPatience { server.keyPatience = patience }
    if let seconds = extras.streamLifetime { server.streamLifetime = seconds }
    let transport = WebTransport()
    let (ports, port) = AsyncStream.makeStream(of: Int.self)
    let services = ServiceGroup(
        configuration: ServiceGroupConfiguration(
            services: [.init(service: RunningServer(server: server, port: port), successTerminationBehavior: .gracefullyShutdownGroup)],
            logger: logger))
    try await withThrowingTaskGroup(of: Part.self) { group in
        group.addTask {
            try await services.run()
            return .listener
        }
        group.addTask {
            for await number in ports {
                try await body(Listener(port: number, database: database, transport: transport, signer: signer, services: services))
            }
            return .body
        }
        // The listener runs until it is stopped, or cancelled because the body has ended; whichever fails ends the other.
        while let ended = try await group.next(), ended != .body {}
        group.cancelAll()
        await transport.close()
    }
}

private enum Part: Sendable, Hashable {
    case listener
    case body
}

/// A listener as a service, which says its port.
private struct RunningServer: Service {
    let server: MonitorServer
    let port: AsyncStream<Int>.Continuation

    func run() async throws {
        try await server.run { number in
            port.yield(number)
            port.finish()
        }
    }
}

/// What only some tests' listeners have.
struct ListenerExtras: Sendable {
    var receivers: [String: ReceiverKind] = [:]
    var relay = RelaySettings()
    var testReceiver: MonitorServer.ReceiverTester?
    var slackSecret: String?
    var slackUpdates: SlackUpdates?
    /// How long a body may take, and a request whose idempotency key is in use.
    var bodyDeadline: Duration?
    var keyPatience: Duration?
    /// Seconds that a stream has.
    var streamLifetime: Int?
    var trustedProxies: [String] = []
    var maximumConnections = 15_000
}
