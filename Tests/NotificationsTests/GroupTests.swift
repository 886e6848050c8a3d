import Foundation
import Monitoring
import Testing

@testable import Notifications

/// A message that tells of many alerts.
@Suite struct GroupTests {
    private static let chats = ReceiverKind.allCases.filter { $0.isChat && $0 != .log }

    @Test(arguments: chats)
    func itNamesTheWorstAndCountsTheRest(kind: ReceiverKind) throws {
        let text = try Fixtures.body(try Fixtures.group(), kind)
        for words in [
            ", and 39 more alerts", "and 29 more", "model model-10 ", "https://m.example/a/OPEN10", "Acknowledge all (40)", "GSNZ",
        ] {
            #expect(text.contains(words), "\(kind.rawValue) \(words)")
        }
        #expect(!text.contains("model model-11 "))
    }

    @Test func oneMoreIsOne() throws {
        let text = try Fixtures.body(try Fixtures.group(2), .slack)
        #expect(text.contains(", and 1 more alert\"") && !text.contains("and 0 more"))
    }

    @Test func endlessLinksCostLinesAndNotTheMessage() throws {
        var message = try Fixtures.group()
        for index in message.others.indices { message.others[index].openLink = "https://m.example/" + String(repeating: "x", count: 1900) }
        for kind in Self.chats {
            let body = try Fixtures.json(message, kind)
            let text = try Fixtures.body(message, kind)
            #expect(FormatLimitTests.problems(kind, text, body) == [], "\(kind.rawValue)")
            #expect(text.contains("and 39 more alerts") && text.contains("GACK"), "\(kind.rawValue)")
        }
    }

    @Test func aWebhookHasAllMembers() throws {
        let body = try Fixtures.json(try Fixtures.group(), .webhook)
        let alerts = try #require(body["data"]?["alerts"]?.array)
        #expect(alerts.count == 40)
        #expect(alerts.first?["id"] == .string(Fixtures.alertID.uuidString.lowercased()))
        #expect(alerts.last?["id"] == .string("1f0c2d3e-0000-4000-8000-100000000027"))
        #expect(alerts.last?["metric_name"] == .string("error_rate"))
        #expect(body["data"]?["alert"]?["id"] == .string(Fixtures.alertID.uuidString.lowercased()))
        #expect(body["data"]?["alerts_left_out"] == nil)
        let small = try Fixtures.json(try Fixtures.group(3), .webhook)["data"]?["alerts"]?.array
        #expect(small?.last?["link"] == .string("https://m.example/a/OPEN2") && small?.last?["transition"] == .string("opened"))
        #expect(try Fixtures.json(try Fixtures.message(try Fixtures.transition()), .webhook)["data"]?["alerts"] == nil)
    }

    @Test func aWebhookSaysHowManyItLeavesOut() throws {
        let body = try Fixtures.json(try Fixtures.group(1000), .webhook)
        let kept = try #require(body["data"]?["alerts"]?.array?.count)
        #expect(kept > 50 && body["data"]?["alerts_left_out"]?.integer == 1000 - kept)
    }

    @Test func buttonsTellUsWhereTheyMay() throws {
        func buttons(_ isInteractive: Bool) throws -> [JSONValue] {
            let blocks = try Fixtures.json(try Fixtures.group(), .slack, isInteractive: isInteractive)["attachments"]?.array?.first?[
                "blocks"]
            return blocks?.array?.first { $0["type"] == .string("actions") }?["elements"]?.array ?? []
        }
        let interactive = try buttons(true)
        #expect(interactive.map { $0["action_id"]?.string } == ["acknowledge", "resolve", "snooze", "open"])
        #expect(interactive.map { $0["value"]?.string } == ["GACK", "GRES", "GSNZ", nil])
        #expect(interactive.map { $0["url"]?.string } == [nil, nil, nil, "https://m.example/a/GOPEN"])
        let links = try buttons(false)
        #expect(links.count == 4 && links.allSatisfy { $0["value"] == nil && $0["url"] != nil }, "\(links)")
    }

    @Test func pagerDutyTakesNoGroups() {
        #expect(ReceiverKind.allCases.filter { !$0.takesGroups } == [.pagerduty])
    }

    @Test(arguments: [
        (NotificationCause.repetition, "Still open after 4 h, not acknowledged: "),
        (.escalationStep, "Nobody has acknowledged it for 4 h: "),
        (.silenceEnded, "Still open after a silence: "), (.snoozeEnded, "Still open after its snooze: "),
        (.muteEnded, "Still open after quiet hours: "), (.transition, "Back again: "),
    ])
    func aMessageSaysWhyItIsTold(cause: NotificationCause, words: String) throws {
        var message = try Fixtures.message(try Fixtures.transition(.reopened), environment: nil)
        message.cause = cause
        message.moment = Fixtures.opened.addingTimeInterval(4 * 3600)
        let expected = "🚨 **CRITICAL · \(words)Fallback rate 31.2 % over the last hour, 7.8x the expected 4.0 %** on `gpt-4o`"
        #expect(try Fixtures.json(message, .discord)["content"] == .string(expected))
    }

    @Test func aReminderSaysWhoHasIt() throws {
        var message = try Fixtures.message(nil) { alert in
            alert.status = .acknowledged
            alert.acknowledgedBy = "Dana"
        }
        message.cause = .repetition
        #expect(try Fixtures.body(message, .log).hasPrefix("CRITICAL: Still open after 12 min, in hand of Dana: "))
    }

    @Test func pagerDutysStepsShareTheirKey() throws {
        let steps: [(AlertTransition.Kind, AlertStatus, String)] = [
            (.opened, .open, "trigger"), (.escalated, .open, "trigger"), (.acknowledged, .acknowledged, "acknowledge"),
            (.reopened, .open, "trigger"), (.resolved, .resolved, "resolve"),
        ]
        for (kind, status, action) in steps {
            let event = try Fixtures.json(try Fixtures.message(try Fixtures.transition(kind)) { $0.status = status }, .pagerduty)
            #expect(event["event_action"] == .string(action))
            #expect(event["dedup_key"] == .string("torq-monitor/1f0c2d3e-0000-4000-8000-0000000000a1"))
            #expect(event["routing_key"] == nil)
        }
    }
}
