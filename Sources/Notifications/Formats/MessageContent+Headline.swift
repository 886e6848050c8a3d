extension MessageContent {
    /// The first line in a markup: what happened, how bad, to what, and how many more; as the template has it where there is one.
    ///
    /// - Parameters:
    ///   - sign: What stands before it; nil: nothing.
    ///   - limit: Of the condition in UTF-16 units; the whole has at most 400 more.
    func headline(_ markup: Markup, sign: String?, limit: Int = 200) -> String {
        if let title = custom.title { return title }
        let mark = tone == .over || tone == .inHand ? ": " : " · "
        let what = markup.bold("\(word)\(mark)\(markup.words(condition, limit: limit))")
        return (sign.map { "\($0) " } ?? "") + what + whereabouts(markup) + rest
    }

    /// ` on gpt-4o in production`.
    private func whereabouts(_ markup: Markup) -> String {
        (place.map { " on \(markup.name($0))" } ?? "") + (environment.map { " in \(markup.words($0, limit: 64))" } ?? "")
    }

    /// One of the further alerts as a line, without its link.
    func text(of line: Line, _ markup: Markup, sign: String) -> String {
        "\(sign) \(markup.bold(line.word)) \(markup.words(line.condition, limit: 150))"
            + (line.place.map { " on \(markup.name($0, limit: 60))" } ?? "")
    }

    /// The lines of the further alerts, each with its link behind it, and how many have none.
    func list(_ markup: Markup, bullet: (Tone) -> String) -> [String] {
        let listed = lines.map { line in
            let link = line.url.flatMap { markup.link($0, "Open") }
            return text(of: line, markup, sign: bullet(line.tone)) + (link.map { " · \($0)" } ?? "")
        }
        return listed + (unlistedText.map { [$0] } ?? [])
    }

    /// Labels and values of the figures, in the order that they are shown in.
    func shown(_ fact: Fact, _ markup: Markup) -> String {
        if fact.isCourse { return markup == .html || markup == .card || markup == .plain ? fact.value : "`\(fact.value)`" }
        return fact.isName ? markup.name(fact.value) : markup.words(fact.value, limit: 200)
    }
}
