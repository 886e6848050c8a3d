/// Text for Slack: escaped, and cut without hurting an entity.
enum Mrkdwn {
    /// Escapes the three characters that could be markup of Slack's: nothing in `text` can be a link or ping anybody.
    ///
    /// Control characters become spaces, invisible direction marks go: they could hide what a name really is.
    static func escape(_ text: String) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
            case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
            case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
            case "\n": escaped.append(scalar)
            case "\u{200E}", "\u{200F}", "\u{202A}"..."\u{202E}", "\u{2066}"..."\u{2069}": break
            case _ where scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value): escaped.append(" ")
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }

    /// A name in a code span, on one line and at most `limit` UTF-16 units within: no mark of Slack's works inside.
    static func code(_ name: String, limit: Int = 100) -> String {
        let flat = String(String.UnicodeScalarView(name.unicodeScalars.map { $0 == "`" ? "'" : $0 == "\n" ? " " : $0 }))
        let shown = truncate(escape(flat), to: limit)
        return shown.allSatisfy({ $0 == " " }) ? "_unnamed_" : "`\(shown)`"
    }

    /// Words of people: escaped, on one line, cut.
    static func words(_ text: String, limit: Int) -> String {
        truncate(escape(text.replacing("\n", with: " ")), to: limit)
    }

    /// A link; its label loses what would end it.
    static func link(_ url: String, _ label: String) -> String {
        "<\(escape(url))|\(escape(label.replacing("|", with: "/").replacing("\n", with: " ")))>"
    }

    /// At most `limit` UTF-16 units of escaped text, the last an ellipsis where something was cut off.
    ///
    /// It cuts between characters, never inside an entity: `&am` at the end would be lost, or shown as it is.
    static func truncate(_ escaped: String, to limit: Int) -> String {
        guard escaped.utf16.count > limit else { return escaped }
        var kept = ""
        var length = 0
        for character in escaped {
            length += character.utf16.count
            if length > limit - 1 { break }
            kept.append(character)
        }
        if let mark = kept.lastIndex(of: "&"), !kept[mark...].contains(";") { kept = String(kept[..<mark]) }
        return kept + "…"
    }
}
