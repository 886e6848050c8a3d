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

    private static func group(_ mountpoints: [String]) throws -> AlertMessage {
        func disk(_ mountpoint: String) throws -> AlertMessage {
            var message = try message(link: "https://prometheus.example.com/graph")
            message.alert.labels = ["alertname": "DiskFull", "severity": "page", "instance": "h1:9100", "mountpoint": mountpoint]
            message.alert.contextData = .object(["headline": "DiskFull on h1:9100"])
            message.alert.fingerprint = "fp\(mountpoint)"
            return message
        }
        var group = try disk(mountpoints[0])
        group.others = try mountpoints.dropFirst().map { mountpoint in
            let other = try disk(mountpoint)
            return AlertMessage.Member(alert: other.alert, transition: other.transition)
        }
        return group
    }

    @Test func theAlertsOfAGroupAreToldApartByTheirLabels() throws {
        let content = MessageContent(try Self.group(["/a", "/b", "/c"]))
        #expect(content.condition == "DiskFull on h1:9100 (mountpoint=/a)")
        #expect(content.lines.map(\.condition) == ["DiskFull on h1:9100 (mountpoint=/b)", "DiskFull on h1:9100 (mountpoint=/c)"])
        // Of the whole only what all have.
        #expect(content.facts.map(\.label) == ["Since", "instance"])
        #expect(try MessageContent(Self.group(["/a"])).facts.map(\.label) == ["Since", "instance", "mountpoint"])
    }

    @Test(arguments: [2, 40, 400])
    func programsHearTheLabelsOfEachAlertOfAGroup(count: Int) throws {
        let body = try Fixtures.json(try Self.group((0..<count).map { "/disk\($0)" }), .webhook)
        let members = try #require(body["data"]?["alerts"]?.array)
        for (number, member) in members.enumerated() where count <= 40 {
            #expect(member["labels"]?["mountpoint"]?.string == "/disk\(number)")
        }
        #expect((members[0]["annotations"] != nil) == (count == 2) && (members[0]["generator_url"] != nil) == (count == 2))
        #expect(members[0]["status"]?.string == "open")
    }
}
