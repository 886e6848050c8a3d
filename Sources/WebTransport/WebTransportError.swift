/// Why a request brought no answer. Nothing in it holds the URL, a header or a body.
public struct WebTransportError: Error, Sendable, Hashable {
    /// The reasons there are. The raw values are stable and fit for a database or a metric's label.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The URL is not an absolute ASCII URL with a host, or is too long.
        case invalidURL = "invalid_url"
        /// The URL is neither http nor https.
        case unsupportedScheme = "unsupported_scheme"
        /// The method, or a header's name or value, holds what must not be sent.
        case invalidHeader = "invalid_header"
        /// The name could not be looked up.
        case dns
        /// Nothing listens at the address.
        case refused
        /// There is no way to the address.
        case unreachable
        /// The connect timeout or the whole timeout passed.
        case timeout
        /// The handshake failed, or the certificate is not to be trusted.
        case tls
        /// The connection broke before the answer was complete.
        case reset
        /// The address policy forbids the address.
        case blockedAddress = "blocked_address"
        /// The answer's body was longer than the request allows.
        case bodyTooLarge = "body_too_large"
        /// What came back is not HTTP, or its headers are too long.
        case invalidResponse = "invalid_response"
        /// Too many requests wait, or this one waited too long for its turn; nothing was sent.
        case busy
        /// The task was cancelled. The request may have been sent.
        case cancelled
        /// The transport was closed. The request may have been sent.
        case closed
        /// Anything else; `transportCode` tells more.
        case other
    }

    /// The reason.
    public var code: Code
    /// How far it came: phases not reached are zero.
    public var timings: WebTimings
    /// The numeric address connected to or last tried; nil when there was none yet.
    public var remoteAddress: String?
    /// The status, when the answer had begun.
    public var status: Int?
    /// libcurl's own number (CURLcode), when the reason came from it.
    public var transportCode: Int?

    /// An error with the given parts.
    public init(
        _ code: Code, timings: WebTimings = WebTimings(), remoteAddress: String? = nil, status: Int? = nil, transportCode: Int? = nil
    ) {
        self.code = code
        self.timings = timings
        self.remoteAddress = remoteAddress
        self.status = status
        self.transportCode = transportCode
    }

    /// Whether the same request may succeed later; false where the request itself or the policy is at fault.
    public var isRetryable: Bool {
        switch code {
        case .invalidURL, .unsupportedScheme, .invalidHeader, .blockedAddress, .bodyTooLarge: false
        case .dns, .refused, .unreachable, .timeout, .tls, .reset, .invalidResponse, .busy, .cancelled, .closed, .other: true
        }
    }
}

extension WebTransportError: CustomStringConvertible {
    /// The reason's raw value, the address and libcurl's number, such as `refused (192.0.2.7, code 7)`.
    public var description: String {
        let details = [remoteAddress, transportCode.map { "code \($0)" }].compactMap { $0 }
        return details.isEmpty ? code.rawValue : "\(code.rawValue) (\(details.joined(separator: ", ")))"
    }
}
