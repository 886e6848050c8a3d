import Foundation
import TestSupport
import Testing

/// Cases an operation; TORQ_TEST_CASES asks for more.
private let cases = ProcessInfo.processInfo.environment["TORQ_TEST_CASES"].flatMap { Int($0) } ?? 30
/// What so many take on a machine that is busy: a case of all operations takes a second and a half on one that is not.
private let minutes = max(18, cases / 10)

/// Beside what schemathesis expects: parameters that are longer than a header may be are refused as such.
private func configuration(hooks: String) -> String {
    """
    hooks = "\(hooks)"

    [checks.negative_data_rejection]
    expected-statuses = [400, 401, 403, 404, 405, 406, 409, 415, 422, 428, 429, 431, "5xx"]
    """
}

/// What no schema can say: an alert that ends before it starts is refused, and a regular expression has no NUL.
private let hooks = """
    import datetime
    import schemathesis

    def instant(text):
        return datetime.datetime.fromisoformat(text.upper())

    @schemathesis.hook
    def before_call(context, case, kwargs):
        receiver = (case.query or {}).get("receiver")
        if isinstance(receiver, str) and "\\0" in receiver:
            case.query["receiver"] = receiver.replace("\\0", "x")
        if case.operation.path == "/api/v2/alerts" and isinstance(case.body, list):
            for alert in case.body:
                times = [alert.get(name) for name in ("startsAt", "endsAt")] if isinstance(alert, dict) else []
                if times and all(isinstance(time, str) for time in times):
                    try:
                        alert["startsAt"], alert["endsAt"] = sorted(times, key=instant)
                    except (TypeError, ValueError):
                        pass  # one of them is wrong, and is to stay so
    """

/// What schemathesis finds when it reads /openapi.json and tries everything that may and may not be sent.
@Suite(
    .enabled(if: TestDatabase.isAvailable, TestDatabase.hint), .enabled(if: Program.isBuilt, "torq-monitor was not built beside the tests"),
    .enabled(if: PeerProgram.findInVirtualEnvironment("schemathesis") != nil, PeerProgram.hint("schemathesis")),
    .timeLimit(.minutes(minutes + 2)))
struct PeerSchemathesisTests {
    @Test("no case of any operation fails any check")
    func everyCheck() async throws {
        let schemathesis = try #require(PeerProgram.findInVirtualEnvironment("schemathesis"))
        try await withPeerDirectory { directory in
            try hooks.write(toFile: "\(directory)/hooks.py", atomically: true, encoding: .utf8)
            try configuration(hooks: "\(directory)/hooks.py").write(toFile: "\(directory)/st.toml", atomically: true, encoding: .utf8)
            try await withTestDatabase { database in
                let code = try await Program.serve(["--database", database.url, "--role", "api"]) { address in
                    let outcome = try await schemathesis.run(
                        [
                            "--config-file", "\(directory)/st.toml", "run", "\(address)/openapi.json", "--checks", "all", "--max-examples",
                            "\(cases)", "--seed", "1",
                            // Two would only wait for each other.
                            "--workers", "1", "--no-color",
                            "--request-timeout", "60", "--max-response-time", "30", "--include-path-regex",
                            // The stream has no end.
                            "^/(api|health|ready|metrics|openapi)", "--exclude-path", "/api/monitor/stream",
                        ], timeout: .seconds(60 * minutes))
                    #expect(outcome.succeeded, "\(outcome.output.suffix(20_000))\(outcome.errors.suffix(2000))")
                }
                #expect(code == 0)
            }
        }
    }
}
