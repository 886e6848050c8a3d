import Testing

/// The API has no /openapi.json that schemathesis could read yet; until then all there is to see is that it is installed and runs.
@Suite(
    .enabled(if: PeerProgram.findInVirtualEnvironment("schemathesis") != nil, PeerProgram.hint("schemathesis")), .timeLimit(.minutes(1)))
struct PeerSchemathesisTests {
    @Test func itIsInstalledAndRuns() async throws {
        let schemathesis = try #require(PeerProgram.findInVirtualEnvironment("schemathesis"))
        let version = try await schemathesis.run(["--version"])
        #expect(version.succeeded)
        #expect(version.output.hasPrefix("schemathesis, version "), "\(version.output)\(version.errors)")
    }
}
