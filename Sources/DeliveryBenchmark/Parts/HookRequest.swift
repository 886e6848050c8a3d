import Foundation
import Glibc

/// A whole request with the parts that are looked at.
struct HookRequest {
    /// Head and body together.
    let length: Int
    let id: UUID?
    let alert: Int?
    let digest: UInt64

    /// nil until all of it is there.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let head = Self.find("\r\n\r\n", in: bytes) else { return nil }
        let header = UnsafeRawBufferPointer(rebasing: bytes[..<head])
        let size = Self.value(of: "content-length", in: header).flatMap { Int($0) } ?? 0
        length = head + 4 + size
        guard bytes.count >= length else { return nil }
        let body = UnsafeRawBufferPointer(rebasing: bytes[(head + 4)..<length])
        id = Self.value(of: "webhook-id", in: header).flatMap { UUID(uuidString: $0) }
        alert = Self.find(AlertFeed.mark, in: body).map { start in
            body[(start + AlertFeed.mark.utf8.count)...].prefix { (0x30...0x39).contains($0) }.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }
        digest = Self.digest(body)
    }

    private static func find(_ text: String, in bytes: UnsafeRawBufferPointer) -> Int? {
        var text = text
        return text.withUTF8 { wanted -> Int? in
            guard let start = bytes.baseAddress, let first = wanted.first, let pattern = wanted.baseAddress else { return nil }
            var offset = 0
            while offset + wanted.count <= bytes.count {
                guard let hit = memchr(start + offset, Int32(first), bytes.count - wanted.count - offset + 1) else { return nil }
                offset = UnsafeRawPointer(hit) - start
                if memcmp(hit, pattern, wanted.count) == 0 { return offset }
                offset += 1
            }
            return nil
        }
    }

    /// A header's value; its name, in small letters here, may be written in any.
    private static func value(of name: String, in header: UnsafeRawBufferPointer) -> String? {
        var start = 0
        while start < header.count {
            let end = header[start...].firstIndex(of: 0x0d) ?? header.count
            let line = header[start..<end]
            if line.count > name.utf8.count, line[start + name.utf8.count] == 0x3a,
                zip(line, name.utf8).allSatisfy({ $0 | 0x20 == $1 })
            {
                return String(decoding: line.dropFirst(name.utf8.count + 1).drop { $0 == 0x20 }, as: UTF8.self)
            }
            start = end + 2
        }
        return nil
    }

    /// Not for safety: for telling bodies apart.
    private static func digest(_ body: UnsafeRawBufferPointer) -> UInt64 {
        var digest = UInt64(body.count) &* 0x9e37_79b9_7f4a_7c15
        var offset = 0
        while offset + 8 <= body.count {
            digest = (digest ^ body.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) &* 0xff51_afd7_ed55_8ccd
            digest ^= digest >> 32
            offset += 8
        }
        for byte in body[offset...] { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return digest
    }
}
