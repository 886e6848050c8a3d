import Logging
import Postgres
import ServiceLifecycle
import Testing

@testable import MonitorService

/// Services that something is done for first, in a group with another.
@Suite(.timeLimit(.minutes(1)))
struct StartedServicesTests {
    /// Runs until it is told to end.
    private struct Other: Service {
        let ended: Flag
        func run() async throws {
            try await gracefulShutdown()
            ended.set()
        }
    }

    private struct Failure: Error {}

    private static func group(_ services: [any Service]) -> ServiceGroup {
        ServiceGroup(
            configuration: .init(
                services: services.map {
                    .init(
                        service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup)
                }, logger: Logger(label: "none", factory: { _ in SwiftLogNoOpLogHandler() })))
    }

    @Test func noneIsNoEnd() async throws {
        let ended = Flag()
        let (started, start) = AsyncStream.makeStream(of: Void.self)
        let group = Self.group([
            Other(ended: ended),
            StartedServices(
                start: {
                    start.finish()
                    return []
                }, group: Self.group),
        ])
        async let run: Void = group.run()
        for await _ in started {}
        for _ in 0..<100 { await Task.yield() }
        #expect(!ended.isSet)
        await group.triggerGracefulShutdown()
        try await run
    }

    @Test func aFailureEndsTheOthers() async throws {
        let ended = Flag()
        let group = Self.group([Other(ended: ended), StartedServices(start: { throw Failure() }, group: Self.group)])
        await #expect(throws: Failure.self) { try await group.run() }
        #expect(ended.isSet)
    }

    @Test(arguments: [CancellationError() as any Error, PostgresError(.cancelled, message: "cut short"), Failure()])
    func aStartIsCutShort(by error: any Error) async throws {
        let (started, start) = AsyncStream.makeStream(of: Void.self)
        let group = Self.group([
            StartedServices(
                start: {
                    start.finish()
                    try? await Task.sleep(for: .seconds(3600))
                    throw error
                }, group: Self.group)
        ])
        let run = Task { try await group.run() }
        for await _ in started {}
        await group.triggerGracefulShutdown()
        switch error {
        case is Failure: await #expect(throws: Failure.self) { try await run.value }
        default: try await run.value
        }
    }
}
