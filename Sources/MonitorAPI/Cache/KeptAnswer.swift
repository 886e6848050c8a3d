import Crypto
import Foundation
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
    private let type: String
    private let compressed = Mutex<ByteBuffer?>(nil)

    /// - Parameter moment: When it was made. What says so in it does not count for its tag: two answers that differ in nothing
    ///   else say the same, so the tag is a weak one.
    init(_ body: ByteBuffer, type: String, madeAt moment: Date) {
        self.body = body
        self.type = type
        tag = Self.tag(of: body, madeAt: moment)
    }

    /// Bytes that it holds at most.
    var size: Int { 2 * body.readableBytes }

    /// The answer to a request: 304 where the client has it.
    func response(to headers: HTTPFields) -> Response {
        var fields: HTTPFields = [.eTag: tag, .cacheControl: "private, no-cache", .vary: "Accept-Encoding"]
        if let held = headers[.ifNoneMatch], EntityTag.matches(held, tag) { return Response(status: .notModified, headers: fields) }
        fields[.contentType] = type
        guard body.readableBytes >= Self.leastToCompress, AcceptEncoding.allowsGzip(headers[.acceptEncoding]), let smaller = gzip() else {
            return Response(status: .ok, headers: fields, body: .init(byteBuffer: body))
        }
        fields[.contentEncoding] = "gzip"
        return Response(status: .ok, headers: fields, body: .init(byteBuffer: smaller))
    }

    /// Two requests at the same time may both compress; either result will do.
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
        var hash = SHA256()
        body.withUnsafeReadableBytes { bytes in
            var rest = bytes[...]
            // A quotation mark inside of a text is escaped, so these bytes stand nowhere but at such a key.
            let needles = momentKeys.map { Array("\"\($0)\":\"\(time)\"".utf8) }
            while let place = needles.compactMap({ rest.firstRange(of: $0) }).min(by: { $0.lowerBound < $1.lowerBound }) {
                hash.update(data: rest[..<place.lowerBound])
                rest = rest[place.upperBound...]
            }
            hash.update(data: rest)
        }
        return "W/\"\(Data(hash.finalize().prefix(15)).base64EncodedString())\""
    }
}
