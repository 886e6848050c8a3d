import CZlib
import NIOCore

/// gzip by zlib, in one go.
enum Gzip {
    /// nil where zlib cannot (it is out of memory): the answer goes as it is.
    static func compress(_ bytes: ByteBufferView) -> ByteBuffer? {
        var stream = z_stream()
        guard torq_deflate_init_gzip(&stream, 6) == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        let bound = Int(deflateBound(&stream, UInt(bytes.count)))
        var output = ByteBufferAllocator().buffer(capacity: bound)
        let result = bytes.withUnsafeBytes { input in
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { target in
                // zlib reads through next_in and never writes there.
                stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
                stream.avail_in = UInt32(input.count)
                stream.next_out = target.bindMemory(to: UInt8.self).baseAddress
                stream.avail_out = UInt32(bound)
                return deflate(&stream, Z_FINISH) == Z_STREAM_END ? bound - Int(stream.avail_out) : 0
            }
        }
        return result > 0 ? output : nil
    }
}
