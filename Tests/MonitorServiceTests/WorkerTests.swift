import Foundation
import Logging
import MonitorAPI
import Postgres
import TestSupport
import Testing

@testable import MonitorService

@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint)) struct WorkerTests {
    @Test func aFailureIsToldUntilAnEvaluationSucceeds() async throws {
        try await withTestDatabase(schema: true) { database in
            try await database.client.query("ALTER FUNCTION monitoring_apply_evaluation RENAME TO monitoring_apply_nothing")
            var configuration = ServiceConfiguration()
            configuration.detection.evaluationInterval = .seconds(1)
            let watch = EvaluationWatch()
            let worker = Worker(
                client: database.client, running: RunningConfiguration(configuration), process: "test",
                clock: ServiceClock(client: database.client, clock: { Date() }, logger: TroubledServer.silent),
                logger: TroubledServer.silent,
                watch: watch, onTransitions: {})
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await worker.run() }
                try await eventually("a failure", timeout: .seconds(30)) { watch.failingSince != nil }
                try await database.client.query("ALTER FUNCTION monitoring_apply_nothing RENAME TO monitoring_apply_evaluation")
                try await eventually("a success", timeout: .seconds(30)) { watch.failingSince == nil }
                group.cancelAll()
            }
        }
    }
}
