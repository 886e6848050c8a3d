import Foundation
import MonitorAPI
import Notifications
import WebTransport

#if canImport(Glibc)
import Glibc
#endif

/// How one kind of value is written: reads its text, and says what is allowed where it cannot.
struct ConfigurationValue<Value>: Sendable {
    /// What is allowed, to follow "must be ".
    var allowed: String

    /// Whether the text must not be shown, and may be given as `file:` + a path.
    var isSecret = false

    /// nil where the text is none of the allowed.
    var parse: @Sendable (String) -> Value?

    /// What is wrong with a text that `parse` refused, as a sentence that is said instead of what is allowed.
    var complaint: (@Sendable (String) -> String?)?
}

extension ConfigurationValue where Value == String {
    /// Any text up to a length, without control characters.
    static func text(atMost length: Int = 1024) -> Self {
        Self(allowed: "text of 1 to \(length) characters, without control characters") { text in
            let isPlain = text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
            return isPlain && !text.isEmpty && text.count <= length ? text : nil
        }
    }

    /// A name that others refer to.
    static var name: Self {
        Self(allowed: "a name of 1 to 64 letters, digits, '-', '_' and '.'") { text in
            let isName = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
            return isName && (1...64).contains(text.count) ? text : nil
        }
    }

    /// A label's name, as in `group_by`.
    static var label: Self {
        Self(allowed: "a label such as alert_type or severity, or '...' for each alert by itself") { text in
            text == "..." || text.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil ? text : nil
        }
    }

    /// What a receiver is called.
    static var receiverName: Self {
        Self(allowed: "a name of 1 to 48 letters, digits, '-', '_' and '.' that begins with a letter or digit") { text in
            (try? Receiver(name: text, kind: .log)).map { _ in text }
        }
    }

    /// An http or https address that may become a link; a slash at its end is taken off.
    static var webAddress: Self {
        Self(
            allowed: "an http:// or https:// URL with a host and no user, of at most 500 visible ASCII characters other than < > | and \""
        ) { text in
            guard let address = normalized(webAddress: text), address.utf8.count <= 500, AlertLinks.isLink(address) else { return nil }
            return address.replacing(/\/+$/, with: "")
        }
    }

    /// An address, or a network with its length.
    static var network: Self {
        Self(allowed: "an IP address or a network such as 10.0.0.0/8") { text in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            guard let bits = addressBits(parts[0]), parts.count <= 2 else { return nil }
            if parts.count == 1 { return text }
            guard let length = Int(parts[1]), (0...bits).contains(length) else { return nil }
            return text
        }
    }

    private static func addressBits(_ text: String) -> Int? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 { return 32 }
        return inet_pton(AF_INET6, text, &bytes) == 1 ? 128 : nil
    }
}

extension ConfigurationValue where Value == [String] {
    /// One comparison of a label, as what routes reads it, or several with commas between them.
    static var matchers: Self {
        Self(
            allowed: "label=value, !=, =~ or !~, and for severity also >=, such as 'severity>=high'",
            parse: { text in (try? Matcher.list(text))?.map(\.description) },
            complaint: { text in
                do throws(NotificationConfigurationError) {
                    _ = try Matcher.list(text)
                    return nil
                } catch {
                    return error.message
                }
            })
    }
}

extension ConfigurationValue where Value == Secret {
    /// Any text, given itself or as `file:` + a path.
    static var secret: Self {
        Self(allowed: "a secret, or file: and a path", isSecret: true) { $0.isEmpty ? nil : Secret($0) }
    }

    /// What links are signed with.
    static var linkKey: Self {
        Self(allowed: "at least 16 bytes, or file: and a path", isSecret: true) { text in
            (try? LinkKey(configured: text)).map { _ in Secret(text) }
        }
    }

    /// What a webhook's messages are signed with.
    static var signingSecret: Self {
        Self(allowed: "16 to 256 bytes, or whsec_ and 24 to 64 bytes as base64, or file: and a path", isSecret: true) { text in
            (try? SigningSecret(text)).map { _ in Secret(text) }
        }
    }

    /// What names a service to PagerDuty.
    static var routingKey: Self {
        Self(allowed: "the 32 letters and digits of a service's integration key, or file: and a path", isSecret: true) { text in
            Receiver.isRoutingKey(text) ? Secret(text) : nil
        }
    }

