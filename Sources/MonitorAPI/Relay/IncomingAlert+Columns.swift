import Crypto
import Foundation
import Monitoring
import Notifications
import Postgres

/// What of an alert goes into the database.
extension IncomingAlert {
    /// What tells it from all others: of its labels alone, whoever brings it.
    var fingerprint: String {
        var bytes: [UInt8] = []
        for (name, value) in labels.sorted(by: { $0.key < $1.key }) {
            bytes += name.utf8
            bytes.append(0xFF)
            bytes += value.utf8
            bytes.append(0xFF)
        }
        return Self.digest(bytes)
    }

    /// What a repetition changes, where it is another.
    var content: String {
        var bytes: [UInt8] = []
        for (name, value) in annotations.sorted(by: { $0.key < $1.key }) {
            bytes += name.utf8
            bytes.append(0xFF)
            bytes += value.utf8
            bytes.append(0xFF)
        }
        bytes += generatorURL.utf8
        return Self.digest(bytes)
    }

    /// `HighLatency: p99 of checkout is 4 s`: what happened, in a line.
    var headline: String {
        let name = labels["alertname"] ?? annotations["title"] ?? labels.min { $0.key < $1.key }.map { "\($0.key) \($0.value)" } ?? "Alert"
        guard let said = said("summary", "message", "title", "description") else {
            return Self.line(labels["instance"].map { "\(name) on \($0)" } ?? name, limit: 300)
        }
        return Self.line(said.contains(name) ? said : "\(name): \(said)", limit: 300)
    }

    /// What is said about it at most.
    var summary: String {
        Self.line(said("description", "message", "summary", "title") ?? headline, limit: 2000)
    }

    private func said(_ names: String...) -> String? {
        names.lazy.compactMap { annotations[$0] }.first { !$0.isEmpty }
    }

    /// Without line breaks and other controls.
    private static func line(_ text: String, limit: Int) -> String {
        var text = text
        let isPlain = text.withUTF8 { bytes in bytes.count <= limit && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }
        if isPlain { return text }
        let words = text.split { $0.isWhitespace || $0.unicodeScalars.allSatisfy { $0.value < 0x20 || $0.value == 0x7F } }
        return String(String.UnicodeScalarView(words.joined(separator: " ").unicodeScalars.prefix(limit)))
    }

    /// 32 digits of SHA-256.
    private static func digest(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: 32) { text in
            for (index, byte) in SHA256.hash(data: bytes).prefix(16).enumerated() {
                text[2 * index] = digits[Int(byte >> 4)]
                text[2 * index + 1] = digits[Int(byte & 15)]
            }
            return 32
        }
    }

    /// A JSON object of texts, in the order of their names.
    static func json(_ texts: [String: String]) throws -> String {
        var json = "{"
        for (name, value) in texts.sorted(by: { $0.key < $1.key }) {
            if json.utf8.count > 1 { json += "," }
            json += try MonitoringJSON.quoted(name)
            json += ":"
            json += try MonitoringJSON.quoted(value)
        }
        return json + "}"
    }
}
