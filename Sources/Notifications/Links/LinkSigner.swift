import Crypto
public import Foundation

/// Makes the tokens of the links in messages, and reads them.
///
/// A token is base64url, without padding, of
///
/// | bytes | |
/// | --- | --- |
/// | 1 | version: 1 for an alert, 2 for a message |
/// | 1 + n | length and name of the key |
/// | 1 | action: 1 acknowledge, 2 resolve, 3 open, 4 snooze |
/// | 16 | the alert's id, or the message's |
/// | 5 | expiry, seconds since 1970, big-endian |
/// | 1 + n | length and name of the receiver, at most 48 bytes |
/// | 32 | HMAC-SHA256 of all before it |
///
/// That is 102 characters for an 8-byte key name and a 12-byte receiver, and 163 at most. The same claim gives the same token.
public struct LinkSigner: Sendable {
    let keys: [LinkKey]
    /// With the key taken in, which each token begins from.
    private let signing: HMAC<SHA256>

    /// - Parameter keys: The first signs, all verify; not empty.
    public init(keys: [LinkKey]) {
        precondition(!keys.isEmpty, "a signer has a key")
        self.keys = keys
        signing = HMAC(key: SymmetricKey(data: keys[0].secret))
    }

    /// The token of a claim.
    public func token(for claim: LinkClaim) -> String {
        let key = keys[0]
        let receiver = Array(claim.receiver.utf8.prefix(48))
        let expiry = UInt64(max(0, min(claim.expiresAt.timeIntervalSince1970, 1_099_511_627_775)))
        var bytes: [UInt8] = [Self.version(of: claim.subject), UInt8(key.id.utf8.count)] + Array(key.id.utf8)
        bytes.append(Self.byte(of: claim.action))
        withUnsafeBytes(of: claim.subject.id.uuid) { bytes += Array($0) }
        for shift in [32, 24, 16, 8, 0] as [UInt64] { bytes.append(UInt8(truncatingIfNeeded: expiry >> shift)) }
        bytes.append(UInt8(receiver.count))
        bytes += receiver
        var signature = signing
        signature.update(data: bytes)
        bytes += signature.finalize()
        return Base64URL.encode(bytes)
    }

    /// What a token allows.
    ///
    /// - Throws: `LinkError`; a token is looked at no further than its signature holds.
    public func verify(_ token: String, at moment: Date) throws(LinkError) -> LinkClaim {
        guard token.utf8.count <= 256, let bytes = Base64URL.decode(token), bytes.count > 34 else { throw .malformed }
        guard bytes[0] == 1 || bytes[0] == 2 else { throw .malformed }
        let signed = bytes.dropLast(32)
        var reader = signed.dropFirst()
        guard let keyID = Self.text(&reader) else { throw .malformed }
        let candidates = keys.filter { $0.id == keyID }
        guard !candidates.isEmpty else { throw .unknownKey }
        let isSigned = candidates.contains { key in
            HMAC<SHA256>.isValidAuthenticationCode(bytes.suffix(32), authenticating: signed, using: SymmetricKey(data: key.secret))
        }
        guard isSigned else { throw .badSignature }
        guard reader.count >= 23, let action = Self.actions[reader.removeFirst()] else { throw .malformed }
        let id = Array(reader.prefix(16))
        let expiry = reader.dropFirst(16).prefix(5).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        reader = reader.dropFirst(21)
        guard let receiver = Self.text(&reader), reader.isEmpty else { throw .malformed }
        let uuid = UUID(uuid: id.withUnsafeBytes { $0.loadUnaligned(as: uuid_t.self) })
        let claim = LinkClaim(
            action: action, subject: bytes[0] == 1 ? .alert(uuid) : .message(uuid), receiver: receiver,
            expiresAt: Date(timeIntervalSince1970: Double(expiry)))
        guard moment < claim.expiresAt else { throw .expired(claim) }
        return claim
    }

    private static let actions = Dictionary(uniqueKeysWithValues: LinkClaim.Action.allCases.map { (byte(of: $0), $0) })

    private static func byte(of action: LinkClaim.Action) -> UInt8 {
        switch action {
        case .acknowledge: 1
        case .resolve: 2
        case .open: 3
        case .snooze: 4
        }
    }

    private static func version(of subject: LinkClaim.Subject) -> UInt8 {
        switch subject {
        case .alert: 1
        case .message: 2
        }
    }

    /// A length and as many bytes of UTF-8.
    private static func text(_ bytes: inout ArraySlice<UInt8>) -> String? {
        guard let length = bytes.popFirst(), bytes.count >= Int(length) else { return nil }
        defer { bytes = bytes.dropFirst(Int(length)) }
        return String(validating: bytes.prefix(Int(length)), as: UTF8.self)
    }
}
