/// Rows with aligned columns for a terminal; the last column is as long as it is.
struct TextTable {
    private var rows: [[String]]

    init(_ header: String...) {
        rows = [header]
    }

    init(cells header: [String]) {
        rows = [header]
    }

    mutating func add(_ row: String...) {
        rows.append(row)
    }

    mutating func add(cells row: [String]) {
        rows.append(row)
    }

    var text: String {
        let clean = rows.map { $0.map(\.forTerminal) }
        let widths = (clean.first ?? []).indices.map { column in clean.map { $0[column].count }.max() ?? 0 }
        return clean.map { row in
            row.indices.map { column in
                column == row.count - 1 ? row[column] : row[column] + String(repeating: " ", count: widths[column] - row[column].count)
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}

extension String {
    /// On one line, with spaces for what moves the cursor or turns the direction of writing: texts come from anywhere.
    var forTerminal: String {
        String(
            map { character in
                character.unicodeScalars.contains {
                    [.control, .lineSeparator, .paragraphSeparator].contains($0.properties.generalCategory) || $0.properties.isBidiControl
                } ? " " : character
            })
    }
}
