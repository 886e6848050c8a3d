/// Tells when files have changed and have come to rest: a state in which they were seen twice, so that a file that is being written
/// is not read by halves. Pure: what the files look like comes in.
struct FileWatch: Sendable, Hashable {
    /// What was read.
    private var read: [String: FileState?]
    /// What was seen last, where that is not what was read.
    private var seen: [String: FileState?]?

    /// - Parameter files: What they looked like before they were read.
    init(read files: [String: FileState?]) {
        read = files
    }

    /// - Parameter files: What they look like now.
    /// - Returns: Whether it is time to read them again.
    mutating func look(_ files: [String: FileState?]) -> Bool {
        guard files != read else {
            seen = nil
            return false
        }
        defer { seen = files }
        return seen == files
    }

    /// Reads on from here: nothing is due until they change once more.
    mutating func didRead(_ files: [String: FileState?]) {
        read = files
        seen = nil
    }

    /// What files look like now, by path; nil for those that are not there.
    static func states(of paths: [String]) -> [String: FileState?] {
        Dictionary(paths.map { ($0, FileState(path: $0)) }) { first, _ in first }
    }
}
