import Crypto

extension LinkSigner {
    /// The code that a page's form carries: base64url of HMAC-SHA256, 43 characters.
    ///
    /// - Parameter binding: Whom the page was made for: a session, a token.
    public func formMark(for binding: String) -> String {
        Base64URL.encode(Array(HMAC<SHA256>.authenticationCode(for: Self.message(binding), using: SymmetricKey(data: keys[0].secret))))
    }

    /// Whether one of the keys made `mark` for that binding; takes the same time for any of the right length.
    public func isFormMark(_ mark: String, for binding: String) -> Bool {
        guard mark.utf8.count <= 64, let code = Base64URL.decode(mark) else { return false }
        return keys.contains { key in
            HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: Self.message(binding), using: SymmetricKey(data: key.secret))
        }
    }

    /// Begins with what no link's token does.
    private static func message(_ binding: String) -> [UInt8] { Array("torq-monitor form\n\(binding)".utf8) }
}
