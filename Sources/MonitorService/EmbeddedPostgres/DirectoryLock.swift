#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Holds a directory for this process, until it is dropped or the process ends in any way.
///
/// flock(2), not a file's existence: the kernel lets go of it when the process is killed. O_CLOEXEC keeps it from the server,
/// which outlives us.
struct DirectoryLock: ~Copyable {
    private let descriptor: Int32

    /// Takes the lock.
    ///
    /// - Throws: `inUse` where another process has it, `dataDirectory` where the file cannot be made.
    init(directory: String) throws(EmbeddedPostgresError) {
        let path = "\(directory)/lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw EmbeddedPostgresError(.dataDirectory, "\(path) cannot be opened: \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            var bytes = [UInt8](repeating: 0, count: 32)
            let count = pread(descriptor, &bytes, bytes.count, 0)
            close(descriptor)
            let holder = Int32(String(decoding: bytes.prefix(max(count, 0)).prefix { $0 != 10 }, as: UTF8.self))
            throw EmbeddedPostgresError(
                .inUse,
                "the data directory \(directory) is in use by another torq-monitor\(holder.map { " (process \($0))" } ?? ""): stop it, "
                    + "or give this one another --data-dir or a database of its own")
        }
        // Only for the message above.
        let text = "\(getpid())\n"
        _ = ftruncate(descriptor, 0)
        _ = text.withCString { pwrite(descriptor, $0, text.utf8.count, 0) }
        self.descriptor = descriptor
    }

    deinit {
        // A child that has not come to its exec yet has the descriptor too.
        _ = flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
