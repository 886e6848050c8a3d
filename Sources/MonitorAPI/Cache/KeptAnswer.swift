import Crypto
import Foundation
import Glibc
import HTTPTypes
import Hummingbird
import Monitoring
import NIOCore
import Synchronization

/// An answer that can be given again: its bytes, once as they are and once compressed, and its tag.
final class KeptAnswer: Sendable {
    /// Compressing less than this is not worth its while.
    private static let leastToCompress = 512

    let tag: String
    let body: ByteBuffer
    /// Header fields of an answer without a body, and of one with it as it is.
    private let unchanged: HTTPFields
    private let whole: HTTPFields
    private let compressed = Mutex<ByteBuffer?>(nil)

    /// - Parameter moment: When it was made. What says so in it does not count for its tag: two answers that differ in nothing
    ///   else say the same, so the tag is a weak one.
    init(_ body: ByteBuffer, type: String, madeAt moment: Date) {
        self.body = body
        tag = Self.tag(of: body, madeAt: moment)
        unchanged = [.eTag: tag, .cacheControl: "private, no-cache", .vary: "Accept-Encoding"]
        var fields = unchanged
        fields[.contentType] = type
        whole = fields
    }

    /// Bytes that it holds at most.
    var size: Int { 2 * body.readableBytes }

    /// The answer to a request: 304 where the client has it.
    func response(to headers: HTTPFields) -> Response {
        if let held = headers[.ifNoneMatch], EntityTag.matches(held, tag) { return Response(status: .notModified, headers: unchanged) }
        guard body.readableBytes >= Self.leastToCompress, AcceptEncoding.allowsGzip(headers[.acceptEncoding]), let smaller = gzip() else {
            return Response(status: .ok, headers: whole, body: .init(byteBuffer: body))
        }
        var fields = whole
        fields[.contentEncoding] = "gzip"
        return Response(status: .ok, headers: fields, body: .init(byteBuffer: smaller))
    }

    /// Some milliseconds of work for a large one, once. Two requests at the same time may both do it; either result will do.
    private func gzip() -> ByteBuffer? {
        if let known = compressed.withLock({ $0 }) { return known }
        guard let made = Gzip.compress(body.readableBytesView) else { return nil }
        compressed.withLock { $0 = made }
        return made
    }

    /// Keys whose value is the moment of the answer.
    private static let momentKeys = ["generated_at", "to"]

    private static func tag(of body: ByteBuffer, madeAt moment: Date) -> String {
        let time = MonitoringJSON.timestamp(moment)
        // A quotation mark inside of a text is escaped, so these bytes stand nowhere but at such a key.
        let needles = momentKeys.map { Array("\"\($0)\":\"\(time)\"".utf8) }
        var hash = SHA256()
        body.withUnsafeReadableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            var from = 0
            var index = 0
            // By hand: the general search of collections takes milliseconds for each kilobyte.
            while let quote = memchr(start + index, CInt(UInt8(ascii: "\"")), bytes.count - index).map({ UnsafeRawPointer($0) - start }) {
                let needle = needles.first { $0.count <= bytes.count - quote && memcmp(start + quote, $0, $0.count) == 0 }
                if let needle {
                    hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[from..<quote]))
                    from = quote + needle.count
                }
                index = quote + (needle?.count ?? 1)
            }
            hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[from...]))
        }
        return "W/\"\(Data(hash.finalize().prefix(15)).base64EncodedString())\""
    }
}
