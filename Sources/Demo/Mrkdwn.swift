/// Slack's mrkdwn as HTML: `*bold*`, `_italic_`, `~struck~`, `` `code` ``, ```` ```blocks``` ````, `> quotes`, `<url|label>`,
/// `<!channel>` and `:emoji:`.
///
/// The source is escaped by its sender (`&amp;`, `&lt;`, `&gt;`); whatever else could be markup is escaped here. Only http
/// and https links become links.
enum Mrkdwn {
    static func html(_ source: String) -> String {
        source.split(separator: "```", omittingEmptySubsequences: false).enumerated().map { index, part in
            index % 2 == 1 ? "<pre>\(escaped(trimmed(part)))</pre>" : lines(part)
        }.joined()
    }

    /// Text without markup: only emoji names become emoji.
    static func plain(_ source: String) -> String {
        emoji(escapedAll(source))
    }

    /// Text for an attribute's value.
    static func attribute(_ source: String) -> String {
        escapedAll(source)
    }

    private static func lines(_ part: Substring) -> String {
        part.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            if line.hasPrefix("&gt; ") || line.hasPrefix("> ") {
                let text = line.drop { $0 != " " }.dropFirst()
                return "<blockquote>\(spans(text))</blockquote>"
            }
            return spans(line)
        }.joined(separator: "<br>").replacing("</blockquote><br>", with: "</blockquote>")
    }

    /// Splits at code spans and links, which hold no further markup, and styles what is between them.
    private static func spans(_ line: Substring) -> String {
        var html = ""
        var rest = line
        while let mark = rest.firstIndex(where: { $0 == "`" || $0 == "<" }) {
            html += styled(rest[..<mark])
            let inside = rest[rest.index(after: mark)...]
            let isCode = rest[mark] == "`"
            guard let end = inside.firstIndex(of: isCode ? "`" : ">") else {
                html += escaped(rest[mark...])
                return html
            }
            html += isCode ? "<code>\(escaped(inside[..<end]))</code>" : reference(inside[..<end])
            rest = inside[inside.index(after: end)...]
        }
        return html + styled(rest)
    }

    /// What stands between angle brackets: a link, or a mention.
    private static func reference(_ inside: Substring) -> String {
        let parts = inside.split(separator: "|", maxSplits: 1)
        guard let target = parts.first else { return "" }
        let label = parts.count == 2 ? parts[1] : target
        if target.hasPrefix("http://") || target.hasPrefix("https://") {
            return "<a href=\"\(escaped(target))\" target=\"_blank\" rel=\"noreferrer noopener\">\(emoji(escaped(label)))</a>"
        }
        if target.hasPrefix("!") || target.hasPrefix("@") || target.hasPrefix("#") {
            let name = parts.count == 2 ? label : target.dropFirst()
            return "<span class=\"mention\">@\(escaped(name))</span>"
        }
        return escaped("<" + inside + ">")
    }

    private static func styled(_ text: Substring) -> String {
        var html = escaped(text)
        for (mark, tag) in [("*", "strong"), ("_", "em"), ("~", "s")] as [(Character, String)] {
            html = paired(html, mark: mark, tag: tag)
        }
        return emoji(html)
    }

    /// Turns `*a b*` into an element where the marks stand at the edges of words.
    private static func paired(_ text: String, mark: Character, tag: String) -> String {
        var html = ""
        var rest = Substring(text)
        while let open = rest.firstIndex(of: mark) {
            let inside = rest[rest.index(after: open)...]
            let before = rest[..<open].last
            let startsWord = before.map { !$0.isLetter && !$0.isNumber } ?? true
            guard startsWord, let close = closing(of: mark, in: inside) else {
                html += rest[...open]
                rest = inside
                continue
            }
            html += rest[..<open] + "<\(tag)>" + inside[..<close] + "</\(tag)>"
            rest = inside[inside.index(after: close)...]
        }
        return html + rest
    }

    private static func closing(of mark: Character, in text: Substring) -> Substring.Index? {
        guard let first = text.first, first != " ", first != mark else { return nil }
        return text.indices.first { index in
            guard text[index] == mark, index > text.startIndex, text[text.index(before: index)] != " " else { return false }
            let after = text.index(after: index)
            return after == text.endIndex || (!text[after].isLetter && !text[after].isNumber)
        }
    }

    private static let names: [String: String] = [
        "rotating_light": "🚨", "fire": "🔥", "warning": "⚠️", "red_circle": "🔴", "large_orange_circle": "🟠", "large_yellow_circle": "🟡",
        "large_blue_circle": "🔵", "large_green_circle": "🟢", "white_check_mark": "✅", "eyes": "👀", "bell": "🔔", "no_bell": "🔕",
        "arrow_up": "⬆️", "arrow_down": "⬇️", "chart_with_upwards_trend": "📈", "chart_with_downwards_trend": "📉", "hourglass": "⌛",
        "repeat": "🔁", "zzz": "💤", "heavy_check_mark": "✔️", "information_source": "ℹ️", "mag": "🔍", "link": "🔗", "clock1": "🕐",
    ]

    private static func emoji(_ text: String) -> String {
        guard text.contains(":") else { return text }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var html = String(parts[0])
        var index = 1
        while index < parts.count {
            if index + 1 < parts.count, let symbol = names[String(parts[index])] {
                html += symbol + parts[index + 1]
                index += 2
            } else {
                html += ":" + parts[index]
                index += 1
            }
        }
        return html
    }

    /// Escapes all but the three entities that the sender wrote.
    private static func escaped(_ text: some StringProtocol) -> String {
        escapedAll(text).replacing("&amp;amp;", with: "&amp;").replacing("&amp;lt;", with: "&lt;").replacing("&amp;gt;", with: "&gt;")
    }

    private static func escapedAll(_ text: some StringProtocol) -> String {
        var html = ""
        // By scalars: a quote with a combining mark is one character, and would slip through.
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": html += "&amp;"
            case "<": html += "&lt;"
            case ">": html += "&gt;"
            case "\"": html += "&quot;"
            case "'": html += "&#39;"
            default: html.unicodeScalars.append(scalar)
            }
        }
        return html
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first == "\n" { text = text.dropFirst() }
        while text.last == "\n" { text = text.dropLast() }
        return text
    }
}
