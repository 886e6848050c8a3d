public import Foundation

/// Something that goes wrong with one model for a while: most of its requests are answered by a fallback.
public struct Incident: Sendable, Hashable {
    /// The one model that is affected.
    public var model: String
    /// Its first moment.
    public var start: Date
    /// When it is over; events at this moment are well again.
    public var end: Date
    /// Share of the model's events that fall back while it lasts, 0 to 1.
    public var fallbackProbability: Double
    /// What the console writes as the reason.
    public var reason: String

    /// - Parameter fallbackProbability: Of the affected model's events, 0 to 1.
    public init(model: String, start: Date, end: Date, fallbackProbability: Double, reason: String) {
        self.model = model
        self.start = start
        self.end = end
        self.fallbackProbability = fallbackProbability
        self.reason = reason
    }

    func affects(model: String, at moment: Date) -> Bool {
        model == self.model && moment >= start && moment < end
    }
}
