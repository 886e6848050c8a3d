import Monitoring

/// A JSON Schema of the 2020-12 dialect, as OpenAPI 3.1 has it.
struct Schema: Sendable, Hashable {
    private(set) var members: [String: JSONValue]

    init(_ members: [String: JSONValue]) {
        self.members = members
    }

    /// Any JSON value.
    static let anything = Schema([:])
    static let text = Schema(["type": "string"])
    /// Without a NUL, which PostgreSQL's text does not hold.
    static let keptText = text.with(["pattern": "^[^\\u0000]*$"])
    static let integer = Schema(["type": "integer"])
    static let number = Schema(["type": "number"])
    static let flag = Schema(["type": "boolean"])
    static let object = Schema(["type": "object"])
    static let time = Schema(["type": "string", "format": "date-time"])
    /// A time of the years 1970 to 2099. Beside the format: no leap seconds, and neither the first nor the last year, which other offsets lead out of.
    static let nearTime = time.with([
        "pattern":
            "^(197[1-9]|19[89][0-9]|20[0-8][0-9]|209[0-8])-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
    ])
    /// A matcher, as far as a pattern can say it: a regular expression may have groups, classes and counts besides.
    static let matcher = text.with(["minLength": 2, "pattern": .string(matcherPattern)])

    private static let matcherPattern: String = {
        let blanks = #"[ \t\r\n]*"#
        let escaped = #"\\[^\u0000]"#
        // What has no quotes may end in a backslash, which is itself then.
        let rest = #"([^"\\\u0000]|\#(escaped))*\\?"#
        func bare(_ others: String) -> String { #"(([^ \t\r\n"\\\u0000\#(others)]|\#(escaped))\#(rest)|\\)?"# }
        let quoted = #""([^"\\\u0000]|\#(escaped))*""# + blanks
        let severity = "(low|medium|high|critical)"
        // Of a regular expression: a character or an anchor, whatever it may be repeated by, and the places where alternatives meet.
        let repetition = #"([*+?]\??)?"#
        func atom(_ others: String) -> String {
            #"([^\\.|?*+()\[{"\u0000\#(others)]|\.|\\([dDwWsSafnrtvAz!#%&',\-./:;<=>@\]^_`{|}~$*+?"]|0|[1-7][0-7]))"# + repetition
        }
        let following = #"(\||\#(atom("")))*"#
        let quotedPattern = #""\#(following)"\#(blanks)"#
        let barePattern = #"((\||\#(atom(#" \t\r\n"#)))\#(following))?\#(blanks)"#
        let tests = [
            #"!=\#(blanks)(\#(quoted)|\#(bare("")))"#,
            #"=(\#(blanks)\#(quoted)|[ \t\r\n]+\#(bare(""))|\#(bare("~")))"#,
            #"[!=]~\#(blanks)(\#(quotedPattern)|\#(barePattern))"#,
        ]
        return "^\(blanks)([A-Za-z_][A-Za-z0-9_]*\(blanks)(\(tests.joined(separator: "|")))"
            + "|severity\(blanks)>=\(blanks)(\"\(severity)\"|\(severity))\(blanks))$"
    }()
    static let date = Schema(["type": "string", "format": "date"])
    static let uuid = Schema(["type": "string", "format": "uuid"])

    static func words(_ words: [String]) -> Schema {
        Schema(["type": "string", "enum": .array(words.map(JSONValue.string))])
    }

    /// One of those that the document holds under `components`.
    static func reference(_ name: String) -> Schema {
        Schema(["$ref": .string("#/components/schemas/\(name)")])
    }

    /// - Parameters:
    ///   - properties: All there can be.
    ///   - required: Those of them that are always there.
    static func object(_ properties: [String: Schema], required: some Sequence<String>) -> Schema {
        var members: [String: JSONValue] = [
            "type": "object", "properties": .object(properties.mapValues(\.json)), "additionalProperties": false,
        ]
        let names = required.sorted()
        if !names.isEmpty { members["required"] = .array(names.map(JSONValue.string)) }
        return Schema(members)
    }

    static func array(of element: Schema) -> Schema {
        Schema(["type": "array", "items": element.json])
    }

    static func map(of element: Schema) -> Schema {
        Schema(["type": "object", "additionalProperties": element.json])
    }

    /// The same, or null.
    var orNull: Schema {
        guard case .string(let type) = members["type"] else {
            return members.isEmpty ? self : Schema(["anyOf": .array([json, Schema(["type": "null"]).json])])
        }
        var nullable = members
        nullable["type"] = .array([.string(type), "null"])
        if case .array(let words) = nullable["enum"] { nullable["enum"] = .array(words + [.null]) }
        return Schema(nullable)
    }

    /// The same with further members, which take the place of those of their names.
    func with(_ further: [String: JSONValue]) -> Schema {
        Schema(members.merging(further) { _, new in new })
    }

    var json: JSONValue { .object(members) }
}
