import Crypto
import Foundation
import Logging
import Monitoring
import Notifications
import Postgres
import TestSupport
import Testing

@testable import MonitorAPI

/// The description of the API, held against the running service.
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct OpenAPITests {
    private static let told = "10000000-0000-4000-8000-000000000001"
    private static let silence = "30000000-0000-4000-8000-000000000001"
    private static let alert = "/api/monitor/alerts/\(Fixture.alert)"

    /// A call of each operation that goes well, in an order in which each does.
    private static let calls: [(id: String, path: String, body: String?)] = [
        ("summary", "/api/monitor/summary?window=7d&include_hourly=true", nil),
        ("listAlerts", "/api/monitor/alerts?status=all&threshold=low", nil),
        ("showAlert", alert, nil), ("showBaseline", "/api/monitor/baseline", nil), ("dailyMetrics", "/api/monitor/metrics/daily", nil),
        ("hourlyMetrics", "/api/monitor/metrics/hourly", nil), ("breakdown", "/api/monitor/metrics/breakdown?by=model", nil),
        ("fallbackReasons", "/api/monitor/fallback-reasons", nil), ("latency", "/api/monitor/latency", nil),
        ("listNotifications", "/api/monitor/notifications", nil), ("showNotification", "/api/monitor/notifications/\(told)", nil),
        ("listReceivers", "/api/monitor/receivers", nil), ("health", "/health", nil), ("ready", "/ready", nil),
        ("metrics", "/metrics", nil),
        ("openapi", "/openapi.json", nil),
        ("acknowledgeAlert", "\(alert)/acknowledge", #"{"acknowledged_by": "Ana"}"#),
        ("unacknowledgeAlert", "\(alert)/unacknowledge", "{}"),
        ("snoozeAlert", "\(alert)/snooze", #"{"minutes": 5}"#), ("ignoreAlert", "\(alert)/ignore", "{}"),
        ("reopenAlert", "\(alert)/reopen", "{}"), ("resolveAlert", "\(alert)/resolve", #"{"note": "fixed"}"#),
        ("createSilence", "/api/monitor/silences", #"{"matchers": ["severity>=high"], "minutes": 5}"#),
        ("listSilences", "/api/monitor/silences", nil), ("endSilence", "/api/monitor/silences/\(silence)", nil),
        ("retryNotification", "/api/monitor/notifications/\(GroupFixture.notification(1))/retry", "{}"),
        ("dropNotification", "/api/monitor/notifications/\(GroupFixture.notification(1))/drop", "{}"),
        ("replayReceiver", "/api/monitor/receivers/oncall/replay", #"{"what": "all"}"#),
        ("testReceiver", "/api/monitor/receivers/oncall/test", "{}"), ("compute", "/api/monitor/compute", "{}"),
        ("acceptBaseline", "/api/monitor/baseline", #"{"reason": "r", "accepted_by": "Ana"}"#),
        ("postAlerts", "/api/v2/alerts", #"[{"labels": {"alertname": "HighLatency", "severity": "page"}}]"#),
        ("alertmanagerAlerts", "/api/v2/alerts?filter=alertname%3DHighLatency", nil),
        ("alertmanagerGroups", "/api/v2/alerts/groups?active=true", nil), ("alertmanagerReceivers", "/api/v2/receivers", nil),
        ("alertmanagerStatus", "/api/v2/status", nil), ("alertmanagerSilences", "/api/v2/silences?filter=severity%3Dlow", nil),
        ("alertmanagerSilence", "/api/v2/silences", posted), ("alertmanagerShowSilence", "/api/v2/silence/\(silence)", nil),
        ("alertmanagerEndSilence", "/api/v2/silence/\(silence)", nil),
        ("relayWebhook", "/relay/ci", #"{"title": "Backup failed"}"#),
    ]

    private static let posted = """
        {"matchers": [{"name": "alertname", "value": "x"}], "startsAt": "2026-03-10T12:00:00Z", "endsAt": "2026-03-10T13:00:00Z",
         "createdBy": "Ana", "comment": ""}
        """

    /// What provokes the problems that no other operation has alike: kind, path, body.
    private static let provocations: [String: [(kind: String, path: String, body: String?)]] = [
        "showAlert": [("not-found", "/api/monitor/alerts/\(Fixture.absent)", nil)],
        "acknowledgeAlert": action("acknowledge", from: Fixture.resolved),
        "unacknowledgeAlert": action("unacknowledge", from: Fixture.resolved),
        "resolveAlert": action("resolve", from: nil), "ignoreAlert": action("ignore", from: Fixture.resolved),
        "reopenAlert": action("reopen", from: GroupFixture.alert(2)),
        "snoozeAlert": action("snooze", from: Fixture.resolved, #"{"minutes": 5}"#)
            + [("contradiction", "\(alert)/snooze", #"{"until": "2027-01-01T00:00:00Z"}"#)],
        "dailyMetrics": [("contradiction", "/api/monitor/metrics/daily?start_date=2026-03-02&end_date=2026-03-01", nil)],
        "hourlyMetrics": [("contradiction", "/api/monitor/metrics/hourly?start_date=2026-03-02&end_date=2026-03-01", nil)],
        "endSilence": [("not-found", "/api/monitor/silences/\(Fixture.absent)", nil)],
        "createSilence": [
            ("contradiction", "/api/monitor/silences", #"{"matchers": ["severity=low"], "ends_at": "2026-03-01T00:00:00Z"}"#)
        ],
        "showNotification": [("not-found", "/api/monitor/notifications/\(Fixture.absent)", nil)],
        "retryNotification": [
            ("not-found", "/api/monitor/notifications/\(Fixture.absent)/retry", nil),
            ("notification-settled", "/api/monitor/notifications/\(told)/retry", nil),
        ],
        "dropNotification": [
            ("not-found", "/api/monitor/notifications/\(Fixture.absent)/drop", nil),
            ("notification-settled", "/api/monitor/notifications/\(told)/drop", nil),
        ],
        "replayReceiver": [("not-found", "/api/monitor/receivers/nobody/replay", #"{"what": "all"}"#)],
        "testReceiver": [("not-found", "/api/monitor/receivers/nobody/test", nil)],
        "compute": [("contradiction", "/api/monitor/compute", #"{"date": "2026-03-11"}"#)],
        "acceptBaseline": [
            ("contradiction", "/api/monitor/baseline", #"{"reason": "r", "accepted_by": "Ana", "from": "2020-01-01T00:00:00Z"}"#)
        ],
        // Of an empty database.
        "showBaseline": [],
        "postAlerts": [("too-many-alerts", "/api/v2/alerts", tooMany)],
        "alertmanagerSilence": [
            ("not-found", "/api/v2/silences", posted.replacing("{\"matchers\"", with: "{\"id\": \"\(Fixture.absent)\", \"matchers\"")),
            ("contradiction", "/api/v2/silences", posted.replacing("T13:00:00Z", with: "T11:00:00Z")),
        ],
        "alertmanagerShowSilence": [("not-found", "/api/v2/silence/\(Fixture.absent)", nil)],
        "alertmanagerEndSilence": [("not-found", "/api/v2/silence/\(Fixture.absent)", nil)],
        "relayWebhook": [
            ("not-found", "/relay/nobody", "{}"), ("unauthenticated", "/relay/proven", "{}"), ("invalid-body", "/relay/ci", "[]"),
        ],
    ]

    /// More than the listener of these tests has room for.
    private static let tooMany = "[" + (0..<60).map { "{\"labels\": {\"alertname\": \"A\($0)\"}}" }.joined(separator: ",") + "]"

    private static func action(_ name: String, from alert: String?, _ body: String = "{}") -> [(kind: String, path: String, body: String?)]
    {
        [("not-found", "/api/monitor/alerts/\(Fixture.absent)/\(name)", body)]
            + (alert.map { [("transition-forbidden", "/api/monitor/alerts/\($0)/\(name)", body)] } ?? [])
    }

    private static let bearer = (name: "Authorization", value: "Bearer secret-of-oncall")
    private static var token: RelaySource.Proof? {
        (try? ListenerToken(name: "ci", secret: "secret-of-oncall", scope: .ingest)).map { .token($0) }
    }
    private static var extras: ListenerExtras {
        var relay = RelaySettings()
        relay.maximumAlerts = 50
        relay.notifications = try? NotificationConfiguration(receivers: [Receiver(name: "oncall", kind: .log)])
        let generic = RelaySource.Format.generic(GenericRelayFormat(alerts: JSONPointer("/alerts"), title: JSONPointer("/title")!))
        relay.sources = [
            RelaySource(name: "ci", format: .generic(GenericRelayFormat(title: JSONPointer("/title")!)), proof: token),
            RelaySource(name: "several", format: generic, proof: token),
            RelaySource(name: "proven", format: .alertmanager, proof: .slack(Secret("another-secret-of-it"))),
        ]
        return ListenerExtras(
            receivers: ["oncall": .slack], relay: relay, testReceiver: { try .fixture($0) }, bodyDeadline: .milliseconds(100),
            keyPatience: .milliseconds(100))
    }

    private static func fill(_ listener: Listener) async throws {
        try await listener.run(
            GroupFixture.sql(2, status: "dead")
                + """
                UPDATE monitoring_alerts SET status = 'acknowledged' WHERE id = '\(GroupFixture.alert(2))';
                INSERT INTO monitoring_silences (id, matchers, starts_at, ends_at, created_by)
                VALUES ('\(silence)', '{severity=low}', '2026-03-10T11:00Z', '2026-03-11T11:00Z', 'Ana');
                """)
    }

    @Test("every endpoint of the API is described, every key of every answer as well")
    func whole() throws {
        let described = try MonitorServer.describe()
        // Pages and links are for people, not for programs.
        let pages = [
            "GET /", "GET /alerts/{id}", "POST /alerts/{id}", "POST /silences/{id}", "POST /notifications/{id}", "GET /login",
            "POST /login", "POST /logout", "GET /style.css", "GET /live.js",
            "GET /a/{token}", "POST /a/{token}", "POST /slack/interactions",
        ]
        let faults = Set(described.faults).subtracting(pages.map { "\($0) is not described" })
        #expect(faults.isEmpty, "\(faults.sorted())")
    }

    @Test("every operation is called, and answers exactly as described")
    func answers() async throws {
        let tokens = [try ListenerTokenFixture.token("oncall", .write)]
        try await withListener(tokens: tokens, extras: Self.extras) { listener in
            try await Self.fill(listener)
            let api = try await DescribedAPI(listener)
            #expect(Set(api.operations.map(\.id)).isSubset(of: Set(Self.calls.map(\.id))))
            for (id, path, body) in Self.calls where id != "ready" {
                let operation = try #require(api.operations.first { $0.id == id }, "\(id)")
                let type = body == nil ? [] : [(name: "Content-Type", value: "application/json")]
                let answer = try await listener.send(operation.method, path, headers: [Self.bearer] + type, body: body ?? "")
                try #require((200...201).contains(answer.status), "\(id): \(answer.text)")
                if operation.json["responses"]?["\(answer.status)"]?["content"] == nil {
                    #expect(answer.text == "", "\(id)")
                    continue
                }
                let media = try #require(answer.header("Content-Type"))
                let schema = try #require(operation.schema(answer.status, media), "\(id): \(answer.status) \(media)")
                let value: JSONValue = media.hasPrefix("application/json") ? try JSONValue(parsing: answer.text) : .string(answer.text)
                let faults = api.checker.faults(value, schema)
                #expect(faults.isEmpty, "\(id): \(faults)")
                guard case .object(let headers) = operation.json["responses"]?["\(answer.status)"]?["headers"] else { continue }
                for name in headers.keys { #expect(answer.header(name) != nil, "\(id): \(name)") }
            }
        }
    }

    @Test("a process that is ready says so as described")
    func ready() async throws {
        try await withTestDatabase { database in
            _ = try await SchemaMigrator(client: database.client).migrate()
            try await withListener(over: database, client: database.client) { listener in
                let api = try await DescribedAPI(listener)
                let operation = try #require(api.operations.first { $0.id == "ready" })
                let answer = try await listener.send("GET", "/ready")
                let faults = api.checker.faults(
                    try JSONValue(parsing: answer.text), try #require(operation.schema(answer.status, "application/json")))
                #expect(answer.status == 200 && faults.isEmpty, "\(faults)")
            }
        }
    }

    @Test("examples in the document are as their schemas say")
    func examples() async throws {
        try await withListener(fixture: false) { listener in
            let api = try await DescribedAPI(listener)
            for operation in api.operations {
                for parameter in operation.parameters {
                    guard let schema = parameter["schema"],
                        parameter["example"]?.string != nil || parameter["example"]?.integer != nil || parameter["example"]?.array != nil
                    else {
                        Issue.record("\(operation.id): a parameter without an example")
                        continue
                    }
                    let faults = api.checker.faults(parameter["example"] ?? .null, schema)
                    #expect(faults.isEmpty, "\(operation.id): \(faults)")
                }
                guard case .object(let responses) = operation.json["responses"] else { continue }
                let contents = [operation.json["requestBody"]].compactMap { $0 } + Array(responses.values)
                for case .object(let content) in contents.compactMap({ $0["content"] }) {
                    for media in content.values {
                        var values = [media["example"]].compactMap { $0 }
                        if case .object(let examples) = media["examples"] { values += examples.values.compactMap { $0["value"] } }
                        #expect(!values.isEmpty || media["schema"]?["type"] == "string", "\(operation.id): no example")
                        for value in values {
                            let faults = api.checker.faults(value, media["schema"] ?? .null)
                            #expect(faults.isEmpty, "\(operation.id): \(faults)")
                        }
                    }
                }
            }
        }
    }

    @Test("every problem that is described for an operation can be met, and is as described; no other is")
    func problems() async throws {
        let tokens = [
            try ListenerTokenFixture.token("oncall", .write), try ListenerTokenFixture.token("feed", .ingest),
            try ListenerTokenFixture.token("board", .read),
        ]
        let seen = SeenProblems()
        try await withListener(tokens: tokens, extras: Self.extras) { listener in
            try await Self.fill(listener)
            let api = try await DescribedAPI(listener)
            for operation in api.operations {
                let call = try #require(Self.calls.first { $0.id == operation.id })
                for (path, headers, body) in Self.general(operation, call.path, call.body) {
                    try await seen.send(listener, operation, path, headers, body)
                }
                for raw in Self.raw(operation, call.path) { await seen.send(raw: raw, listener, operation) }
                for (_, path, body) in Self.provocations[operation.id] ?? [] {
                    let type = body == nil ? [] : [(name: "Content-Type", value: "application/json")]
                    try await seen.send(listener, operation, path, [Self.bearer] + type, body ?? "")
                }
                if operation.id == "relayWebhook" { try await Self.useRelaysKeys(operation, listener, seen) }
                if operation.json["x-idempotency-key"] != nil {
                    try await Self.useKeys(operation, call.path, call.body ?? "", listener, seen)
                }
            }
        }
        // Without a schema, without a database, without tokens, without events.
        try await withTestDatabase { database in
            try await withListener(over: database, client: database.client, tokens: tokens, extras: Self.extras) { listener in
                try await seen.sendAll(Self.calls, listener, [Self.bearer])
            }
        }
        try await withTestDatabase { database in
            let dead = PostgresClient(
                try PostgresConfiguration("postgresql://127.0.0.1:\(try HTTPFixture.unusedPort())/none"), acquireTimeout: .milliseconds(50))
            try await withListener(over: database, client: dead, tokens: tokens, extras: Self.extras) { listener in
                try await seen.sendAll(Self.calls, listener, [Self.bearer])
            }
        }
        try await withListener(tokens: tokens, fixture: false, extras: Self.extras) { listener in
            let api = try await DescribedAPI(listener)
            let operation = try #require(api.operations.first { $0.id == "showBaseline" })
            try await seen.send(listener, operation, "/api/monitor/baseline", [Self.bearer], "")
            for operation in api.operations {
                // Whoever fails too often is met by ClientTests: here it would end all that follows.
                let described = operation.problems(api.checker).subtracting(["urn:torq-monitor:problem:too-many-failures"])
                let met = Set(seen.documents(of: operation.id).compactMap { $0.value["type"]?.string })
                #expect(
                    met == described, "\(operation.id): not met \(described.subtracting(met)), not described \(met.subtracting(described))")
                for problem in seen.documents(of: operation.id) {
                    let schema = try #require(operation.schema(problem.status, "application/problem+json"), "\(operation.id) \(problem)")
                    let faults = api.checker.faults(problem.value, schema)
                    #expect(faults.isEmpty, "\(operation.id): \(faults)")
                }
            }
        }
    }

    @Test("without tokens, other hosts and other sites' pages are refused as described")
    func withoutTokens() async throws {
        try await withListener(fixture: false) { listener in
            let api = try await DescribedAPI(listener)
            for operation in api.operations {
                let call = try #require(Self.calls.first { $0.id == operation.id })
                for (header, status) in [
                    ((name: "Host", value: "evil.example"), 421), ((name: "Origin", value: "http://evil.example"), 403),
                ] {
                    let answer = try await listener.send(operation.method, call.path, headers: [header])
                    #expect(answer.status == status, "\(operation.id)")
                    let schema = try #require(operation.schema(status, "application/problem+json"), "\(operation.id)")
                    let faults = api.checker.faults(try JSONValue(parsing: answer.text), schema)
                    #expect(faults.isEmpty, "\(faults)")
                }
                // A relay's source proves itself in any case.
                #expect(!operation.isDescribed(401) || operation.id == "relayWebhook")
            }
        }
    }

    /// Requests that any operation of its kind refuses.
    private static func general(
        _ operation: DescribedAPI.Operation, _ path: String, _ body: String?
    ) -> [(path: String, headers: [(name: String, value: String)], body: String)] {
        let bare = path.split(separator: "?")[0]
        let json = (name: "Content-Type", value: "application/json")
        var requests: [(path: String, headers: [(name: String, value: String)], body: String)] = [
            (path, [], ""),
            (path, [(name: "Authorization", value: "Bearer secret-of-\(operation.id == "postAlerts" ? "board" : "feed")")], ""),
            ("\(bare)?x=%00", [bearer], ""), (path + (path.contains("?") ? "&x=1" : "?x=1"), [bearer], ""),
        ]
        for parameter in operation.parameters {
            let name = parameter["name"]?.string ?? ""
            switch parameter["in"]?.string {
            case "query": requests.append(("\(bare)?\(name)=", [bearer], ""))
            case "path" where name == "id":
                requests.append((operation.path.replacing("{id}", with: "7"), [bearer] + (body == nil ? [] : [json]), body ?? ""))
            default: break
            }
        }
        if operation.json["x-idempotency-key"] != nil {
            requests.append((path, [bearer, json, (name: "Idempotency-Key", value: "a b")], body ?? "{}"))
        }
        if operation.takesBody {
            requests.append((path, [bearer, json], "[]"))
            requests.append((path, [bearer, json], "7"))
            requests.append((path, [bearer, (name: "Content-Type", value: "text/plain")], "x"))
        } else if operation.method == "DELETE" {
            requests.append((path, [bearer, json], "{}"))
        }
        return requests
    }

    /// A header that is too large, two hosts, a body that is too large, one that does not come, one that is not framed.
    private static func raw(_ operation: DescribedAPI.Operation, _ path: String) -> [String] {
        let head = "\(operation.method) \(path) HTTP/1.1\r\nHost: localhost\r\n\(bearer.name): \(bearer.value)\r\n"
        return [
            head + "X-Long: \(String(repeating: "x", count: 17_000))\r\n\r\n", head + "Host: other\r\n\r\n",
            head + "Content-Length: 99999999\r\n\r\n",
            head + "Content-Type: application/json\r\nContent-Length: 5\r\n\r\n{",
            head + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        ]
    }

    /// A source's keys are its own, and the description does not speak of them as of others.
    private static func useRelaysKeys(
        _ operation: DescribedAPI.Operation, _ listener: Listener, _ seen: SeenProblems
    ) async throws {
        let json = (name: "Content-Type", value: "application/json")
        let body = #"{"title": "Backup failed"}"#
        try await seen.send(listener, operation, "/relay/ci", [bearer, json, (name: "Idempotency-Key", value: "a b")], body)
        try await listener.run(
            """
            INSERT INTO monitoring_idempotency_keys (credential, key, request, claim, claimed_until)
            VALUES ('/relay/ci', 'k', '', gen_random_uuid(), now() + interval '1 hour'),
                ('/relay/ci', 'l', sha256('POST'::bytea || '\\x00' || '/relay/ci'::bytea || '\\x00' || '\(body)'::bytea), gen_random_uuid(), now() + interval '1 hour');
            """)
        for key in ["k", "l"] {
            try await seen.send(listener, operation, "/relay/ci", [bearer, json, (name: "Idempotency-Key", value: key)], body)
        }
        try await seen.send(
            listener, operation, "/relay/several", [bearer, json],
            "{\"alerts\": \(tooMany.replacing("labels", with: "x").replacing("{\"x\": {\"alertname\"", with: "{\"title\"").replacing("}}", with: "}"))}"
        )
    }

    /// The same key with another body, and with the same one while the first is being served.
    private static func useKeys(
        _ operation: DescribedAPI.Operation, _ path: String, _ body: String, _ listener: Listener, _ seen: SeenProblems
    ) async throws {
        let digest = { (body: String) in
            SHA256.hash(data: Array("POST".utf8) + [0] + Array(path.utf8) + [0] + Array(body.utf8)).map {
                String($0 < 16 ? "0" : "") + String($0, radix: 16)
            }
            .joined()
        }
        try await listener.run(
            """
            INSERT INTO monitoring_idempotency_keys (credential, key, request, claim, claimed_until)
            VALUES ('oncall', '\(operation.id)', '\\x\(digest(body))', gen_random_uuid(), now() + interval '1 hour');
            """)
        let headers = [
            bearer, (name: "Content-Type", value: "application/json"), (name: "Idempotency-Key", value: operation.id),
        ]
        try await seen.send(listener, operation, path, headers, body)
        try await seen.send(listener, operation, path, headers, body + " ")
    }
}

/// Problems that were met, by operation.
private final class SeenProblems: @unchecked Sendable {  // Behind its lock.
    private let lock = NSLock()
    private var documents: [String: [(status: Int, value: JSONValue)]] = [:]

    func documents(of id: String) -> [(status: Int, value: JSONValue)] { lock.withLock { documents[id] ?? [] } }

    func send(
        _ listener: Listener, _ operation: DescribedAPI.Operation, _ path: String, _ headers: [(name: String, value: String)],
        _ body: String
    ) async throws {
        let answer = try await listener.send(operation.method, path, headers: headers, body: body)
        add(operation.id, answer.status, answer.text)
    }

    func send(raw: String, _ listener: Listener, _ operation: DescribedAPI.Operation) async {
        let answer = await RawHTTP.send(raw, port: listener.port)
        add(operation.id, RawHTTP.status(answer), RawHTTP.body(answer))
    }

    func sendAll(
        _ calls: [(id: String, path: String, body: String?)], _ listener: Listener, _ headers: [(name: String, value: String)]
    ) async throws {
        let api = try await DescribedAPI(listener)
        for call in calls {
            guard let operation = api.operations.first(where: { $0.id == call.id }) else { continue }
            // With a key even what asks nothing else asks the database.
            let further =
                call.body == nil
                ? [] : [(name: "Content-Type", value: "application/json"), (name: "Idempotency-Key", value: operation.id)]
            try await send(listener, operation, call.path, headers + further, call.body ?? "")
        }
    }

    private func add(_ id: String, _ status: Int, _ text: String) {
        guard status >= 400, let value = try? JSONValue(parsing: text) else { return }
        lock.withLock { documents[id, default: []].append((status, value)) }
    }
}
