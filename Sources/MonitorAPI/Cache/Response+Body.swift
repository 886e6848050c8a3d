import HTTPTypes
import Hummingbird
import NIOCore

extension Response {
    /// The bytes of its body, which an endpoint has made already.
    func wholeBody() async throws -> ByteBuffer {
        let collected = BodyCollector()
        try await body.write(collected)
        return collected.buffer
    }
}

/// Takes what a body writes.
private final class BodyCollector: ResponseBodyWriter {
    var buffer = ByteBuffer()

    func write(_ part: ByteBuffer) { buffer.writeImmutableBuffer(part) }
    func finish(_ trailingHeaders: HTTPFields?) {}
}
