import Crypto

/// Which alerts share a message, and how long it waits for more of them.
public struct Grouping: Sendable, Hashable {
    /// The labels whose values make a group; empty: all alerts of the route are one group.
    let labels: [AlertLabels.Name]
    /// How long the first message of a group waits for more of its kind.
    public let wait: Duration
    /// The least time between two messages of a group.
    public let interval: Duration

    /// - Parameters:
    ///   - names: Labels, as in matchers.
    ///   - wait: How long the first message of a group waits.
    ///   - interval: The least time between two messages of a group.
    /// - Throws: `.invalidRoute`, which names the labels there are.
    public init(by names: [String], wait: Duration, interval: Duration) throws(NotificationConfigurationError) {
        var labels: [AlertLabels.Name] = []
        for name in names {
            guard let label = AlertLabels.Name(rawValue: name) else {
                let known = AlertLabels.Name.allCases.map(\.rawValue).joined(separator: ", ")
                throw NotificationConfigurationError(
                    .invalidRoute, "alerts cannot be grouped by '\(name.prefix(64))'; the labels are \(known)")
            }
            if !labels.contains(label) { labels.append(label) }
        }
        self.labels = labels
        self.wait = max(.zero, wait)
        self.interval = max(.zero, interval)
    }

    /// The group of an alert: `{alert_type="error_spike", model="gpt-4o"}/9f86d081`, the digits telling routes apart; at most 300 bytes.
    func key(of labels: AlertLabels, matchers: [Matcher]) -> String {
        let values = self.labels.map { label in
            "\(label.rawValue)=\"\(labels[label].replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
        }
        let text = "{\(values.joined(separator: ", "))}"
        let route = matchers.map(\.description).joined(separator: "\n") + "\n\n" + self.labels.map(\.rawValue).joined(separator: ",")
        let shown = text.utf8.count <= 256 ? text : "{\(Self.digest(text, bytes: 16))}"
        return "\(shown)/\(Self.digest(route, bytes: 4))"
    }

    private static func digest(_ text: String, bytes: Int) -> String {
        SHA256.hash(data: Array(text.utf8)).prefix(bytes).map { hex($0) }.joined()
    }
}
