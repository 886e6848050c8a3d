extension SlackPayload {
    /// The message as a channel shows it: blocks where there are any, else the text; attachments below with their bar.
    var html: String {
        let body = blocks.map { $0.map(\.html).joined() } ?? text.map { "<p>\(Mrkdwn.html($0))</p>" } ?? ""
        return body + (attachments ?? []).map(\.html).joined()
    }
}

extension SlackAttachment {
    fileprivate var html: String {
        var parts = ""
        if let title { parts += "<p><strong>\(Mrkdwn.plain(title))</strong></p>" }
        if let text { parts += "<p>\(Mrkdwn.html(text))</p>" }
        parts += (blocks ?? []).map(\.html).joined()
        return (pretext.map { "<p>\(Mrkdwn.html($0))</p>" } ?? "") + "<div class=\"attachment\" style=\"--bar:\(barColor)\">\(parts)</div>"
    }

    /// A colour of Slack's names or six hex digits; anything else is grey.
    private var barColor: String {
        switch color {
        case "good": return "#2eb67d"
        case "warning": return "#ecb22e"
        case "danger": return "#e01e5a"
        case let color? where color.count == 7 && color.first == "#" && color.dropFirst().allSatisfy(\.isHexDigit): return color
        default: return "#8d8d8d"
        }
    }
}

extension SlackBlock {
    fileprivate var html: String {
        switch type {
        case "header":
            return "<h3>\(text.map { Mrkdwn.plain($0.text) } ?? "")</h3>"
        case "divider":
            return "<hr>"
        case "context":
            return "<p class=\"context\">"
                + (elements ?? []).compactMap { $0.text?.html }.joined(separator: " <span class=\"dot\">·</span> ") + "</p>"
        case "actions":
            return "<p class=\"actions\">" + (elements ?? []).map(\.html).joined() + "</p>"
        default:
            let main = text.map { "<p>\($0.html)</p>" } ?? ""
            let columns = fields.map { "<div class=\"fields\">" + $0.map { "<p>\($0.html)</p>" }.joined() + "</div>" } ?? ""
            return "<div class=\"section\">\(main)\(columns)\(accessory?.html ?? "")</div>"
        }
    }
}

extension SlackElement {
    fileprivate var html: String {
        let label = text.map { Mrkdwn.plain($0.text) } ?? ""
        let look = style.map { " \($0)" } ?? ""
        guard let url, url.hasPrefix("http://") || url.hasPrefix("https://") else {
            return "<button class=\"button\(look)\" disabled title=\"No link behind this button\">\(label)</button>"
        }
        return "<a class=\"button\(look)\" href=\"\(Mrkdwn.attribute(url))\" target=\"_blank\" rel=\"noreferrer noopener\">\(label)</a>"
    }
}

extension SlackText {
    fileprivate var html: String {
        type == "mrkdwn" ? Mrkdwn.html(text) : Mrkdwn.plain(text)
    }
}
