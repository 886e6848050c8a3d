import Foundation
import Glibc

/// What /proc says of a process; zero where it is gone.
struct ProcessFile: Sendable {
    let id: Int32

    /// Of all its threads.
    ///
    /// - Parameter withChildren: With that of its children that ended and were waited for.
    func processorTime(withChildren: Bool = false) -> ProcessorTime {
        let fields = stat
        guard fields.count > 16 else { return ProcessorTime() }
        let ticks = (0..<4).map { (Double(fields[11 + $0]) ?? 0) / Double(sysconf(Int32(_SC_CLK_TCK))) }
        let own = ProcessorTime(user: ticks[0], system: ticks[1])
        return withChildren ? own + ProcessorTime(user: ticks[2], system: ticks[3]) : own
    }

    /// The most resident memory it had, in bytes.
    var peakMemory: Double { memory("VmHWM:") }

    /// Its resident memory, in bytes.
    var memory: Double { memory("VmRSS:") }

    /// Its parent's id.
    var parent: Int32? {
        let fields = stat
        return fields.count > 1 ? Int32(fields[1]) : nil
    }

    /// What a server of PostgreSQL shows of itself: `postgres: walwriter`.
    var title: String {
        let bytes = FileManager.default.contents(atPath: "/proc/\(id)/cmdline") ?? Data()
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self).trimmingCharacters(in: .whitespaces)
    }

    /// The processes whose parent this is.
    var children: [ProcessFile] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.map(ProcessFile.init(id:)).filter { $0.parent == id }
    }

    /// The fields after the name, which is in parentheses and may hold anything: the first is the state.
    private var stat: [Substring] {
        guard let bytes = FileManager.default.contents(atPath: "/proc/\(id)/stat") else { return [] }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return [] }
        return text[text.index(after: end)...].split(separator: " ")
    }

    private func memory(_ name: String) -> Double {
        guard let bytes = FileManager.default.contents(atPath: "/proc/\(id)/status") else { return 0 }
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix(name) }
        let kilobytes = line?.dropFirst(name.count).split(whereSeparator: { $0 == " " || $0 == "\t" }).first
        return kilobytes.flatMap { Double($0) }.map { $0 * 1024 } ?? 0
    }
}
