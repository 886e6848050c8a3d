/// How far an import has come.
public struct ImportProgress: Sendable, Hashable {
    /// Bytes read of the source.
    public var bytesRead: Int
    /// Bytes there are; nil where that is not known (stdin).
    public var bytesInAll: Int?
    /// What was done so far.
    public var report: ImportReport
}
