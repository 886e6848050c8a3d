import Monitoring
import Testing

@testable import Notifications

struct SilenceReachTests {
    @Test func countsWhatAllMatchersMatch() throws {
        let alerts = try [("a", ["team": "infra"]), ("b", ["team": "web", "zone": "eu"]), ("a", nil)].map { model, labels in
            try Fixtures.alert {
                $0.affectedModel = model
                $0.labels = labels
            }
        }
        for (texts, covered, unknown) in [
            (["model=a"], 2, []), (["model=a", "team=infra"], 1, []), (["model!=c"], 3, []), (["team=\"\""], 1, []), (["zone=us"], 0, []),
            (["taem=infra"], 0, ["taem"]), (["taem!=infra", "model=b", "taem=~.*", "zoen=eu"], 0, ["taem", "zoen"]),
        ] as [([String], Int, [String])] {
            let reach = SilenceReach(try texts.map { try Matcher($0) }, over: alerts, isPartial: false)
            let part = SilenceReach(try texts.map { try Matcher($0) }, over: alerts, isPartial: true)
            #expect(part.covered == covered && part.unknownLabels.isEmpty)
            #expect(reach.standing == 3 && reach.covered == covered && reach.unknownLabels == unknown, "\(texts): \(reach)")
        }
    }
}
