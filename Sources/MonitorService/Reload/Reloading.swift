/// Where a service's configuration is read from again, and when.
public struct Reloading: Sendable {
    /// That the running configuration came from.
    public let loader: ConfigurationLoader
    let requests: AsyncStream<Void>
    /// What its files looked like before they were read.
    let initialFiles: [String: FileState?]
    private let request: AsyncStream<Void>.Continuation

    /// - Parameter loader: That the running configuration came from. Made before that is read, so that no change is missed.
    public init(loader: ConfigurationLoader) {
        self.loader = loader
        (requests, request) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        initialFiles = FileWatch.states(of: loader.read().files)
    }

    /// Asks for the configuration to be read again, whether its files have changed or not; any number of times, on any thread.
    public func ask() {
        request.yield()
    }
}
