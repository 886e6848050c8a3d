import Foundation
import Monitoring
import TestSupport
import Testing

@Suite(.enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests")) struct ReceiversCommandTests {
    /// A configuration with a receiver at this address, and one that is left alone.
    private func withConfiguration(_ url: String, _ body: (_ options: [String]) async throws -> Void) async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "torq-\(UUID().uuidString).yaml").path
        try """
        receivers:
          - {name: oncall, type: slack, url: "\(url)", allow_private_network: true}
          - {name: pager, type: pagerduty, routing_key: 0123456789abcdef0123456789abcdef}
        """.write(toFile: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: file) }
        try await body(["--config", file])
    }

    @Test func aReceiverIsTried() async throws {
        let server = try HTTPFixture { _ in .answer(status: 200, body: Array("ok".utf8)) }
        defer { server.stop() }
        try await withConfiguration(server.url("/services/T0/B0/s3cret-path")) { options in
            let outcome = try await Program.run(["receivers", "test", "oncall"] + options)
            #expect(outcome.code == 0 && outcome.output.contains("delivered") && outcome.output.contains("127.0.0.1"), "\(outcome)")
            let json = try await Program.run(["receivers", "test", "oncall", "--format", "json"] + options)
            let result = try JSONValue(parsing: json.output)
            #expect(result["delivered"] == .bool(true) && result["http_status"] == .integer(200) && result["answer"] == .string("ok"))
            #expect(result["total_ms"]?.double ?? 0 > 0)
            #expect(server.requests.count == 2)
            let listed = try await Program.run(["receivers", "list"] + options)
            #expect(listed.output.contains("127.0.0.1:\(server.port)") && listed.output.contains("events.pagerduty.com"))
            let rows = try JSONValue(parsing: try await Program.run(["receivers", "list", "--format", "json"] + options).output).array
            #expect(rows?.map { $0["rate_limit"] } == [.string("1/s"), .string("2/s")])
            for text in [outcome.output, json.output, listed.output] {
                #expect(!text.contains("s3cret-path") && !text.contains("0123456789"))
            }
        }
    }

    @Test func aFailureIsTheExitCode() async throws {
        let server = try HTTPFixture { _ in .answer(status: 404, body: Array("no_service".utf8)) }
        defer { server.stop() }
        try await withConfiguration(server.url("/x")) { options in
            let outcome = try await Program.run(["receivers", "test", "oncall"] + options)
            #expect(outcome.code == 1 && outcome.output.contains("not delivered") && outcome.output.contains("channel_gone"), "\(outcome)")
            let unknown = try await Program.run(["receivers", "test", "oncal"] + options)
            #expect(unknown.code == 1 && unknown.errors.contains("there is no receiver 'oncal'; there are oncall, pager"), "\(unknown)")
        }
    }
}
