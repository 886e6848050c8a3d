/// Takes an answer's header lines and body as they come, within bounds.
struct ResponseCollector {
    /// All header lines of an answer together, trailers included.
    static let maximumHeaderBytes = 64 * 1024

    /// Why the transfer was ended from here.
    enum Overflow: Hashable {
        case headers, body
    }

    let keepBytes: Int
    let maximumBytes: Int
    private(set) var headers: [(name: String, value: String)] = []
    private(set) var body: [UInt8] = []
    private(set) var overflow: Overflow?
    private var headerBytes = 0
    private var bodyBytes = 0
    private var headersAreComplete = false

    init(keepBytes: Int, maximumBytes: Int) {
        self.keepBytes = keepBytes
        self.maximumBytes = maximumBytes
    }

    var bodyTruncated: Bool { bodyBytes > body.count }

    /// How many bytes were taken: fewer than there are ends the transfer.
    mutating func received(body bytes: UnsafeRawBufferPointer) -> Int {
        bodyBytes += bytes.count
        guard bodyBytes <= maximumBytes else {
            overflow = .body
            return 0
        }
        let room = keepBytes - body.count
        if room > 0 { body.append(contentsOf: bytes.prefix(room)) }
        return bytes.count
    }

    /// One whole line with its line end. A status line begins anew: what an interim answer (1xx) said is forgotten.
    mutating func received(header bytes: UnsafeRawBufferPointer) -> Int {
        headerBytes += bytes.count
        guard headerBytes <= Self.maximumHeaderBytes else {
            overflow = .headers
            return 0
        }
        let line = bytes.prefix { $0 != 0x0d && $0 != 0x0a }
        if bytes.starts(with: "HTTP/".utf8) {
            headers = []
            headersAreComplete = false
        } else if line.isEmpty {
            headersAreComplete = true
        } else if !headersAreComplete, let colon = line.firstIndex(of: 0x3a) {
            let name = String(decoding: line[..<colon], as: UTF8.self)
            headers.append((name, Self.trimmed(line[line.index(after: colon)...])))
        }
        return bytes.count
    }

    private static func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        guard let first = bytes.firstIndex(where: { !isSpace($0) }), let last = bytes.lastIndex(where: { !isSpace($0) }) else { return "" }
        return String(decoding: bytes[first...last], as: UTF8.self)
    }
}
