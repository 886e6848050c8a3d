import Foundation
import TestSupport
import Testing

/// A signed message, as the specification's own library for Python sees it.
@Suite(
    .enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests"),
    .enabled(if: PeerProgram.findInVirtualEnvironment("python") != nil, PeerProgram.hint("standardwebhooks (Python)")),
    .timeLimit(.minutes(2)))
struct PeerStandardWebhooksTests {
    @Test func aSignedMessageIsVerifiedAndAChangedOneRefused() async throws {
        let python = try #require(PeerProgram.findInVirtualEnvironment("python"))
        let hook = try HTTPFixture { _ in .answer(status: 204) }
        defer { hook.stop() }
        try await withPeerDirectory { directory in
            try await withTestDatabase { database in
                let code = try await Program.serve(
                    ["--database", database.url, "--config", try Self.configuration(hook, in: directory)],
                    environment: ["WEBHOOK_SECRET": Self.secret]
                ) { _ in
                    try await SpineTests.writeEvents(database.client)
                    try await eventually("a message", timeout: .seconds(60)) { !hook.requests.isEmpty }
                }
                #expect(code == 0)
            }
        }
        let request = try #require(hook.requests.first)
        let order = Order(
            secret: Self.secret, body: Data(request.body),
            headers: Dictionary(request.headers.map { ($0.name, $0.value) }, uniquingKeysWith: { $0 + ", " + $1 }))
        let verdict = try await python.run(["-c", Self.script], input: String(decoding: JSONEncoder().encode(order), as: UTF8.self))
        #expect(verdict.errors == "")
        #expect(verdict.output == "verified an alert.opened\nrefused where a byte of the body is another: True\n")
    }

    private static let secret = "whsec_" + Data((0..<32).map { UInt8($0) }).base64EncodedString()

    private struct Order: Encodable {
        var secret: String
        var body: Data
        var headers: [String: String]
    }

    /// Verifies what came, and then as many changed bodies as it has bytes, up to a hundred.
    private static let script = """
        import base64, json, sys
        from standardwebhooks import Webhook, WebhookVerificationError

        order = json.load(sys.stdin)
        body = base64.b64decode(order["body"])
        hook = Webhook(order["secret"])
        print("verified an", hook.verify(body, order["headers"])["type"])

        def is_refused(position):
            # One printable character for another, so that what is refused is the signature and not the text.
            changed = body[:position] + (b"y" if body[position:position + 1] == b"x" else b"x") + body[position + 1:]
            try:
                hook.verify(changed, order["headers"], json_parse=False)
                return False
            except WebhookVerificationError:
                return True

        print("refused where a byte of the body is another:", all(is_refused(n) for n in range(0, len(body), 1 + len(body) // 100)))
        """

    private static func configuration(_ hook: HTTPFixture, in directory: String) throws -> String {
        let path = "\(directory)/monitor.yaml"
        try """
        detection: {evaluation_interval: 1s}
        receivers:
          - {name: audit, type: webhook, url: "\(hook.url("/hook"))", secret: "${WEBHOOK_SECRET}", allow_private_network: true}
        default_receivers: [audit]
        """.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }
}
