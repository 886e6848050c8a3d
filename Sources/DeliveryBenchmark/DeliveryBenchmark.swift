import ArgumentParser

/// Measures delivery as a whole and in parts, each against its floor or a peer.
@main
struct DeliveryBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delivery-benchmark", abstract: "Measures delivery: its speed, and that nothing is lost.",
        discussion: """
            Every part prints what it must reach and, from the same run, the floor or the peer. All but `transport` make a database of \
            their own on the server that TORQ_TEST_DATABASE_URL names (as a superuser); `outage` starts a server of its own. \
            Everything stays on loopback.
            """,
        subcommands: [
            TransportCommand.self, OutboxCommand.self, LatencyCommand.self, IsolationCommand.self, ThrottleCommand.self, CrashCommand.self,
            OutageCommand.self, DeadWeekCommand.self, RelayCommand.self, DispatchCommand.self, ChaosCommand.self,
        ])
}
