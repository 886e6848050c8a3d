/// If-None-Match (RFC 9110, 13.1.2): weak comparison, in which `W/` does not count.
enum EntityTag {
    /// Whether the header's list names `tag`, or is `*`.
    static func matches(_ header: String, _ tag: String) -> Bool {
        if header == tag { return true }
        let opaque = opaque(tag[...])
        return header.utf8.count <= 8192
            && header.split(separator: ",").contains { part in
                let part = trimmed(part)
                return part == "*" || Self.opaque(part) == opaque
            }
    }

    private static func opaque(_ tag: Substring) -> Substring {
        tag.hasPrefix("W/") ? tag.dropFirst(2) : tag
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}

/// Accept-Encoding (RFC 9110, 12.5.3), as far as gzip goes.
enum AcceptEncoding {
    /// Whether it names gzip, or `*` and not gzip, with a weight above nought.
    static func allowsGzip(_ header: String?) -> Bool {
        guard let header, header.utf8.count <= 1024 else { return false }
        if header == "gzip" { return true }
        var any: Bool?
        for part in header.lowercased().split(separator: ",") {
            let pieces = part.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
            guard let coding = pieces.first else { continue }
            let weight = pieces.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            if coding == "gzip" || coding == "x-gzip" { return weight > 0 }
            if coding == "*" { any = weight > 0 }
        }
        return any ?? false
    }
}
