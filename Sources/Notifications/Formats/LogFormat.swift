/// An alert as a line of the log, and one more for each further alert.
enum LogFormat {
    static func text(_ content: MessageContent) -> String {
        let title = content.custom.title ?? SafeText.fitted(SafeText.clean(content.sentence), to: 600)
        if let body = content.custom.body { return title + "\n" + body }
        let lines = content.lines.map { line in
            SafeText.fitted(SafeText.clean("\(line.word) \(line.condition)" + (line.place.map { " on \($0)" } ?? "")), to: 300)
        }
        return ([title] + (lines + (content.unlistedText.map { [$0] } ?? [])).map { "  " + $0 }).joined(separator: "\n")
    }
}
