import Foundation
import Monitoring
import Simulation

/// What came of one history.
struct CellResult: Sendable {
    var cell: Cell
    var events = 0
    var evaluations = 0
    var loadSeconds = 0.0
    var rollUpSeconds = 0.0
    var walkSeconds = 0.0
    /// Of the server's processes while it walked; nil where it is not known.
    var processorSeconds: Double?
    var alerts: [BacktestAlert] = []
    var score: DetectionScore?

    init(cell: Cell) { self.cell = cell }

    /// Milliseconds of processor time an evaluation.
    var millisecondsPerStep: Double? {
        processorSeconds.flatMap { evaluations > 0 ? $0 * 1000 / Double(evaluations) : nil }
    }

    /// In one line.
    var line: String {
        guard let score else { return cell.label }
        let found = score.outcomes.filter { $0.foundAt != nil && $0.isExpected }.count
        let expected = score.outcomes.filter(\.isExpected).count
        let time = millisecondsPerStep.map { String(format: ", %.1f ms of processor a step", $0) } ?? ""
        return "\(cell.label): \(score.falseAlerts.count) false, \(found) of \(expected) found\(time), \(Int(walkSeconds)) s"
    }
}
