import Foundation

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Looks at processes that are not our children.
enum ProcessProbe {
    /// Whether a process runs. One that has ended but was not waited for does not; a child of ours is waited for here.
    ///
    /// pg_ctl's child is handed to the system's first process, which in a container may be this service, or one that waits for nobody.
    static func isAlive(_ processID: Int32) -> Bool {
        var status: Int32 = 0
        if waitpid(processID, &status, WNOHANG) == processID { return false }
        guard kill(processID, 0) == 0 || errno == EPERM else { return false }
        #if os(Linux)
        guard let stat = try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8) else { return false }
        // The name in parentheses may hold anything; the state follows the last one.
        let state = stat.lastIndex(of: ")").map { stat[$0...].dropFirst(2).first }
        return state != "Z" && state != "X"
        #else
        return true
        #endif
    }

    /// Whether any process works in a directory, as every process of a PostgreSQL server does in its data directory.
    ///
    /// - Parameter program: only processes that run this program.
    /// - Returns: nil where that cannot be told.
    static func isWorkedIn(_ directory: String, by program: String? = nil) -> Bool? {
        #if os(Linux)
        guard let resolved = realpath(directory, nil) else { return nil }
        defer { free(resolved) }
        let path = String(cString: resolved)
        guard let processes = try? FileManager.default.contentsOfDirectory(atPath: "/proc") else { return nil }
        return processes.contains { name in
            guard Int32(name) != nil, (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(name)/cwd")) == path
            else { return false }
            return program == nil || (try? String(contentsOfFile: "/proc/\(name)/comm", encoding: .utf8)) == program.map { $0 + "\n" }
        }
        #else
        return nil
        #endif
    }

    /// Whether this process works in a directory; nil where that cannot be told.
    static func process(_ processID: Int32, worksIn directory: String) -> Bool? {
        #if os(Linux)
        guard let resolved = realpath(directory, nil) else { return nil }
        defer { free(resolved) }
        guard let current = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(processID)/cwd") else { return nil }
        return current == String(cString: resolved)
        #else
        return nil
        #endif
    }
}
