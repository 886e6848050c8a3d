import Foundation

/// What this process is called where several share a database: host, process id, and a random part, since ids come again.
enum ProcessIdentity {
    static let current: String = {
        let random = String(UInt32.random(in: 0...UInt32.max), radix: 16)
        return "\(ProcessInfo.processInfo.hostName)/\(ProcessInfo.processInfo.processIdentifier)/\(random)"
    }()
}
