/// Whose word on where a request comes from is believed.
struct ProxyTrust: Sendable, Hashable {
    /// Addresses that begin with the same bits.
    struct Range: Sendable, Hashable {
        let address: ClientAddress
        let length: Int

        /// `10.0.0.0/8`, or an address alone; nil for anything else.
        init?(_ text: String) {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count <= 2, let address = ClientAddress(String(parts[0])) else { return nil }
            let bits = address.bytes.count * 8
            guard let length = parts.count == 2 ? Int(parts[1]) : bits, (0...bits).contains(length) else { return nil }
            self.address = address
            self.length = length
        }

        func contains(_ other: ClientAddress) -> Bool {
            guard other.bytes.count == address.bytes.count else { return false }
            let whole = length / 8
            guard other.bytes.prefix(whole).elementsEqual(address.bytes.prefix(whole)) else { return false }
            let rest = length % 8
            return rest == 0 || (other.bytes[whole] ^ address.bytes[whole]) >> UInt8(8 - rest) == 0
        }
    }

    let ranges: [Range]

    func trusts(_ address: ClientAddress) -> Bool { ranges.contains { $0.contains(address) } }

    /// Where a request comes from: the last hop that is no proxy of ours. What stands before it, the client wrote itself.
    ///
    /// | peer | X-Forwarded-For | trusted | client |
    /// | --- | --- | --- | --- |
    /// | 192.0.2.1 | 198.51.100.7 | none | 192.0.2.1 |
    /// | 10.0.0.2 | 6.6.6.6, 198.51.100.7 | 10.0.0.0/8 | 198.51.100.7 |
    /// | 10.0.0.2 | 198.51.100.7, 10.0.0.9 | 10.0.0.0/8 | 198.51.100.7 |
    /// | 10.0.0.2 | nonsense | 10.0.0.0/8 | 10.0.0.2 |
    func client(peer: ClientAddress, forwardedFor fields: [String]) -> ClientAddress {
        guard trusts(peer) else { return peer }
        var client = peer
        // A list that is longer than any chain of proxies was written by somebody else.
        for hop in fields.joined(separator: ",").split(separator: ",").suffix(20).reversed() {
            guard let address = ClientAddress(hop: hop) else { break }
            client = address
            if !trusts(address) { break }
        }
        return client
    }
}
