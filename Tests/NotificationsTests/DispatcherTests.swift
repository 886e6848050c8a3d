import Dispatch
import Foundation
import Logging
import Monitoring
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Notifications

@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct DispatcherTests {
    @Test func anOpenedAlertIsDeliveredAndRecorded() async throws {
        let server = try HTTPFixture { _ in .answer(status: 200, body: Array("ok".utf8)) }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receivers = [
                try fixture.receiver(at: server.url("/hook/S3CRET-TOKEN")), try fixture.receiver("chat", .slack, at: server.url("/chat")),
            ]
            try await fixture.withDispatcher(fixture.configuration(receivers)) {
                let id = try await fixture.open()
                let records = try await fixture.settled(id, [.delivered, .delivered])
                #expect(records.map(\.receiver).sorted() == ["chat", "hook"])
                #expect(
                    records.allSatisfy { $0.attempts == 1 && $0.deliveredAt != nil && $0.transition == "opened" && $0.severity == .high })
                #expect(try await fixture.isNotified(id)?.sorted() == ["chat", "hook"])
                let hook = try #require(records.first { $0.receiver == "hook" })
                let attempts = try await NotificationRepository(client: database.client).attempts(notificationID: hook.id)
                #expect(attempts.map(\.outcome) == ["delivered"])
                #expect(attempts.first?.httpStatus == 200 && attempts.first?.answer == "ok" && attempts.first?.remoteAddress == "127.0.0.1")
                #expect((attempts.first?.totalMilliseconds ?? 0) > 0)
                let request = try #require(server.requests.first { $0.target == "/hook/S3CRET-TOKEN" })
                #expect(
                    request.header("webhook-id") == hook.id.uuidString.lowercased() && request.header("Content-Type") == "application/json")
                let chat = try #require(server.requests.first { $0.target == "/chat" })
                let text = try JSONValue(parsing: String(decoding: chat.body, as: UTF8.self))["text"]
                #expect(text == .string("HIGH: Fallback rate 31.2 %, 7.8× the expected 4.0 % on gpt-4o in test"))
            }
        }
    }

    /// It ends its connection: on a reused one libcurl would repeat the next request by itself.
    private static let failure = "HTTP/1.1 500 No\r\nConnection: close\r\nContent-Length: 21\r\n\r\nno /hook/S3CRET-TOKEN"

    @Test func aFailureIsTriedAgainWithTheSameIdAndBody() async throws {
        let script = Script([.rawThenClose(Self.failure), .reset, .answer(status: 200)])
        let server = try HTTPFixture { _ in script.next() }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            try await fixture.withDispatcher(fixture.configuration([fixture.receiver(at: server.url("/hook/S3CRET-TOKEN"))])) {
                let id = try await fixture.open()
                let record = try #require(try await fixture.settled(id, [.delivered]).first)
                let attempts = try await NotificationRepository(client: database.client).attempts(notificationID: record.id)
                #expect(attempts.map(\.outcome) == ["retry", "retry", "delivered"])
                #expect(attempts.map(\.reason) == ["server_error", "reset", nil])
                #expect(attempts.map(\.httpStatus) == [500, nil, 200])
                #expect(attempts.first?.answer == "no [scrubbed]")
                #expect(record.attempts == 3 && record.lastError == nil)
            }
        }
        #expect(Set(server.requests.map { $0.header("webhook-id") }).count == 1 && Set(server.requests.map(\.body)).count == 1)
    }

    /// It has the message and said so; Slack and Teams say in the body alone whether they took it.
    @Test(arguments: [
        (ReceiverKind.webhook, true), (.mattermost, true), (.discord, true), (.slack, false), (.teams, false),
    ])
    func anAnswerThatBreaksOffIsTakenWhereItsStatusSaysEnough(kind: ReceiverKind, isEnough: Bool) async throws {
        let broken = HTTPFixture.Reply.rawThenClose("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\no")
        let script = Script([broken, .answer(status: 200, body: Array((kind == .teams ? "1" : "ok").utf8))])
        let server = try HTTPFixture { _ in script.next() }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            try await fixture.withDispatcher(fixture.configuration([fixture.receiver("hook", kind, at: server.url())])) {
                let id = try await fixture.open()
                let record = try #require(try await fixture.settled(id, [.delivered]).first)
                let attempts = try await NotificationRepository(client: database.client).attempts(notificationID: record.id)
                #expect(attempts.map(\.outcome) == (isEnough ? ["delivered"] : ["retry", "delivered"]), "\(kind)")
                #expect(attempts.first?.httpStatus == 200)
            }
        }
        #expect(server.requests.count == (isEnough ? 1 : 2))
    }

    @Test func a429PausesTheWholeReceiver() async throws {
        let script = Script([.answer(status: 429, headers: [("Retry-After", "1")]), .answer(status: 200)])
        let server = try HTTPFixture { _ in script.next() }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try fixture.receiver(at: server.url())
            try await fixture.withDispatcher(fixture.configuration([receiver])) {
                let first = try await fixture.open()
                try await eventually("it is paused") { try await Self.isPaused(database.client) }
                let paused = ContinuousClock.now
                let second = try await fixture.open("other")
                _ = try await fixture.settled(second, [.delivered])
                #expect(paused.duration(to: .now) > .milliseconds(500))
                _ = try await fixture.settled(first, [.delivered])
            }
            #expect(try await !Self.isPaused(database.client))
        }
        #expect(server.requests.count == 3)
    }

    private static func isPaused(_ client: PostgresClient) async throws -> Bool {
        try await client.query("SELECT FROM monitoring_receivers WHERE paused_until > now()").count > 0
    }

    @Test func aRefusalIsDeadAndCanBeRetried() async throws {
        let script = Script([.answer(status: 400), .answer(status: 200)])
        let server = try HTTPFixture { _ in script.next() }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            try await fixture.withDispatcher(fixture.configuration([fixture.receiver(at: server.url())])) {
                let id = try await fixture.open()
                let dead = try #require(try await fixture.settled(id, [.dead]).first)
                #expect(dead.lastError == "bad_request" && dead.attempts == 1)
                #expect(try await fixture.isNotified(id) == nil)
                let change = try await NotificationRepository(client: database.client).retry(id: dead.id)
                #expect(change?.changed == true)
                #expect(try await fixture.settled(id, [.delivered]).first?.attempts == 2)
                #expect(try await NotificationRepository(client: database.client).drop(id: dead.id)?.changed == false)
                #expect(try await NotificationRepository(client: database.client).drop(id: UUID()) == nil)
            }
        }
    }

    /// What was claimed and is not to be sent may have gone back although the database said nothing, or an error.
    @Test func whatCannotBeGivenBackIsNotSentWhileItsReceiverRests() async throws {
        let began = ContinuousClock.now
        let times = Mutex<[Duration]>([])
        let server = try HTTPFixture { _ in
            let number = times.withLock {
                $0.append(began.duration(to: .now))
                return $0.count
            }
            return number <= 2 ? .answer(status: 429, headers: [(name: "Retry-After", value: "3")]) : .answer(status: 200)
        }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            for number in 0..<40 { _ = try await fixture.open("m\(number)") }
            try await database.client.query("CREATE SEQUENCE failures")
            try await database.client.query(
                """
                CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF nextval('failures') <= 3 THEN RAISE EXCEPTION 'not now'; END IF;
                    RETURN new;
                END
                $$
                """)
            try await database.client.query(
                """
                CREATE TRIGGER fail BEFORE UPDATE ON monitoring_notifications
                FOR EACH ROW WHEN (new.status = 'pending' AND new.attempts < old.attempts) EXECUTE FUNCTION fail()
                """)
            let receiver = try Receiver(
                name: "hook", kind: .webhook, url: Secret(server.url()), allowPrivateNetwork: true, maximumInFlight: 2)
            try await fixture.withDispatcher(fixture.configuration([receiver])) {
                try await eventually("all are delivered", timeout: .seconds(60)) {
                    try await database.client.query("SELECT FROM monitoring_notifications WHERE status = 'delivered'").count == 40
                }
            }
        }
        let seen = times.withLock { $0 }
        let rests = seen[1]
        #expect(seen.count == 42)
        #expect(seen.dropFirst(2).allSatisfy { $0 >= rests + .milliseconds(2900) })
    }

    /// Routed before the receiver asked for a rest, written after it: it waits with all others.
    @Test func whatIsClaimedAsItIsRoutedRestsWithItsReceiver() async throws {
        let answer = Mutex(false)
        let times = Mutex<[ContinuousClock.Instant]>([])
        let server = try HTTPFixture { _ in
            let number = times.withLock {
                $0.append(.now)
                return $0.count
            }
            guard number == 1 else { return .answer(status: 200) }
            let end = Date().addingTimeInterval(30)
            while !answer.withLock({ $0 }), Date() < end { Thread.sleep(forTimeInterval: 0.01) }
            times.withLock { $0[0] = .now }
            return .answer(status: 429, headers: [(name: "Retry-After", value: "4")])
        }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            try await database.client.query(
                """
                CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    PERFORM pg_advisory_xact_lock_shared(42);
                    RETURN new;
                END
                $$
                """)
            try await database.client.query(
                "CREATE TRIGGER hold BEFORE INSERT ON monitoring_notifications FOR EACH ROW EXECUTE FUNCTION hold()")
            let receiver = try fixture.receiver(at: server.url(), rateLimit: nil)
            try await fixture.withDispatcher(fixture.configuration([receiver])) {
                _ = try await fixture.open("first")
                try await eventually("the first is sent", timeout: .seconds(30)) { server.requests.count == 1 }
                try await database.client.transaction { connection in
                    try await connection.query("SELECT pg_advisory_xact_lock(42)")
                    _ = try await fixture.open("second")
                    try await eventually("the second is being written", timeout: .seconds(30)) {
                        let waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
                        return try await !database.client.query(waiting).isEmpty
                    }
                    answer.withLock { $0 = true }
                    try await eventually("the rest is known", timeout: .seconds(30)) {
                        try await !database.client.query("SELECT FROM monitoring_receivers WHERE paused_until > now()").isEmpty
                    }
                }
                try await eventually("both are delivered", timeout: .seconds(60)) {
                    try await database.client.query("SELECT FROM monitoring_notifications WHERE status = 'delivered'").count == 2
                }
            }
        }
        let seen = times.withLock { $0 }
        #expect(seen.count == 3)
        #expect(seen.dropFirst().allSatisfy { seen[0].duration(to: $0) >= .milliseconds(3900) })
    }

    @Test func aReceiverWhoseRowWasDeletedIsPutDownAgain() async throws {
        let server = try HTTPFixture { _ in .answer(status: 200) }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            try await fixture.withDispatcher(fixture.configuration([fixture.receiver(at: server.url())])) {
                let first = try await fixture.open()
                _ = try await fixture.settled(first, [.delivered])
                try await database.client.query("DELETE FROM monitoring_receivers")
                let second = try await fixture.open("other")
                _ = try await fixture.settled(second, [.delivered], timeout: .seconds(30))
            }
        }
    }

    /// What was sent cannot be written down any more: it comes back with the end of its claim, after ten minutes here, and whoever is to end
    /// does not wait for that.
    @Test func itEndsWhileTheDatabaseIsSilent() async throws {
        try await withTestDatabase(schema: true) { database in
            let (proxy, url) = try await database.stalling()
            let client = PostgresClient(try PostgresConfiguration(url))
            var settings = OutboxFixture.fast
            settings.requestTimeout = .seconds(300)
            // It falls silent while its receiver is at the message.
            let server = try HTTPFixture { _ in
                proxy.stall()
                return .answer(status: 200)
            }
            let fixture = OutboxFixture(client: client)
            let began = Mutex(ContinuousClock.now)
            try await fixture.withDispatcher(fixture.configuration([fixture.receiver(at: server.url())], delivery: settings)) {
                _ = try await OutboxFixture(client: database.client).open()
                try await eventually("it is sent", timeout: .seconds(30)) { server.requests.count == 1 }
                began.withLock { $0 = .now }
            }
            #expect(began.withLock { $0.duration(to: .now) } < .seconds(50))
            await client.close()
        }
    }

    @Test func aGoneEndpointRestsAndKeepsWhatWaits() async throws {
        let server = try HTTPFixture { _ in .answer(status: 410) }
        let other = try HTTPFixture { _ in .answer(status: 200) }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            var id = UUID()
            try await fixture.withDispatcher(fixture.configuration([fixture.receiver(at: server.url())])) { [fixture] in
                let first = try await fixture.open()
                try await eventually("it is disabled") {
                    try await database.client.query(
                        "SELECT FROM monitoring_receivers WHERE disabled_reason = 'gone' AND disabled_at IS NOT NULL"
                    ).count == 1
                }
                #expect(try await fixture.settled(first, [.pending]).first?.lastError == "gone")
            }
            id = try #require(try await NotificationRepository(client: database.client).list().first?.alertID)
            // Another address of the same receiver starts afresh.
            try await database.client.query("UPDATE monitoring_notifications SET due_at = now()")
            try await fixture.withDispatcher(fixture.configuration([fixture.receiver(at: other.url())])) { [id] in
                _ = try await fixture.settled(id, [.delivered])
            }
        }
        #expect(server.requests.count == 1)
    }

    @Test func aReceiverThatHangsWithMuchDueLeavesRoomForOthers() async throws {
        let server = try HTTPFixture { request in request.target == "/bad" ? .hang : .answer(status: 200) }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            var delivery = OutboxFixture.fast
            delivery.requestTimeout = .seconds(12)
            let configuration = try NotificationConfiguration(
                receivers: [
                    fixture.receiver("bad", at: server.url("/bad"), rateLimit: nil),
                    fixture.receiver("good", at: server.url("/good"), rateLimit: nil),
                ],
                routes: [
                    Route(matchers: [try Matcher("model=bad")], receivers: ["bad"]),
                    Route(matchers: [try Matcher("model=good")], receivers: ["good"]),
                ], delivery: delivery)
            for _ in 0..<150 { _ = try await fixture.open("bad") }
            try await fixture.withDispatcher(configuration) {
                // As many as it may have: they hold their places until their time is over.
                try await eventually("the bad one has all that it may have") {
                    server.requests.filter { $0.target == "/bad" }.count == 64
                }
                _ = try await fixture.settled(fixture.open("good"), [.delivered], timeout: .seconds(6))
                #expect(server.requests.filter { $0.target == "/bad" }.count == 64)
            }
        }
    }

    @Test func refusedBlocksAreSentAsText() async throws {
        let script = Script([.answer(status: 400, body: Array("invalid_blocks".utf8)), .answer(status: 200, body: Array("ok".utf8))])
        let server = try HTTPFixture { _ in script.next() }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            try await fixture.withDispatcher(fixture.configuration([fixture.receiver("chat", .slack, at: server.url())])) {
                _ = try await fixture.settled(fixture.open(), [.delivered])
            }
        }
        let bodies = try server.requests.map { try JSONValue(parsing: String(decoding: $0.body, as: UTF8.self)) }
        #expect(bodies.map { $0["blocks"] != nil } == [true, false])
    }

    @Test func theNewestReplacesWhatWaitsInAChat() async throws {
        let server = try HTTPFixture { _ in .answer(status: 200) }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let id = try await fixture.open()
            try await fixture.step(id, .escalated, to: .critical)
            try await fixture.step(id, .resolved, status: .resolved, to: .critical)
            let receivers = [try fixture.receiver("chat", .slack, at: server.url("/chat")), try fixture.receiver(at: server.url("/hook"))]
            let configuration = try fixture.configuration(receivers)
            // All of it is routed before anything is sent, as after an outage.
            let router = TransitionRouter(client: database.client, configuration: configuration, logger: .init(label: "test"))
            while try await !router.routeBatch().routed.isEmpty {}
            try await fixture.withDispatcher(configuration) {
                try await eventually("everything is settled") {
                    try await fixture.notifications(id).allSatisfy { $0.status == .delivered || $0.status == .superseded }
                }
            }
            let records = try await fixture.notifications(id)
            let chat = records.filter { $0.receiver == "chat" }
            #expect(chat.map(\.status) == [.superseded, .superseded, .delivered])
            #expect(chat.map(\.supersededBy) == [chat[2].id, chat[2].id, nil])
            #expect(records.filter { $0.receiver == "hook" }.map(\.status) == [.delivered, .delivered, .delivered])
        }
        let hooks = try server.requests.filter { $0.target == "/hook" }.map {
            try JSONValue(parsing: String(decoding: $0.body, as: UTF8.self))["type"]
        }
        #expect(hooks == [.string("alert.opened"), .string("alert.escalated"), .string("alert.resolved")])
        #expect(server.requests.filter { $0.target == "/chat" }.count == 1)
    }

    @Test func claimsOfADeadProcessComeBack() async throws {
        let server = try HTTPFixture { _ in .answer(status: 200) }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try fixture.receiver(at: server.url())
            let configuration = try fixture.configuration([receiver])
            let id = try await fixture.open()
            _ = try await TransitionRouter(client: database.client, configuration: configuration, logger: .init(label: "test")).routeBatch()
            // This one claims, keeps the body, sends, and is killed before it can record.
            let dead = Outbox(client: database.client, process: "dead/1", settings: OutboxFixture.fast)
            try await dead.beat()
            try await dead.register(receiver)
            let claimed = try await dead.claim(UUID(), receiver: receiver, limit: 10) { _ in
                RenderedMessage(body: #"{"frozen": true}"#, contentType: "application/json", isPlain: false)
            }.messages
            #expect(claimed.map(\.lead.attempt) == [1])
            try await fixture.fellSilent("dead/1")
            try await fixture.withDispatcher(configuration) {
                let records = try await fixture.settled(id, [.delivered])
                #expect(records.map(\.attempts) == [2])
            }
            // Its late result counts for nothing: the claim is not its own any more.
            var machine = DeliveryMachine(failures: 0, isPlain: false, settings: OutboxFixture.fast)
            let late = AttemptResult(
                claimed[0], action: machine.answered(.refused(.badRequest), timeLeft: .seconds(1), unit: 0), startedAt: Date())
            #expect(try await dead.record([late], receiver: "hook") == 0)
            #expect(try await fixture.notifications(id).map(\.status) == [.delivered])
        }
        #expect(server.requests.map { String(decoding: $0.body, as: UTF8.self) } == [#"{"frozen": true}"#])
    }

    /// A process that others took for dead, because it was stopped or could not say that it lives.
    @Test func whatOthersHaveTakenIsNotSentByWhoHeldIt() async throws {
        let gate = Gate()
        let server = try HTTPFixture { _ in
            gate.wait()
            return .answer(status: 200)
        }
        defer { gate.open() }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receiver = try fixture.receiver(at: server.url(), rateLimit: nil)
            for _ in 0..<100 { _ = try await fixture.open() }
            let other = Outbox(client: database.client, process: "other/1", settings: OutboxFixture.impatient)
            try await fixture.withDispatcher(fixture.configuration([receiver], delivery: OutboxFixture.impatient)) {
                @Sendable func count(_ status: String) async throws -> Int {
                    try await database.client.query("SELECT FROM monitoring_notifications WHERE status = $1::text", [.text(status)]).count
                }
                try await eventually("all are claimed") { try await count("sending") == 100 }
                try await database.client.transaction { connection in
                    try await connection.query("SELECT FROM monitoring_processes WHERE process LIKE 'test/%' FOR UPDATE")
                    try await eventually("another process has taken them") {
                        try await other.beat()
                        _ = try await other.takeLost()
                        return try await count("pending") == 100
                    }
                    gate.open()
                }
                try await eventually("all are delivered") { try await count("delivered") == 100 }
            }
        }
        // What was under way has come twice, and no more.
        #expect(server.requests.count <= 100 + 64)
    }

    /// Holds threads until it is open.
    private final class Gate: Sendable {
        private let semaphore = DispatchSemaphore(value: 0)

        func wait() {
            semaphore.wait()
            semaphore.signal()
        }

        func open() {
            semaphore.signal()
        }
    }

    @Test func aHangingReceiverDelaysNoOther() async throws {
        let hanging = try HTTPFixture { _ in .hang }
        let server = try HTTPFixture { _ in .answer(status: 200) }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let receivers = [try fixture.receiver("bad", at: hanging.url()), try fixture.receiver("good", at: server.url())]
            var delivery = OutboxFixture.fast
            delivery.requestTimeout = .seconds(3)
            try await fixture.withDispatcher(fixture.configuration(receivers, delivery: delivery)) {
                let first = try await fixture.open()
                let isHanging = await hanging.received(1)
                #expect(isHanging)
                let second = try await fixture.open("other")
                try await eventually("the good one has both", timeout: .seconds(2)) {
                    let records = try await fixture.notifications(first) + fixture.notifications(second)
                    return records.filter { $0.receiver == "good" && $0.status == .delivered }.count == 2
                }
            }
            // The request that hung was seen through, and recorded: nothing is left claimed.
            #expect(try await database.client.query("SELECT FROM monitoring_notifications WHERE status = 'sending'").isEmpty)
            #expect(try await database.client.query("SELECT FROM monitoring_processes").isEmpty)
            #expect(try await database.client.query("SELECT FROM monitoring_delivery_attempts WHERE reason = 'timeout'").count >= 1)
        }
    }

    @Test func manyDispatchersSendEachOnceAndInOrder() async throws {
        let server = try HTTPFixture { _ in .answer(status: 200) }
        try await withTestDatabase(schema: true, poolSize: 8) { database in
            let fixture = OutboxFixture(client: database.client)
            let configuration = try fixture.configuration([fixture.receiver(at: server.url())])
            try await fixture.withDispatcher(configuration) {
                try await fixture.withDispatcher(configuration) {
                    var ids: [UUID] = []
                    for number in 0..<20 { ids.append(try await fixture.open("m\(number)")) }
                    for id in ids { try await fixture.step(id, .escalated, to: .critical) }
                    for id in ids { try await fixture.step(id, .resolved, status: .resolved) }
                    for id in ids { _ = try await fixture.settled(id, [.delivered, .delivered, .delivered]) }
                }
            }
        }
        let sent = try server.requests.map { try JSONValue(parsing: String(decoding: $0.body, as: UTF8.self)) }
        #expect(sent.count == 60 && Set(server.requests.map { $0.header("webhook-id") }).count == 60)
        let byAlert = Dictionary(grouping: sent) { $0["data"]?["alert"]?["id"]?.string ?? "" }
        #expect(byAlert.values.allSatisfy { $0.map { $0["data"]?["transition"]?["sequence"]?.integer } == [1, 2, 3] })
    }

    /// It looks once a minute here: whatever becomes due is known without that. A receiver with a rate limit claims all of it from the
    /// outbox, one without is given the first steps.
    @Test(arguments: [nil, "1000/s"]) func nothingThatIsDueWaitsForALook(rateLimit: String?) async throws {
        let seen = Mutex<[String: Int]>([:])
        let server = try HTTPFixture { request in
            let count = seen.withLock { seen in
                seen[request.header("webhook-id") ?? "", default: 0] += 1
                return seen[request.header("webhook-id") ?? ""]
            }
            return .answer(status: count == 1 ? 500 : 200)
        }
        try await withTestDatabase(schema: true, poolSize: 8) { database in
            let fixture = OutboxFixture(client: database.client)
            var settings = OutboxFixture.fast
            settings.pollInterval = .seconds(60)
            settings.idleInterval = .seconds(60)
            // It opens, and the trials that follow are as soon.
            settings.breaker = BreakerSettings(leastFailures: 5, firstRest: .milliseconds(100), longestRest: .milliseconds(200))
            let receiver = try fixture.receiver(at: server.url(), rateLimit: rateLimit)
            try await fixture.withDispatcher(fixture.configuration([receiver], delivery: settings)) {
                for _ in 0..<3 {
                    var ids: [UUID] = []
                    for number in 0..<10 { ids.append(try await fixture.open("m\(number)")) }
                    for id in ids { try await fixture.step(id, .escalated, to: .critical) }
                    for id in ids { _ = try await fixture.settled(id, [.delivered, .delivered], timeout: .seconds(30)) }
                }
            }
        }
    }

    @Test func lostConnectionsLoseNothing() async throws {
        let server = try HTTPFixture { _ in .answer(status: 200) }
        try await withTestDatabase(schema: true) { database in
            let fixture = OutboxFixture(client: database.client)
            let victim = PostgresClient(try PostgresConfiguration(database.url, applicationName: "victim"), poolSize: 4)
            let configuration = try fixture.configuration([fixture.receiver(at: server.url())])
            try await OutboxFixture(client: victim).withDispatcher(configuration) {
                var ids: [UUID] = []
                for number in 0..<40 {
                    ids.append(try await fixture.open("m\(number)"))
                    guard number % 8 == 7 else { continue }
                    try await database.client.query(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim' AND datname = current_database()"
                    )
                }
                for id in ids { _ = try await fixture.settled(id, [.delivered], timeout: .seconds(30)) }
            }
            await victim.close()
            #expect(try await database.client.query("SELECT FROM monitoring_notifications WHERE status <> 'delivered'").isEmpty)
        }
        #expect(Set(server.requests.map { $0.header("webhook-id") }).count == 40)
    }
}
