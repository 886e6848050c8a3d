import Demo
import Foundation
import Notifications

/// What the demo shows: its events, its regression, and how long things take.
public struct DemoSettings: Sendable, Hashable {
    /// Where the monitor listens; 0 for any free port.
    public var port = 8080
    /// Where the chat page listens; 0 for any free port.
    public var chatPort = 8081
    /// Days of history before the demo starts, 6 to 60.
    public var historyDays = 14
    /// The seed that all events follow from.
    public var seed: UInt64 = 42

    /// Seconds of the demo's time in a real one, 1 to 1000. Over 1 its last 24 hours are played so much faster, with a regression every three
    /// hours, and it goes on as usual from there.
    public var speed = 1.0

    /// Two weeks, ports 8080 and 8081.
    public init() {}

    /// The regression starts so long after the first live event.
    static let calm: TimeInterval = 60
    /// A bucket ends so long after the history was loaded, which leaves time to start and to see the regression begin.
    static let untilBucketEnds: TimeInterval = 175
    /// What is played where it is faster than time, and how long after the last a regression begins in it.
    static let played: TimeInterval = 24 * 3600
    static let untilNextRegression: TimeInterval = 3 * 3600
    /// How long the regression lasts.
    static let regression: TimeInterval = 12 * 60

    /// Live events come faster than history's, so that a few minutes of them tell something.
    static let liveTraffic = TrafficShape(eventsPerHour: 3600, dailySwing: 0, weekend: 1)

    /// Two weeks of a small company's console.
    static let historyTraffic = TrafficShape(eventsPerHour: 300, dailySwing: 0.5, weekend: 0.75)

    /// Most requests to the commonest model are answered by a fallback.
    static func incident(from start: Date) -> Incident {
        Incident(
            model: "claude-sonnet-4-6", start: start, end: start.addingTimeInterval(regression), fallbackProbability: 0.8,
            reason: "provider_5xx")
    }

    /// The service's configuration, told to hurry: a demo's spectators see the whole life of an alert.
    func configuration(dataDirectory: String, webhook: String) -> ServiceConfiguration {
        var configuration = ServiceConfiguration()
        configuration.environment = "demo"
        configuration.dataDirectory = dataDirectory
        configuration.listener.port = port
        configuration.detection.evaluationInterval = .seconds(5)
        configuration.detection.criticalAfter = .seconds(300)
        configuration.detection.resolveAfter = .seconds(600)
        configuration.receivers = [
            ReceiverConfiguration(name: "agent-alerts", type: .slack, url: Secret(webhook), allowPrivateNetwork: true)
        ]
        configuration.receivers[0].tellAcknowledged = true
        configuration.defaultReceivers = ["agent-alerts"]
        return configuration
    }
}
