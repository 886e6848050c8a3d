import Foundation

/// What a receiver got, judged: each alert, with one id and one body however often it came.
struct Audit {
    private(set) var alerts: Set<Int> = []
    /// Requests beyond the first for an alert.
    private(set) var repeats = 0
    private(set) var withOtherID = 0
    private(set) var withOtherBody = 0

    init(_ arrivals: [Arrival]) {
        var first: [Int: Arrival] = [:]
        for arrival in arrivals {
            guard let alert = arrival.alert else { continue }
            if (200..<300).contains(arrival.status) { alerts.insert(alert) }
            guard let earlier = first[alert] else {
                first[alert] = arrival
                continue
            }
            repeats += 1
            if earlier.id != arrival.id || arrival.id == nil { withOtherID += 1 }
            if earlier.digest != arrival.digest { withOtherBody += 1 }
        }
    }
}
