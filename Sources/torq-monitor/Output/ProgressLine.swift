import Foundation
import MonitorService

/// A line on a terminal's stderr that is written over; nothing where stderr is no terminal.
actor ProgressLine {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var isShown = false

    func show(_ text: String) {
        guard isTerminal else { return }
        StandardError.write("\r\u{1B}[K\(text)")
        isShown = true
    }

    /// Takes the line away.
    func end() {
        if isShown { StandardError.write("\r\u{1B}[K") }
        isShown = false
    }
}
