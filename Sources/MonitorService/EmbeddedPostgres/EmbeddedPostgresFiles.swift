import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The places of an embedded server, and what is done to files there.
struct EmbeddedPostgresFiles: Sendable, Hashable {
    /// The service's data directory.
    var directory: String
    var account: ServerAccount

    /// The cluster: PostgreSQL's own data directory.
    var cluster: String { "\(directory)/postgres" }

    /// Remembers a socket directory that had to be made elsewhere.
    private var socketNote: String { "\(directory)/socket-directory" }

    /// What the server printed before its own log began.
    var startLog: String { "\(cluster)/start.log" }

    /// Its own log files.
    var logDirectory: String { "\(cluster)/log" }

    /// The cluster's major version; nil where there is no cluster.
    var clusterVersion: Int? {
        guard let text = try? String(contentsOfFile: "\(cluster)/PG_VERSION", encoding: .utf8) else { return nil }
        return Int(text.prefix { $0.isNumber })
    }

    /// What the lock file of a server says; nil without one.
    var postmaster: PostmasterFile? {
        (try? String(contentsOfFile: "\(cluster)/postmaster.pid", encoding: .utf8)).flatMap(PostmasterFile.init)
    }

    /// Makes the service's directory and sees to it that the server's account can come as far as the cluster.
    func prepareDirectory() throws(EmbeddedPostgresError) {
        guard directory.hasPrefix("/"), !directory.contains(where: { $0.isNewline || $0 == "\0" }) else {
            throw EmbeddedPostgresError(.dataDirectory, "the data directory must be an absolute path, not \(directory)")
        }
        let existed = FileManager.default.fileExists(atPath: directory)
        do {
            // 0711: the account may pass through to what is its own, and see nothing else.
            let mode = account.isOther ? 0o711 : 0o700
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: existed ? nil : [.posixPermissions: mode])
        } catch {
            throw EmbeddedPostgresError(.dataDirectory, "the data directory \(directory) cannot be made: \(reason(error))")
        }
        if account.isOther, let status = FileStatus(following: directory), status.userID == geteuid(), status.mode & 0o001 == 0 {
            _ = chmod(directory, status.mode | 0o001)
        }
        guard access(directory, W_OK | X_OK) == 0 else {
            throw EmbeddedPostgresError(.dataDirectory, "the data directory \(directory) cannot be written by this user")
        }
        if account.isOther, let barrier = account.firstBarrier(on: directory) {
            throw EmbeddedPostgresError(
                .dataDirectory,
                "PostgreSQL does not run as root; the account \(account.name), which it runs as, cannot enter \(barrier). Give another "
                    + "--data-dir, such as /var/lib/torq-monitor, or let it pass: chmod o+x \(barrier)")
        }
    }

    /// Removes what an interrupted initialization left.
    func discardLeftovers() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] where name.hasPrefix("postgres.new-") {
            try? FileManager.default.removeItem(atPath: "\(directory)/\(name)")
        }
    }

    /// Makes a directory for the server's account alone.
    func makeOwnDirectory(template: String) throws(EmbeddedPostgresError) -> String {
        var path = Array(template.utf8CString)
        guard mkdtemp(&path) != nil else {
            throw EmbeddedPostgresError(.dataDirectory, "no directory can be made as \(template): \(String(cString: strerror(errno)))")
        }
        let made = path.withUnsafeBufferPointer { String(decoding: $0.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) }
        try giveToAccount(made)
        return made
    }

    /// Puts an initialized cluster into its place, for good.
    func moveIntoPlace(_ made: String) throws(EmbeddedPostgresError) {
        guard rename(made, cluster) == 0 else {
            throw EmbeddedPostgresError(
                .initializationFailed, "\(made) cannot be renamed to \(cluster): \(String(cString: strerror(errno)))")
        }
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// Writes a file of the cluster in one step, readable by the server's account alone.
    func write(_ text: String, to name: String) throws(EmbeddedPostgresError) {
        let path = "\(cluster)/\(name)"
        let temporary = "\(path).new"
        unlink(temporary)
        // O_EXCL and O_NOFOLLOW: the directory is the account's, we may be root.
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw EmbeddedPostgresError(.dataDirectory, "\(temporary) cannot be written: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        let isWritten = bytes.isEmpty || Glibc.write(descriptor, bytes, bytes.count) == bytes.count
        if account.isOther { _ = fchown(descriptor, account.userID, account.groupID) }
        guard isWritten, rename(temporary, path) == 0 else {
            throw EmbeddedPostgresError(.dataDirectory, "\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    /// A private directory for the socket, short enough: in the data directory, else the one made elsewhere before, else a new one.
    ///
    /// The data directory comes first because nobody cleans it up; /tmp is swept on many systems.
    func socketDirectory(environment: [String: String]) throws(EmbeddedPostgresError) -> String {
        let inside = "\(directory)/run"
        if isShortEnough(inside) {
            if mkdir(inside, 0o700) == 0 { try giveToAccount(inside) }
            guard isPrivate(inside) else {
                throw EmbeddedPostgresError(.dataDirectory, "\(inside) must be a directory of \(account.name) with mode 0700")
            }
            return inside
        }
        let remembered = (try? String(contentsOfFile: socketNote, encoding: .utf8)) ?? ""
        if isShortEnough(remembered), isPrivate(remembered) { return remembered }
        let runtime = environment["XDG_RUNTIME_DIR"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        let parents = [runtime, "/tmp"].compactMap { $0 }
        for parent in parents where isShortEnough("\(parent)/torq-monitor-XXXXXX") && account.firstBarrier(on: parent) == nil {
            guard let made = try? makeOwnDirectory(template: "\(parent)/torq-monitor-XXXXXX") else { continue }
            try? made.write(toFile: socketNote, atomically: true, encoding: .utf8)
            return made
        }
        throw EmbeddedPostgresError(
            .dataDirectory,
            "no directory for the socket can be made in \(parents.joined(separator: " or ")); a shorter --data-dir needs none")
    }

    /// Removes the socket's directory, wherever it is; without effect while something is in it.
    func removeSocketDirectory(_ path: String) {
        rmdir(path)
        unlink(socketNote)
    }

    /// Removes the lock files of a server that is gone.
    func removeServerLocks(socketDirectory: String) {
        unlink("\(cluster)/postmaster.pid")
        unlink("\(socketDirectory)/.s.PGSQL.\(EmbeddedPostgresSettings.port).lock")
    }

    /// Keeps the newest log files and removes the others, so that what is kept is bounded by their number and size.
    func pruneLogs(keep: Int = 5) {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: logDirectory)) ?? []).filter { $0.hasPrefix("postgresql-") }
        for name in names.sorted().dropLast(keep) { try? FileManager.default.removeItem(atPath: "\(logDirectory)/\(name)") }
    }

    private func isShortEnough(_ path: String) -> Bool {
        !path.isEmpty && "\(path)/.s.PGSQL.\(EmbeddedPostgresSettings.port)".utf8.count <= SocketProbe.longestPath
    }

    /// Whether it is a directory, no link, of the account, that nobody else may enter.
    private func isPrivate(_ path: String) -> Bool {
        guard let status = FileStatus(at: path) else { return false }
        return status.isDirectory && status.mode & 0o777 == 0o700 && status.userID == account.userID
    }

    private func giveToAccount(_ path: String) throws(EmbeddedPostgresError) {
        guard account.isOther else { return }
        guard lchown(path, account.userID, account.groupID) == 0 else {
            throw EmbeddedPostgresError(
                .dataDirectory, "\(path) cannot be given to the account \(account.name): \(String(cString: strerror(errno)))")
        }
    }

    private func reason(_ error: any Error) -> String {
        (error as? CocoaError)?.underlying.map { "\($0.localizedDescription)" } ?? error.localizedDescription
    }
}
