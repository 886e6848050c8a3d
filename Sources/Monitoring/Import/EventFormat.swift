/// How the events of a file are written.
public enum EventFormat: String, Sendable, Hashable, CaseIterable {
    /// RFC 4180, with a header.
    case csv
    /// A JSON object a line.
    case ndjson

    /// What the ending of a file's name says; nil where it says nothing.
    public init?(fileName: String) {
        guard let dot = fileName.lastIndex(of: ".") else { return nil }
        switch fileName[dot...].dropFirst().lowercased() {
        case "csv": self = .csv
        case "ndjson", "jsonl", "json": self = .ndjson
        default: return nil
        }
    }

    /// What the first byte that is no byte order mark and no white space says; nil where there is none.
    init?(firstBytes bytes: some Sequence<UInt8>) {
        let meaningful = bytes.first { ![0xEF, 0xBB, 0xBF, 0x20, 0x09, 0x0A, 0x0D].contains($0) }
        guard let byte = meaningful else { return nil }
        self = byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") ? .ndjson : .csv
    }
}
