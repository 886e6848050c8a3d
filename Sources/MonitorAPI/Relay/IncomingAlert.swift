import Foundation

/// An alert as a system elsewhere says it, in whatever words.
struct IncomingAlert: Sendable, Hashable {
    /// What it is: all that its fingerprint is of.
    var labels: [String: String]
    var annotations: [String: String] = [:]
    /// Empty: its source does not say where it shows it.
    var generatorURL = ""
    /// nil: now.
    var startsAt: Date?
    /// Over from then on; nil: its source does not say when.
    var endsAt: Date?

    /// Why an alert is refused.
    struct Fault: Error, Sendable, Hashable {
        /// A sentence without its end.
        var reason: String

        init(_ reason: String) {
            self.reason = reason
        }
    }

    static let mostLabels = 128
    static let longestName = 200
    static let longestLabel = 4096
    /// A longer one is cut: Prometheus sends nothing again that is refused.
    static let longestAnnotation = 65_536
    /// Prometheus puts the rule's expression into it.
    static let longestURL = 16_384
    /// In all: lists show thousands of them at a time.
    private static let longest = 131_072

    /// The same without labels that say nothing, with names as Prometheus has always written them (`service.name` is `service_name`), and
    /// with annotations that are too long cut, at a character, with an ellipsis.
    ///
    /// - Throws: A `Fault` where a limit is passed, two names become the same, or no label is left.
    func checked() throws(Fault) -> IncomingAlert {
        var alert = self
        alert.labels = try Self.named(labels, "label")
        alert.annotations = try Self.named(annotations, "annotation")
        if alert.labels.contains(where: { $0.value.isEmpty }) { alert.labels = alert.labels.filter { !$0.value.isEmpty } }
        guard !alert.labels.isEmpty else { throw Fault("has no label with a value") }
        guard alert.labels.count <= Self.mostLabels else { throw Fault("has more than \(Self.mostLabels) labels") }
        guard alert.annotations.count <= Self.mostLabels else { throw Fault("has more than \(Self.mostLabels) annotations") }
        var bytes = 0
        for (name, value) in alert.labels {
            try Self.check(value, limit: Self.longestLabel, "the label \(name)")
            bytes += value.utf8.count
        }
        for (name, var value) in alert.annotations {
            if value.utf8.count > Self.longestAnnotation {
                value = Self.cut(value)
                alert.annotations[name] = value
            }
            try Self.check(value, limit: Self.longestAnnotation, "the annotation \(name)")
            bytes += value.utf8.count
        }
        try Self.check(alert.generatorURL, limit: Self.longestURL, "its generatorURL")
        guard bytes <= Self.longest else { throw Fault("has more than \(Self.longest / 1024) KB in its labels and annotations") }
        if let start = alert.startsAt, let end = alert.endsAt, end < start { throw Fault("ends before it starts") }
        return alert
    }

    private static func cut(_ text: String) -> String {
        let end = text.utf8.index(text.startIndex, offsetBy: longestAnnotation - "…".utf8.count)
        return text[..<(end.samePosition(in: text) ?? text.index(before: end))] + "…"
    }

    private static func named(_ texts: [String: String], _ what: String) throws(Fault) -> [String: String] {
        if texts.keys.allSatisfy(isName) { return texts }
        var named: [String: String] = [:]
        for (name, value) in texts {
            guard (1...longestName).contains(name.utf8.count) else {
                throw Fault(
                    "has a name of \(name.utf8.count) bytes on \(what == "label" ? "a label" : "an annotation"); it has 1 to \(longestName)"
                )
            }
            guard named.updateValue(value, forKey: labelName(name)) == nil else {
                throw Fault("has two \(what)s that are written '\(labelName(name).prefix(64))' here")
            }
        }
        return named
    }

    private static func isName(_ name: String) -> Bool {
        guard (1...longestName).contains(name.utf8.count), let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "_")
        }
    }

    private static func check(_ text: String, limit: Int, _ what: String) throws(Fault) {
        guard text.utf8.count <= limit else { throw Fault("has more than \(limit) bytes in \(what)") }
        guard !text.utf8.contains(0) else { throw Fault("has a NUL in \(what)") }
    }

    /// A name that is not written as a label's is, in that form: `check.name` as `check_name`.
    static func labelName(_ text: String) -> String {
        let name = String(
            text.unicodeScalars.map { scalar in
                scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)) || scalar == "_"
                    ? Character(scalar) : "_"
            }.prefix(longestName))
        guard let first = name.first else { return "_" }
        return first.isNumber ? "_" + name : name
    }
}
