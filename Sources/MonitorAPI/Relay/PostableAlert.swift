import Foundation
import Monitoring

/// An alert as Alertmanager's API takes it.
struct PostableAlert: Decodable, Sendable {
    var labels: [String: String]
    var annotations: [String: String]?
    var startsAt: String?
    var endsAt: String?
    var generatorURL: String?

    /// What a request brings.
    struct Posted: Sendable {
        var alerts: [IncomingAlert] = []
        /// 400 with the places of those that are faulty; nil where none is.
        var refusal: Problem?
    }

    /// The alerts of a request's body. One that is faulty does not keep the others out: Prometheus would never send them again.
    ///
    /// - Throws: 400 where it cannot be told what any of them is.
    static func read(_ body: [UInt8]) throws(Problem) -> Posted {
        let posted: [PostableAlert]
        do {
            posted = try RelayBody.decode([PostableAlert].self, from: body)
        } catch let error as DecodingError {
            throw RelayBody.refusal(error)
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(.invalidBody, "The body is not a JSON array of alerts.")
        }
        guard posted.count <= RelayBody.mostAlerts else {
            throw Problem(.invalidBody, "A request has at most \(RelayBody.mostAlerts) alerts.")
        }
        var alerts: [IncomingAlert] = []
        alerts.reserveCapacity(posted.count)
        var faults: [(index: Int, reason: String)] = []
        for (index, alert) in posted.enumerated() {
            do throws(IncomingAlert.Fault) {
                alerts.append(try alert.incoming().checked())
            } catch {
                faults.append((index, error.reason))
            }
        }
        return Posted(alerts: alerts, refusal: refusal(faults, taken: alerts.count))
    }

    private static func refusal(_ faults: [(index: Int, reason: String)], taken: Int) -> Problem? {
        guard let first = faults.first else { return nil }
        let more = faults.count > 1 ? ", and \(faults.count - 1) more are faulty" : ""
        let rest = taken == 0 ? "none was taken" : taken == 1 ? "the other was taken" : "the other \(taken) were taken"
        return Problem(
            .invalidBody, "Alert \(first.index) \(first.reason)\(more); \(rest).",
            members: [
                "index": .integer(Int64(first.index)), "faulty": .array(faults.prefix(100).map { .integer(Int64($0.index)) }),
                "taken": .integer(Int64(taken)),
            ])
    }

    private func incoming() throws(IncomingAlert.Fault) -> IncomingAlert {
        IncomingAlert(
            labels: labels, annotations: annotations ?? [:], generatorURL: generatorURL ?? "",
            startsAt: try RelayBody.time(startsAt, "startsAt"), endsAt: try RelayBody.time(endsAt, "endsAt"))
    }
}

/// What bodies with alerts have alike.
enum RelayBody {
    /// In one request.
    static let mostAlerts = 50_000
    /// Much deeper than any that is meant.
    private static let deepest = 32

    /// - Throws: A `Problem` for what is not JSON, `DecodingError` for JSON that is something else.
    static func decode<Value: Decodable>(_ type: Value.Type, from body: [UInt8]) throws -> Value {
        guard String(validating: body, as: UTF8.self) != nil, !body.contains(0) else {
            throw Problem(.invalidBody, "The body is not JSON in UTF-8.")
        }
        // Decoding takes time that grows with the square of the depth, and cannot be interrupted.
        guard JSONBody.depth(of: body) <= deepest else { throw Problem(.invalidBody, "The body is nested more than \(deepest) deep.") }
        return try JSONDecoder().decode(type, from: Data(body))
    }

    /// A moment; nil where there is none. Go writes the year 1 for that. One before 1970 or after 2100 is taken for the nearest within. As
    /// in Alertmanager `2026-02-21T10:00` is a moment too, of UTC, and a comma may stand for the point of a fraction.
    static func time(_ text: String?, _ name: String) throws(IncomingAlert.Fault) -> Date? {
        guard let text, !text.isEmpty, !text.hasPrefix("0001-01-01T") else { return nil }
        guard let date = MonitoringJSON.date(fromTimestamp: text) ?? MonitoringJSON.date(fromTimestamp: completed(text)) else {
            throw IncomingAlert.Fault("has no time like 2026-02-21T10:00:00Z in \(name)")
        }
        return min(max(date, allowed.lowerBound), allowed.upperBound)
    }

    /// A time with the zone and the seconds that it leaves out.
    private static func completed(_ text: String) -> String {
        var text = text.replacing(",", with: ".")
        // Of the date's own `-` there is none after the `T`.
        let hasZone = text.last == "Z" || text.dropFirst(11).contains { "+-".contains($0) }
        if !hasZone { text += "Z" }
        if text.utf8.count == "2026-02-21T10:00Z".utf8.count { text = text.dropLast() + ":00Z" }
        return text
    }

    private static let allowed = Date(timeIntervalSince1970: 0)...Date(timeIntervalSince1970: 4_102_444_800)

    /// - Parameter index: From 0.
    static func refusal(_ index: Int, _ reason: String) -> Problem {
        Problem(.invalidBody, "Alert \(index) \(reason); none was taken.", members: ["index": .integer(Int64(index))])
    }

    /// - Parameter ofAlerts: Whether the first index on the way to the fault is an alert's.
    static func refusal(_ error: DecodingError, ofAlerts: Bool = true) -> Problem {
        let (context, what): (DecodingError.Context, String) =
            switch error {
            case .keyNotFound(let key, let context): (context, "has no \(key.stringValue)")
            case .typeMismatch(_, let context), .valueNotFound(_, let context): (context, "has something else than it should")
            case .dataCorrupted(let context): (context, "is not JSON")
            @unknown default: (DecodingError.Context(codingPath: [], debugDescription: ""), "")
            }
        let place = context.codingPath.compactMap { $0.intValue == nil ? $0.stringValue : nil }.joined(separator: ".").prefix(100)
        let at = place.isEmpty ? "" : " in \(place)"
        guard ofAlerts, let index = context.codingPath.lazy.compactMap(\.intValue).first else {
            return Problem(
                .invalidBody, what == "is not JSON" ? "The body is not JSON." : "The body is not as it must be: it \(what)\(at).")
        }
        return refusal(index, what + at)
    }
}
