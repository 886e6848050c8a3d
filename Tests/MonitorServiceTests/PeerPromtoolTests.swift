import Foundation
import TestSupport
import Testing
import WebTransport

/// What Prometheus's own tool says of `/metrics`.
@Suite(
    .enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests"),
    .enabled(if: PeerProgram.find("promtool") != nil, PeerProgram.hint("promtool")), .timeLimit(.minutes(2)))
struct PeerPromtoolTests {
    @Test func metricsPassItsCheckBeforeAndAfterThereIsSomethingToCount() async throws {
        let promtool = try #require(PeerProgram.find("promtool"))
        let channel = try HTTPFixture { _ in .answer(status: 200, body: Array("ok".utf8)) }
        defer { channel.stop() }
        try await withPeerDirectory { directory in
            try await withTestDatabase { database in
                let code = try await Program.serve(
                    ["--database", database.url, "--config", try SpineTests.configuration(channel, in: directory)]
                ) { address in
                    try await Self.check(promtool, address)
                    try await SpineTests.writeEvents(database.client)
                    try await eventually("a message", timeout: .seconds(60)) { !channel.requests.isEmpty }
                    try await Self.check(promtool, address)
                }
                #expect(code == 0)
            }
        }
    }

    private static func check(_ promtool: PeerProgram, _ address: String) async throws {
        let metrics = try #require(await Program.get("\(address)/metrics"))
        #expect(metrics.status == 200)
        #expect(metrics.text.contains("# TYPE "))
        let checked = try await promtool.run(["check", "metrics"], input: metrics.text)
        // It has words for what is merely unwise, too.
        #expect(checked.succeeded && checked.output + checked.errors == "", "\(checked.output)\(checked.errors)")
    }
}
