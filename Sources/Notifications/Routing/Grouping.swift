import Crypto

/// Which alerts share a message, and how long it waits for more of them.
public struct Grouping: Sendable, Hashable {
    /// The labels whose values make a group; empty: all alerts of the route are one group.
    let labels: [String]
    /// How long the first message of a group waits for more of its kind.
    public let wait: Duration
    /// The least time between two messages of a group.
    public let interval: Duration

    /// - Parameters:
    ///   - names: Labels, as in matchers; those that an alert does not have are empty.
    ///   - wait: How long the first message of a group waits.
    ///   - interval: The least time between two messages of a group.
    /// - Throws: `.invalidRoute` for what is no label's name.
    public init(by names: [String], wait: Duration, interval: Duration) throws(NotificationConfigurationError) {
        var labels: [String] = []
        for name in names {
            guard name.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]{0,127}/) != nil else {
                throw NotificationConfigurationError(
                    .invalidRoute, "alerts cannot be grouped by '\(name.prefix(64))'; a label is written in letters, digits and '_'")
            }
            if !labels.contains(name) { labels.append(name) }
        }
        self.labels = labels
        self.wait = max(.zero, wait)
        self.interval = max(.zero, interval)
    }

    /// The group of an alert: `{alert_type="error_spike", model="gpt-4o"}/9f86d081`, the digits telling routes apart; at most 300 bytes.
    func key(of labels: AlertLabels, matchers: [Matcher]) -> String {
        let values = self.labels.map { label in
            "\(label)=\"\(labels[label].replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
        }
        let text = "{\(values.joined(separator: ", "))}"
        let route = matchers.map(\.description).joined(separator: "\n") + "\n\n" + self.labels.joined(separator: ",")
        let shown = text.utf8.count <= 256 ? text : "{\(Self.digest(text, bytes: 16))}"
        return "\(shown)/\(Self.digest(route, bytes: 4))"
    }

    private static func digest(_ text: String, bytes: Int) -> String {
        SHA256.hash(data: Array(text.utf8)).prefix(bytes).map { hex($0) }.joined()
    }
}
