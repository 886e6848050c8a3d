// For `stdout`, a variable that nobody sets.
@preconcurrency import Glibc

/// What `print` writes to.
enum StandardOutput {
    /// Writes what is still held back.
    ///
    /// - Returns: Whether all that was printed has been written: a disk that is full must not pass for a whole schema.
    static func end() -> Bool {
        fflush(stdout) == 0 && ferror(stdout) == 0
    }
}
