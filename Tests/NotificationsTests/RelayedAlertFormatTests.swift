import Foundation
import Monitoring
import Testing

@testable import Notifications

/// What messages say of an alert from elsewhere: its name and labels, and no figures that it does not have.
@Suite struct RelayedAlertFormatTests {
    private static func message(link: String, over: Bool = false) throws -> AlertMessage {
        try Fixtures.message(try Fixtures.transition(over ? .resolved : .opened)) { alert in
            alert.alertType = "relayed"
            alert.metricName = "relayed"
            alert.currentValue = nil
            alert.baselineValue = nil
            alert.deviationRatio = nil
            alert.affectedModel = nil
            alert.origin = "alertmanager"
            alert.labels = ["alertname": "HighLatency", "severity": "page", "instance": "checkout-1"]
            alert.annotations = ["summary": "p99 is 4 s", "runbook_url": "https://wiki.example.com/latency"]
            alert.generatorURL = link
            alert.summary = "p99 of checkout is 4 s"
            alert.contextData = .object(["headline": "HighLatency: p99 is 4 s"])
            if over {
                alert.status = .resolved
                alert.resolvedAt = Fixtures.now
            }
        }
    }

    @Test(arguments: ReceiverKind.allCases)
    func itsNameAndLabelsAreSaid(kind: ReceiverKind) throws {
        let body = try Fixtures.body(try Self.message(link: "https://prometheus.example.com/graph"), kind)
            .replacing("\\/", with: "/")
        #expect(body.contains("HighLatency: p99 is 4 s"), "\(body)")
        #expect(!body.contains("Expected") && !body.contains("spread, no single cause"))
        guard kind != .log else { return }
        #expect(body.contains("checkout-1"))
    }

    @Test(arguments: [ReceiverKind.slack, .teams, .discord])
    func sourceAndRunbookAreLinksWhereTheyAreHTTP(kind: ReceiverKind) throws {
        let body = try Fixtures.body(try Self.message(link: "https://prometheus.example.com/graph"), kind).replacing("\\/", with: "/")
        #expect(body.contains("https://prometheus.example.com/graph") && body.contains("https://wiki.example.com/latency"), "\(body)")
        let hostile = try Fixtures.body(try Self.message(link: "javascript:alert(1)"), kind)
        #expect(!hostile.contains("javascript:"))
    }

    @Test func itsEndIsToldByItsName() throws {
        let body = try Fixtures.body(try Self.message(link: "", over: true), .slack)
        #expect(body.contains("Resolved: HighLatency"))
    }
}
