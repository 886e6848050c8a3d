import WebTransport

/// Asks the instance on this machine whether it is ready.
public struct Healthcheck: Sendable {
    /// What it said.
    public struct State: Sendable, Hashable, CustomStringConvertible {
        /// Whether it takes work.
        public var isReady: Bool
        /// Why not.
        public var description: String
    }

    private let configuration: ServiceConfiguration

    /// - Parameter configuration: Whose listener is asked.
    public init(configuration: ServiceConfiguration) {
        self.configuration = configuration
    }

    /// Asks once, for at most three seconds.
    public func run() async -> State {
        let listener = configuration.listener
        // A listener on every address is asked on this machine's.
        let host = ["0.0.0.0", "::", "[::]"].contains(listener.host) ? "127.0.0.1" : listener.host
        let transport = WebTransport()
        let state: State
        do {
            let answer = try await transport.send(
                WebRequest(
                    url: "http://\(host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host):\(listener.port)/ready",
                    connectTimeout: .seconds(2), timeout: .seconds(3), addresses: .any))
            state = State(isReady: answer.status == 200, description: "not ready: it answered \(answer.status)")
        } catch {
            state = State(isReady: false, description: "not ready: \(error)")
        }
        await transport.close()
        return state
    }
}
