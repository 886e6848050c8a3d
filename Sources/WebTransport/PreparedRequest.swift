internal import CLibCurl

/// A request that was found fit to be sent, in the form that libcurl takes. A class, since it is handed on several times.
final class PreparedRequest: Sendable {
    /// A longer URL is taken for a mistake.
    static let longestURL = 16 * 1024

    let method: String
    let url: String
    /// Lines for CURLOPT_HTTPHEADER.
    let headerLines: [String]
    let hasUserAgent: Bool
    let body: [UInt8]
    let connectTimeoutMilliseconds: Int
    let timeoutMilliseconds: Int
    let keepBytes: Int
    let maximumBytes: Int
    let addresses: AddressPolicy

    init(_ request: WebRequest) throws(WebTransportError) {
        try Self.check(url: request.url)
        guard HeaderSyntax.isToken(request.method) else { throw WebTransportError(.invalidHeader) }
        for header in request.headers {
            guard HeaderSyntax.isToken(header.name), HeaderSyntax.isValue(header.value),
                !HeaderSyntax.isFraming(header.name)
            else { throw WebTransportError(.invalidHeader) }
        }
        method = request.method
        url = request.url
        headerLines = HeaderSyntax.lines(request.headers)
        hasUserAgent = request.headers.contains { HeaderSyntax.isSame($0.name, "user-agent") }
        body = request.body
        connectTimeoutMilliseconds = Self.milliseconds(request.connectTimeout)
        timeoutMilliseconds = Self.milliseconds(request.timeout)
        keepBytes = max(0, request.keepBytes)
        maximumBytes = max(0, request.maximumBytes)
        addresses = request.addresses
    }

    /// Between 1 ms and an hour: libcurl takes 0 for no timeout at all.
    static func milliseconds(_ duration: Duration) -> Int {
        let held = min(max(duration, .milliseconds(1)), .seconds(3600))
        let (seconds, attoseconds) = held.components
        return max(1, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
    }

    /// Parsed by libcurl, which is what will connect: no second opinion of where the host ends.
    static func check(url: String) throws(WebTransportError) {
        guard !url.isEmpty, url.utf8.count <= longestURL, url.utf8.allSatisfy({ (0x21...0x7e).contains($0) }), let parts = curl_url() else {
            throw WebTransportError(.invalidURL)
        }
        defer { curl_url_cleanup(parts) }
        guard curl_url_set(parts, CURLUPART_URL, url, UInt32(CURLU_NON_SUPPORT_SCHEME)) == CURLUE_OK else {
            throw WebTransportError(.invalidURL)
        }
        guard let scheme = part(CURLUPART_SCHEME, of: parts) else { throw WebTransportError(.invalidURL) }
        guard HeaderSyntax.isSame(scheme, "http") || HeaderSyntax.isSame(scheme, "https") else {
            throw WebTransportError(.unsupportedScheme)
        }
        guard let host = part(CURLUPART_HOST, of: parts), !host.isEmpty else { throw WebTransportError(.invalidURL) }
        for credential in [CURLUPART_USER, CURLUPART_PASSWORD] where part(credential, of: parts) != nil {
            // Decoding fails where an escape stands for a control character.
            guard part(credential, of: parts, flags: UInt32(CURLU_URLDECODE)) != nil else { throw WebTransportError(.invalidURL) }
        }
    }

    private static func part(_ which: CURLUPart, of parts: OpaquePointer, flags: UInt32 = 0) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(parts, which, &text, flags) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }
}

extension PreparedRequest: CustomStringConvertible {
    /// Method and size; neither the URL nor headers, which may be secret.
    var description: String { "PreparedRequest(method: \(method), body: \(body.count) bytes)" }
}
