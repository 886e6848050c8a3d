/// Why an import ended before its time. With `strict` nothing was imported; else the batches before it are.
public struct ImportError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds.
    public enum Code: Sendable, Hashable {
        /// The source cannot be opened or read.
        case unreadable
        /// The CSV header names a column that is not in learning_events, names one twice, or lacks a required one.
        case badHeader
        /// A malformed line, under `strict`.
        case malformedLine
        /// There is no table learning_events.
        case noTable
        /// The database refuses row after row: something is wrong with all of them.
        case refused
    }

    /// What kind it is.
    public var code: Code
    /// The line of the source that it is about; nil where it is about none.
    public var line: Int?
    /// What was wrong.
    public var reason: String

    init(_ code: Code, line: Int? = nil, _ reason: String) {
        self.code = code
        self.line = line
        self.reason = reason
    }

    /// The sentence, with the line where there is one.
    public var description: String { line.map { "line \($0): \(reason)" } ?? reason }
}

/// What is wrong with one line; whoever knows its number adds it.
struct LineFault: Error, Hashable {
    var reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}