    /// What a caller of the listener shows.
    static var token: Self {
        Self(allowed: "at least 8 visible ASCII characters, without spaces, or file: and a path", isSecret: true) { text in
            (try? ListenerToken(name: "token", secret: text, scope: .read)).map { _ in Secret(text) }
        }
    }

    /// An http or https address that must not be shown.
    static var secretWebAddress: Self {
        Self(
            allowed: "an http:// or https:// URL with a host, of at most 2000 visible ASCII characters, or file: and a path",
            isSecret: true
        ) { text in
            normalized(webAddress: text).flatMap { $0.utf8.count <= 2000 ? Secret($0) : nil }
        }
    }
}

extension ConfigurationValue where Value == Int {
    /// A whole number in a range.
    static func integer(_ range: ClosedRange<Int>) -> Self {
        Self(allowed: "a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension ConfigurationValue where Value == Double {
    /// A decimal number in a range.
    static func number(_ range: ClosedRange<Double>) -> Self {
        let bounds = [range.lowerBound, range.upperBound].map { String(format: "%g", $0) }
        return Self(allowed: "a number from \(bounds[0]) to \(bounds[1])") { text in
            Double(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension ConfigurationValue where Value == Bool {
    /// true or false, and what YAML's users write for them.
    static var boolean: Self {
        Self(allowed: "true or false") { text in
            switch text.lowercased() {
            case "true", "yes", "on": true
            case "false", "no", "off": false
            default: nil
            }
        }
    }
}

extension ConfigurationValue where Value == Duration {
    /// A duration in a range, in whole steps of `step`.
    static func duration(_ range: ClosedRange<Duration>, step: Duration = .seconds(1)) -> Self {
        let bounds = [range.lowerBound, range.upperBound].map(ConfigurationDuration.format)
        let steps = step == .seconds(1) ? "" : ", in steps of \(ConfigurationDuration.format(step))"
        return Self(allowed: "\(ConfigurationDuration.allowed), from \(bounds[0]) to \(bounds[1])\(steps)") { text in
            guard let duration = ConfigurationDuration.parse(text), range.contains(duration) else { return nil }
            let whole = duration.components.attoseconds == 0 && duration.components.seconds % step.components.seconds == 0
            return whole ? duration : nil
        }
    }
}

extension ConfigurationValue where Value == Duration? {
    /// A duration from a day to ten years, or `forever` for nil.
    static var retention: Self { retention(atLeastDays: 1) }

    /// A duration from so many days to ten years, or `forever` for nil.
    static func retention(atLeastDays least: Int) -> Self {
        let days = ConfigurationValue<Duration>.duration(.seconds(least * 86400)...(.seconds(3650 * 86400)))
        return Self(allowed: "\(days.allowed), or forever") { text in
            // Not by a ternary, which would take what cannot be read for nil, and nil for ever.
            if text == "forever" { return .some(nil) }
            return days.parse(text).map { .some($0) }
        }
    }
}

extension ConfigurationValue where Value == MessageTemplate {
    /// A text in Mustache with names that messages have.
    static var template: Self {
        Self(
            allowed: "a template such as \"{{SEVERITY}}: {{condition}}\"",
            parse: { try? MessageTemplate($0) },
            complaint: { text in
                do throws(NotificationConfigurationError) {
                    _ = try MessageTemplate(text)
                    return nil
                } catch {
                    let name = MessageTemplate.unknownName(in: text)
                    let near = name.flatMap { NearestKey.find($0, among: MessageTemplate.names) }
                    return error.message + (near.map { "; did you mean \($0)?" } ?? "")
                }
            })
    }
}

extension ConfigurationValue where Value == RateLimit {
    /// A rate limit.
    static var rateLimit: Self {
        Self(allowed: "a rate such as 1/s, 30/m or 100/h", parse: { try? RateLimit(parsing: $0) })
    }
}

extension ConfigurationValue where Value: RawRepresentable & CaseIterable & SendableMetatype, Value.RawValue == String {
    /// One of the words of an enumeration.
    static var choice: Self {
        Self(allowed: "one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))", parse: { Value(rawValue: $0) })
    }
}

/// The text with its scheme in lower case; nil where it is no absolute http or https URL that requests can be sent to.
private func normalized(webAddress text: String) -> String? {
    guard WebRequest.accepts(url: text), URLComponents(string: text)?.host?.isEmpty == false, let colon = text.firstIndex(of: ":") else {
        return nil
    }
    return text[..<colon].lowercased() + text[colon...]
}
