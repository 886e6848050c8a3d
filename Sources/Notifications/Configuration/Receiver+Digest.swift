import Crypto

extension Receiver {
    /// Sixteen hexadecimal digits that change with the address, and say nothing of it.
    var endpointDigest: String {
        let key = routingKey.map { "\n" + $0.reveal() } ?? ""
        let address = "torq-monitor endpoint\n\(kind.rawValue)\n\(url?.reveal() ?? "")\(key)"
        return SHA256.hash(data: Array(address.utf8)).prefix(8).map { hex($0) }.joined()
    }
}
