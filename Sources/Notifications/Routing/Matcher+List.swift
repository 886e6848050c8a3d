extension Matcher {
    /// The matchers that one entry of a configuration gives, as Alertmanager reads it: `team=ops`, and also `team=ops,zone=eu` and
    /// `{team="ops", zone=~"eu|us",}`. A comma in quotes is part of the value.
    ///
    /// - Throws: `.invalidMatcher` for the first that cannot be read, or where there is none.
    public static func list(_ text: String) throws(NotificationConfigurationError) -> [Matcher] {
        var rest = trimmed(text[...]).unicodeScalars
        if rest.first == "{", rest.last == "}" { rest = rest.dropFirst().dropLast() }
        var matchers: [Matcher] = []
        var (isQuoted, isEscaped) = (false, false)
        var start = rest.startIndex
        for place in rest.indices {
            switch rest[place] {
            case ",":
                if isQuoted { break }
                matchers.append(try Matcher(String(rest[start..<place])))
                start = rest.index(after: place)
            case "\"":
                if !isEscaped { isQuoted.toggle() }
                isEscaped = false
            case "\\": isEscaped.toggle()
            default: isEscaped = false
            }
        }
        let last = String(rest[start...])
        if !trimmed(last[...]).isEmpty { matchers.append(try Matcher(last)) }
        guard !matchers.isEmpty else { throw error(text[...], "has nothing in it") }
        return matchers
    }
}
