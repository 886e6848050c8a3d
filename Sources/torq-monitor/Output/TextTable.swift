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

    /// Control characters become spaces, so that a hostile name cannot move the cursor.
    var text: String {
        let clean = rows.map {
            $0.map { cell in String(cell.map { $0.unicodeScalars.contains { $0.properties.generalCategory == .control } ? " " : $0 }) }
        }
        let widths = (clean.first ?? []).indices.map { column in clean.map { $0[column].count }.max() ?? 0 }
        return clean.map { row in
            row.indices.map { column in
                column == row.count - 1 ? row[column] : row[column] + String(repeating: " ", count: widths[column] - row[column].count)
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
