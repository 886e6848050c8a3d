/// Days and years of the proleptic Gregorian calendar.
struct CivilDate: Sendable, Hashable {
    /// Astronomical: 0 is 1 BC.
    var year: Int
    var month: Int
    var day: Int

    /// By days since 1970-01-01.
    ///
    /// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: years that begin in March, in eras of 400.
    init(daysSince1970 days: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// `2026-02-28`, without an era: see `isBC`.
    var text: String {
        "\(Self.padded(isBC ? 1 - year : year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))"
    }

    /// PostgreSQL writes such years with ` BC` at the end.
    var isBC: Bool { year < 1 }

    /// PostgreSQL's date: days since 2000-01-01, with its least and greatest value for the infinities.
    static func text(daysSince2000 days: Int32) -> String {
        switch days {
        case .max: return "infinity"
        case .min: return "-infinity"
        default:
            let date = CivilDate(daysSince1970: Int(days) + 10_957)
            return date.text + (date.isBC ? " BC" : "")
        }
    }

    /// With zeros before it.
    static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
