import Dispatch
import Foundation
import Glibc

/// What is to be gone when this process ends, whichever way: children and folders.
final class Cleanup: @unchecked Sendable {  // Behind its lock.
    static let shared = Cleanup()

    private let lock = NSLock()
    private var children: Set<Int32> = []
    private var folders: Set<String> = []
    private var sources: [any DispatchSourceSignal] = []

    private init() {
        signal(SIGPIPE, SIG_IGN)
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [weak self] in
                self?.run()
                exit(128 + number)
            }
            source.resume()
            sources.append(source)
        }
    }

    func started(_ child: Int32) { lock.withLock { _ = children.insert(child) } }

    func ended(_ child: Int32) { lock.withLock { _ = children.remove(child) } }

    /// Ends the children by force and removes the folders.
    private func run() {
        lock.withLock {
            for child in children { kill(child, SIGKILL) }
            for folder in folders { try? FileManager.default.removeItem(atPath: folder) }
        }
    }

    /// A folder that is there while `body` runs, for other accounts to look into.
    func withFolder<R>(_ body: (String) async throws -> R) async throws -> R {
        let folder = FileManager.default.temporaryDirectory.appending(path: "torq-delivery-\(UUID().uuidString.prefix(8))").path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        lock.withLock { _ = folders.insert(folder) }
        defer {
            try? FileManager.default.removeItem(atPath: folder)
            lock.withLock { _ = folders.remove(folder) }
        }
        return try await body(folder)
    }
}
