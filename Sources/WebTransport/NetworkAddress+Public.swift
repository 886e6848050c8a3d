extension NetworkAddress {
    /// The leading bits that the addresses of a block share.
    struct Block: Sendable, Hashable {
        let prefix: [UInt8]
        let bits: Int

        init(_ prefix: [UInt8], _ bits: Int) {
            self.prefix = prefix
            self.bits = bits
        }

        /// Whether the address, of the same family, is in the block.
        func contains(_ bytes: [UInt8]) -> Bool {
            let whole = bits / 8
            guard bytes.prefix(whole).elementsEqual(prefix.prefix(whole)) else { return false }
            let rest = bits % 8
            guard rest > 0 else { return true }
            return bytes[whole] >> (8 - rest) == prefix[whole] >> (8 - rest)
        }
    }

    /// Blocks of IPv4 that are not public unicast (IANA's special-purpose registry, and multicast).
    private static let reservedV4 = [
        Block([0], 8),  // this network; Linux takes 0.0.0.0 for itself
        Block([10], 8),  // private
        Block([100, 64], 10),  // shared by carriers (CGNAT)
        Block([127], 8),  // loopback
        Block([169, 254], 16),  // link-local, and the metadata services of clouds
        Block([172, 16], 12),  // private
        Block([192, 0, 0], 24),  // protocol assignments
        Block([192, 0, 2], 24),  // documentation
        Block([192, 88, 99], 24),  // 6to4 relays
        Block([192, 168], 16),  // private
        Block([198, 18], 15),  // benchmarks
        Block([198, 51, 100], 24),  // documentation
        Block([203, 0, 113], 24),  // documentation
        Block([224], 4),  // multicast
        Block([240], 4),  // reserved, and broadcast
    ]

    /// The only block of IPv6 from which global unicast addresses are given out. Outside it lie the unspecified address, loopback,
    /// mapped and NAT64 forms of IPv4, discard, unique local, link-local and multicast.
    private static let globalV6 = Block([0x20], 3)

    /// Blocks within `globalV6` that are not public unicast.
    private static let reservedV6 = [
        Block([0x20, 0x01, 0x00], 23),  // protocol assignments: Teredo, benchmarks, ORCHID
        Block([0x20, 0x01, 0x0d, 0xb8], 32),  // documentation
        Block([0x20, 0x02], 16),  // 6to4, which leads to any IPv4 address
        Block([0x3f, 0xff, 0x00], 20),  // documentation
    ]

    /// Whether the address is one of the public internet's.
    var isPublic: Bool {
        if bytes.count == 4 { return !Self.reservedV4.contains { $0.contains(bytes) } }
        return Self.globalV6.contains(bytes) && !Self.reservedV6.contains { $0.contains(bytes) }
    }
}
