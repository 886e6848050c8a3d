import Foundation
import Notifications
import Postgres
import TestSupport
import Testing
import WebTransport

/// A press on a button while the database is held up. In a process of its own: it is about seconds.
@Suite(
    .enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests"),
    .timeLimit(.minutes(3)))
struct SlackPressTests {
    private static let secret = "8f742231b10e8888abcd99yyyzzz85a5"
    private static let key = "a-key-that-signs-the-links-of-this-test"

    /// Slack waits for three seconds; a request that outlasts the endpoint's deadline, which is shorter, gets a 503.
    @Test func slackHasItsAnswerInTimeAndThePressIsDoneAfterwards() async throws {
        try await withTestDatabase { database in
            let files = try ReloadTests.Files()
            defer { files.remove() }
            try files.write("monitor.yaml", "listener: {slack_signing_secret: \(Self.secret), link_key: \(Self.key)}\n")
            let code = try await Program.serve(
                ["--role", "api", "--database", database.url, "--config", files.path("monitor.yaml")]
            ) { address in
                try await ReloadTests.openAlert(database.client)
                let id: UUID = try await database.client.query("SELECT id FROM monitoring_alerts")[0].decode("id")
                let token = LinkSigner(keys: [try LinkKey(configured: Self.key)]).token(
                    for: LinkClaim(action: .acknowledge, subject: .alert(id), receiver: "chat", expiresAt: Date(timeIntervalSinceNow: 600)))
                let form = SlackPress.form(token)
                let press = WebRequest(
                    method: "POST", url: "\(address)/slack/interactions",
                    headers: [(name: "Content-Type", value: "application/x-www-form-urlencoded")]
                        + SlackPress.headers(form, secret: Self.secret, at: Int(Date().timeIntervalSince1970)),
                    body: Array(form.utf8), addresses: .any)
                try await database.client.transaction { connection in
                    // Both of its waits, whose times add up: whether the request came before, and for what is pressed.
                    try await connection.query("LOCK TABLE monitoring_idempotency_keys, monitoring_evaluation_state")
                    #expect(await Program.send(press)?.status == 200)
                    #expect(try await Self.status(connection) == "open")
                }
                try await eventually("the press is done", timeout: .seconds(30)) {
                    try await database.client.query("SELECT FROM monitoring_alerts WHERE status = 'acknowledged'").count == 1
                }
            }
            #expect(code == 0)
        }
    }

    private static func status(_ connection: PostgresConnection) async throws -> String {
        try await connection.query("SELECT status FROM monitoring_alerts")[0].decode("status")
    }
}
