import Crypto

extension Receiver {
    /// Sixteen hexadecimal digits that change with the address, and say nothing of it.
    var endpointDigest: String {
        SHA256.hash(data: Array("torq-monitor endpoint\n\(kind.rawValue)\n\(url?.reveal() ?? "")\(routingKey.map { "\n" + $0.reveal() } ?? "")".utf8)).prefix(8).map { hex($0) }.joined()
    }
}
