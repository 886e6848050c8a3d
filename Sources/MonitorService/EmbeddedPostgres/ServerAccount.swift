#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Whom the server runs as.
struct ServerAccount: Sendable, Hashable {
    var name: String
    var userID: UInt32
    var groupID: UInt32

    /// Whether it is somebody else than this process, so that files must be given to it.
    var isOther: Bool

    /// The account for this process: itself, or for root (whom PostgreSQL refuses) `postgres`, else `nobody`.
    static func current() -> ServerAccount {
        let own = geteuid()
        guard own == 0 else {
            return ServerAccount(name: "user \(own)", userID: own, groupID: getegid(), isOther: false)
        }
        for name in ["postgres", "nobody"] {
            if let found = getpwnam(name) {
                return ServerAccount(name: name, userID: found.pointee.pw_uid, groupID: found.pointee.pw_gid, isOther: true)
            }
        }
        return ServerAccount(name: "user 65534", userID: 65534, groupID: 65534, isOther: true)
    }

    /// The first directory on the way to `path`, itself included, that the account may not pass through; nil where all let it.
    ///
    /// What does not exist yet lets it: whoever makes it sees to that. Other groups of the account are not looked at, since the
    /// server is started without them.
    func firstBarrier(on path: String) -> String? {
        var current = ""
        for part in path.split(separator: "/") {
            current += "/\(part)"
            guard let status = FileStatus(following: current) else { return nil }
            let bit: UInt32 = status.userID == userID ? 0o100 : status.groupID == groupID ? 0o010 : 0o001
            if status.mode & bit == 0 { return current }
        }
        return nil
    }
}
