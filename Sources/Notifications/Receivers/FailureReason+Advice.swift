extension FailureReason {
    /// What to look at, for a person who has just tried a receiver.
    var advice: String {
        switch self {
        case .dns: "its name is not known: is the host of the URL right, and does this machine resolve names?"
        case .refused: "nothing listens there: is the port right?"
        case .unreachable: "there is no way there from this machine: is a firewall, or a proxy, between?"
        case .timeout: "it did not answer in time"
        case .tls: "no secure connection: is its certificate valid for that name?"
        case .reset: "the connection was broken off"
        case .blockedAddress: "its address is private: allow_private_network: true lets this receiver have one"
        case .bodyTooLarge: "its answer is endless: is it a webhook?"
        case .invalidURL: "its URL cannot be called"
        case .transport: "the request failed"
        case .redirect: "it points elsewhere, and redirects are not followed: is the URL right to the letter?"
        case .badRequest: "it refuses the message: does the receiver's type fit the URL?"
        case .unauthorized: "it does not accept the credential: is the URL, or the key, whole and current?"
        case .forbidden: "it refuses us: was the webhook revoked?"
        case .notFound: "there is no such webhook: was it deleted?"
        case .gone: "the webhook is gone for good"
        case .payloadTooLarge: "the message is too long for it"
        case .rateLimited: "it has had too many messages: try again in a while"
        case .clientError: "it refuses the request"
        case .serverError: "it failed itself: try again in a while"
        case .invalidBlocks: "it refuses the form of the message, which would be sent as text alone"
        case .channelGone: "its channel or webhook is gone, or is not allowed to be written to"
        case .unrenderable: "the message could not be made"
        case .undefinedReceiver: "there is no such receiver"
        case .circuitOpen: "it has failed too often, and rests"
        case .unknownOutcome: "nobody knows what came of it"
        }
    }
}
