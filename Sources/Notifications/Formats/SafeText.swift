/// Text of others, such as a model's name or a note, as it may stand in a message: on one line, without what hides, pings or links.
package enum SafeText {
    /// On one line, without control characters and marks that nobody sees: they could hide what a name really is.
    ///
    /// - Parameter limit: So many scalars at most are looked at; an endless text costs no more than a long one.
    package static func clean(_ text: String, limit: Int = 4000) -> String {
        var kept = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(limit) {
            switch scalar {
            case "\u{200D}": kept.append(scalar)  // holds emoji together
            case _ where isHidden(scalar): break
            case _ where scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || scalar == "\u{2028}" || scalar == "\u{2029}":
                kept.append(" ")
            default: kept.append(scalar)
            }
        }
        return String(kept)
    }

    /// Invisible and direction marks, tags, and what an interlinear or object place would be.
    package static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00AD, 0x061C, 0x180E, 0x200B...0x200F, 0x202A...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFC, 0xE0000...0xE0FFF: true
        default: false
        }
    }

    /// The same, and nothing in it is taken for a mention, a channel, an emoji's name or an address by a client that looks for them:
    /// a joiner that nobody sees stands where they would begin.
    ///
    /// | text | parted at |
    /// | --- | --- |
    /// | `@here`, `a@b.example` | after `@` |
    /// | `#general`, `~town-square` | after `#`, `~` |
    /// | `https://x.example` | before `//`, and after the dot |
    /// | `:fire:` | after `:` |
    /// | `gpt-4.1`, `12:30` | nowhere |
    static func inert(_ text: String, limit: Int = 4000) -> String {
        let cleaned = clean(text, limit: limit)
        var parted = String.UnicodeScalarView()
        var last: Unicode.Scalar = " "
        for scalar in cleaned.unicodeScalars {
            let isLetter = scalar.properties.isAlphabetic
            switch last {
            case "@", "#", "~": if scalar != " " { parted.append(joiner) }
            case ".": if isLetter { parted.append(joiner) }
            case ":": if isLetter || scalar == "/" || scalar == "+" { parted.append(joiner) }
            default: break
            }
            parted.append(scalar)
            last = scalar
        }
        return String(parted)
    }

    private static let joiner: Unicode.Scalar = "\u{2060}"

    /// What stresses or quotes text in Slack.
    static let stresses: [Unicode.Scalar: Unicode.Scalar] = ["*": "∗", "~": "∼", "`": "'", "_": "＿"]
    /// The same, and what makes links and tags.
    static let marks: [Unicode.Scalar: Unicode.Scalar] = stresses.merging(
        ["[": "［", "]": "］", "<": "‹", ">": "›", "|": "¦", "\\": "＼"]) { $1 }

    /// Marks as characters that only look like them, for a client that knows no way to escape them.
    ///
    /// An underscore within a word stresses nothing anywhere, and stays: names are full of them.
    static func lookalike(_ text: String, of table: [Unicode.Scalar: Unicode.Scalar] = marks) -> String {
        let scalars = Array(text.unicodeScalars)
        func isWord(_ index: Int) -> Bool {
            scalars.indices.contains(index) && (scalars[index].properties.isAlphabetic || scalars[index].properties.numericType != nil)
        }
        var replaced = String.UnicodeScalarView()
        for (index, scalar) in scalars.enumerated() {
            let isInside = scalar == "_" && isWord(index - 1) && isWord(index + 1)
            replaced.append(isInside ? scalar : table[scalar] ?? scalar)
        }
        return String(replaced)
    }

    /// At most `limit` UTF-16 units once every scalar is written as `escape` has it, the last an ellipsis where something was cut off.
    ///
    /// It cuts between characters, never inside what stands for one. Of a character that would be longer than a name, some 30 marks on one
    /// letter, the first scalars stand for it.
    package static func fitted(_ text: String, to limit: Int, _ escape: (Unicode.Scalar) -> String? = { _ in nil }) -> String {
        func escaped(_ character: Character) -> String {
            var result = ""
            for scalar in character.unicodeScalars.prefix(32) {
                if let replacement = escape(scalar) { result += replacement } else { result.unicodeScalars.append(scalar) }
            }
            return result
        }
        var kept = ""
        var length = 0
        // Where the text fits but for the ellipsis' own place, the whole of it does.
        var keptBeforeEnd: String?
        for character in text {
            let next = escaped(character)
            let size = next.utf16.count
            if length + size > limit { return (keptBeforeEnd ?? kept) + "…" }
            if length + size > limit - 1, keptBeforeEnd == nil { keptBeforeEnd = kept }
            kept += next
            length += size
        }
        return kept
    }
}
