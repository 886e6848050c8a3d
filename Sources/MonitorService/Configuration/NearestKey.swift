/// Finds the word that was probably meant.
enum NearestKey {
    /// The candidate with the fewest edits (insert, delete, replace, swap of neighbours), if no more than a third of the
    /// word is wrong, or the two share what stands before or after an underscore; nil where nothing is near.
    static func find(_ word: String, among candidates: some Sequence<String>) -> String? {
        let word = word.lowercased().replacing("-", with: "_")
        var best: (candidate: String, distance: Int)?
        for candidate in candidates {
            let found = distance(word, candidate.lowercased())
            let limit = max(2, max(word.count, candidate.count) / 3)
            let isPart = word.count > 3 && (candidate.hasSuffix("_" + word) || candidate.hasPrefix(word + "_"))
            guard found <= limit || isPart, found < best?.distance ?? .max else { continue }
            best = (candidate, found)
        }
        return best?.candidate
    }

    /// Optimal string alignment distance: Levenshtein's with swapped neighbours as one edit.
    static func distance(_ left: String, _ right: String) -> Int {
        let a = Array(left.unicodeScalars)
        let b = Array(right.unicodeScalars)
        if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
        var rows = [Array(0...b.count)]
        for i in 1...a.count {
            var row = [i]
            for j in 1...b.count {
                var least = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { least = min(least, rows[i - 2][j - 2] + 1) }
                row.append(least)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
