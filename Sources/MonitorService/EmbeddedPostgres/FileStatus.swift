import Foundation

/// Who owns a file and who may do what with it.
struct FileStatus: Sendable, Hashable {
    var userID: UInt32
    var groupID: UInt32
    /// The permission bits, such as 0o700.
    var mode: UInt32
    var isDirectory: Bool

    /// What is at `path` itself, not where a link there leads; nil where nothing is.
    init?(at path: String) {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            let userID = (attributes[.ownerAccountID] as? NSNumber)?.uint32Value,
            let groupID = (attributes[.groupOwnerAccountID] as? NSNumber)?.uint32Value,
            let mode = (attributes[.posixPermissions] as? NSNumber)?.uint32Value
        else { return nil }
        self.userID = userID
        self.groupID = groupID
        self.mode = mode & 0o7777
        isDirectory = attributes[.type] as? FileAttributeType == .typeDirectory
    }

    /// What is where `path` leads in the end.
    init?(following path: String) {
        self.init(at: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
    }
}
