/// How a format writes text of others: nothing in it can be markup, a link or a mention there.
package enum Markup: Sendable, Hashable {
    /// Slack's mrkdwn: three entities; what has no escape is replaced by its like.
    case slack
    /// Markdown with backslashes: Mattermost and Discord.
    case markdown
    /// Rocket.Chat, which knows Slack's and Markdown's marks, and no escape that all its versions keep.
    case rocketChat
    /// The text of a Google Chat message.
    case chatText
    /// The limited HTML of a Google Chat card.
    case html
    /// Fields of an Adaptive Card that read Markdown.
    case card
    /// Fields that read no markup at all.
    case plain

    /// Words of people or of ours: on one line, inert, at most `limit` UTF-16 units.
    package func words(_ text: String, limit: Int) -> String {
        let inert = SafeText.inert(text, limit: limit + 200)
        switch self {
        case .slack:
            // An escape of a sign of comparison is a quote at the start of a line.
            let flat = inert.hasPrefix(">") ? "›" + inert.dropFirst() : inert
            return SafeText.fitted(SafeText.lookalike(flat, of: SafeText.stresses), to: limit, Self.entity)
        case .markdown:
            // A sign at the start of a line would begin a list or a quote.
            let flat = inert.first.map { "-+>".contains($0) } == true ? "\u{2060}" + inert : inert
            return SafeText.fitted(Self.withoutTags(flat), to: limit, Self.backslash)
        case .rocketChat, .chatText, .card: return SafeText.fitted(SafeText.lookalike(inert), to: limit)
        case .html: return SafeText.fitted(inert, to: limit, Self.entity)
        case .plain: return SafeText.fitted(Self.withoutTags(inert), to: limit)
        }
    }

    /// A name, as code where the format has it.
    func name(_ text: String, limit: Int = 100) -> String {
        let clean = SafeText.clean(text, limit: limit + 200)
        guard clean.contains(where: { $0 != " " }) else { return "(unnamed)" }
        switch self {
        case .slack: return Mrkdwn.code(clean, limit: limit)
        case .markdown, .rocketChat:
            return "`" + SafeText.fitted(Self.withoutTags(SafeText.inert(clean)).replacing("`", with: "'"), to: limit) + "`"
        case .chatText:
            return "`" + SafeText.fitted(SafeText.lookalike(SafeText.inert(clean)), to: limit) + "`"
        case .html, .card, .plain: return words(clean, limit: limit)
        }
    }

    /// Text that is safe already, stressed.
    func bold(_ safe: String) -> String {
        switch self {
        case .slack, .rocketChat, .chatText: "*\(safe)*"
        case .markdown, .card: "**\(safe)**"
        case .html: "<b>\(safe)</b>"
        case .plain: safe
        }
    }

    /// A link of ours under a label of ours; nil where the URL is none, or longer than 2,000 characters.
    func link(_ url: String, _ label: String) -> String? {
        guard Self.isLink(url) else { return nil }
        switch self {
        case .slack: return Mrkdwn.link(url, label)
        case .chatText: return "<\(url)|\(label)>"
        case .html: return "<a href=\"\(SafeText.fitted(url, to: .max, Self.entity))\">\(label)</a>"
        case .markdown, .rocketChat, .card:
            return "[\(label)](\(url.replacing("(", with: "%28").replacing(")", with: "%29").replacing("\\", with: "%5C")))"
        case .plain: return "\(label): \(url)"
        }
    }

    /// Whether a format may make a link of it.
    static func isLink(_ url: String) -> Bool { AlertLinks.isLink(url) }

    /// Mentions of Teams and Google look like tags; a client that reads none shows the joiner as nothing.
    private static func withoutTags(_ text: String) -> String {
        text.replacing("<", with: "<\u{2060}")
    }

    private static func entity(_ scalar: Unicode.Scalar) -> String? {
        switch scalar {
        case "&": "&amp;"
        case "<": "&lt;"
        case ">": "&gt;"
        default: nil
        }
    }

    private static func backslash(_ scalar: Unicode.Scalar) -> String? {
        switch scalar {
        case "\\", "*", "_", "~", "`", "|", "[", "]", "#": "\\" + String(scalar)
        default: nil
        }
    }
}
