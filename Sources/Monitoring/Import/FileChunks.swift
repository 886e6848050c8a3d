import Foundation
import Synchronization

/// The bytes of a file, or of stdin, in pieces. It is read on a thread of its own, so that a slow disk or a person at a
/// terminal holds up nothing else.
public struct FileChunks: AsyncSequence, Sendable {
    private let reader: FileReader

    /// How long the file is; nil for what is no regular file.
    public let byteCount: Int?

    /// Opens it.
    ///
    /// - Parameters:
    ///   - path: `-` for stdin.
    ///   - chunkBytes: Of one piece at most.
    /// - Throws: `ImportError` with `.unreadable`.
    public init(path: String, chunkBytes: Int = 256 * 1024) throws {
        reader = try FileReader(path: path, chunkBytes: chunkBytes)
        byteCount = reader.byteCount
    }

    /// Goes on where the last one ended: a file is read once.
    public func makeAsyncIterator() -> Iterator {
        Iterator(reader: reader)
    }

    /// Gives piece after piece.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let reader: FileReader

        /// The next piece; nil at the end.
        public mutating func next() async throws -> [UInt8]? {
            try await reader.next()
        }
    }
}

/// A file descriptor that one queue reads from.
private final class FileReader: Sendable {
    let byteCount: Int?
    private let descriptor: Int32
    private let path: String
    private let chunkBytes: Int
    private let queue = DispatchQueue(label: "torq-monitor.import")
    private let isCancelled = Atomic(false)

    init(path: String, chunkBytes: Int) throws {
        descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ImportError(.unreadable, "cannot open \(path): \(String(cString: strerror(errno)))") }
        self.path = path
        self.chunkBytes = chunkBytes
        var status = stat()
        byteCount = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
    }

    deinit {
        if descriptor != STDIN_FILENO { close(descriptor) }
    }

    func next() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                queue.async { continuation.resume(with: Result { try self.read() }) }
            }
        } onCancel: {
            isCancelled.store(true, ordering: .relaxed)
        }
    }

    /// Waits in short turns, so that a cancellation ends the wait for a terminal.
    private func read() throws -> [UInt8]? {
        while true {
            if isCancelled.load(ordering: .relaxed) { throw CancellationError() }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&waiting, 1, 100)
            if ready == 0 || ready < 0 && errno == EINTR { continue }
            var failure: Int32 = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: chunkBytes) { buffer, count in
                let got = Foundation.read(descriptor, buffer.baseAddress, chunkBytes)
                if got < 0 { failure = errno }
                count = max(0, got)
            }
            if failure == EINTR || failure == EAGAIN { continue }
            if failure != 0 { throw ImportError(.unreadable, "cannot read \(path): \(String(cString: strerror(failure)))") }
            return chunk.isEmpty ? nil : chunk
        }
    }
}
