import WebTransport

/// Why an attempt failed, from a closed list: what is recorded, counted and shown.
enum FailureReason: String, Sendable, Hashable, CaseIterable {
    // The request met no answer.
    case dns, refused, unreachable, timeout, tls, reset
    case blockedAddress = "blocked_address"
    case bodyTooLarge = "body_too_large"
    case invalidURL = "invalid_url"
    case transport
    // The answer was not one of success.
    case redirect
    case badRequest = "bad_request"
    case unauthorized, forbidden
    case notFound = "not_found"
    case gone
    case payloadTooLarge = "payload_too_large"
    case rateLimited = "rate_limited"
    case clientError = "client_error"
    case serverError = "server_error"
    case invalidBlocks = "invalid_blocks"
    case channelGone = "channel_gone"
    // It was never sent.
    case unrenderable
    case undefinedReceiver = "undefined_receiver"
    case circuitOpen = "circuit_open"
    // Nobody knows: the process that made the request died, or did not say in time.
    case unknownOutcome = "unknown_outcome"

    /// Whether it lies with the endpoint rather than with the message: that is what a circuit breaker counts.
    var isOfEndpoint: Bool {
        switch self {
        case .dns, .refused, .unreachable, .timeout, .tls, .reset, .transport, .blockedAddress, .bodyTooLarge, .redirect, .serverError: true
        default: false
        }
    }

    init(_ error: WebTransportError) {
        switch error.code {
        case .dns: self = .dns
        case .refused: self = .refused
        case .unreachable: self = .unreachable
        case .timeout: self = .timeout
        case .tls: self = .tls
        case .reset: self = .reset
        case .blockedAddress: self = .blockedAddress
        case .bodyTooLarge: self = .bodyTooLarge
        case .invalidURL, .unsupportedScheme: self = .invalidURL
        default: self = .transport
        }
    }

    init(status: Int) {
        switch status {
        case 300..<400: self = .redirect
        case 400, 422: self = .badRequest
        case 401: self = .unauthorized
        case 403: self = .forbidden
        case 404: self = .notFound
        case 410: self = .gone
        case 413: self = .payloadTooLarge
        case 429: self = .rateLimited
        case 400..<500: self = .clientError
        default: self = .serverError
        }
    }
}
