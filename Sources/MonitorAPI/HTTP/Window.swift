import Foundation

/// How far a question looks back: `24h`, or `1d` to `90d`.
struct Window: Sendable, Hashable {
    /// As the client wrote it.
    let text: String
    /// 1 to 90.
    let days: Int

    static let allowed = "24h, or 1d to 90d"

    /// nil for anything that is not allowed.
    init?(_ text: String) {
        if text == "24h" {
            days = 1
        } else {
            guard text.hasSuffix("d"), text.count <= 3, text.first != "0", text.dropLast().utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(text.dropLast()), (1...90).contains(number)
            else { return nil }
            days = number
        }
        self.text = text
    }

    /// Its beginning, seen from `moment`.
    func start(before moment: Date) -> Date {
        moment.addingTimeInterval(-Double(days) * 86_400)
    }
}
