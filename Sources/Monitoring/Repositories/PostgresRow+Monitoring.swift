import Foundation
import Postgres

extension PostgresRow {
    func decodeDay(_ column: String) throws -> Day {
        let text: String = try decode(column)
        guard let day = Day(text) else { throw MonitoringError(.unexpectedValue, "column \(column) holds no date") }
        return day
    }

    func decodeEnum<Value: RawRepresentable<String>>(_ column: String) throws -> Value {
        let optional: Value? = try decodeEnum(column)
        guard let value = optional else { throw MonitoringError(.unexpectedValue, "column \(column) is null") }
        return value
    }

    func decodeEnum<Value: RawRepresentable<String>>(_ column: String) throws -> Value? {
        let optional: String? = try decode(column)
        guard let text = optional else { return nil }
        guard let value = Value(rawValue: text) else { throw MonitoringError(.unexpectedValue, "column \(column) holds an unknown word") }
        return value
    }

    func decodeJSON<Value: Decodable>(_ column: String) throws -> Value {
        let text: String = try decode(column)
        return try MonitoringJSON.decode(Value.self, from: text.utf8)
    }

    /// An object of counts. Names that Swift takes for equal (é in its two forms), of which one dictionary holds but one, count together.
    func decodeCounts(_ column: String) throws -> [String: Int] {
        let text: String = try decode(column)
        var scanner = JSONScanner(ArraySlice(text.utf8))
        var counts: [String: Int] = [:]
        guard scanner.take("{") else { throw MonitoringError(.unexpectedValue, "column \(column) holds no object") }
        while !scanner.take("}") {
            scanner.skipSpace()
            let name = try scanner.string()
            let bytes = name.hasEscapes ? try JSONScanner.unescape(name.raw) : Array(name.raw)
            guard scanner.take(":"), let count = Int(String(decoding: try scanner.value(), as: UTF8.self)) else {
                throw MonitoringError(.unexpectedValue, "column \(column) holds something else than counts")
            }
            counts[String(decoding: bytes, as: UTF8.self), default: 0] += count
            _ = scanner.take(",")
        }
        return counts
    }
}
