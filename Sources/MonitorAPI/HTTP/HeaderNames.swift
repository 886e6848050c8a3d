import HTTPTypes

extension HTTPField.Name {
    static let requestID = HTTPField.Name("X-Request-Id")!
    /// Of which the first is the request's authority.
    static let secondHost = HTTPField.Name("Host")!
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
    static let idempotencyReplayed = HTTPField.Name("Idempotency-Replayed")!
    static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
    static let robotsTag = HTTPField.Name("X-Robots-Tag")!
    static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")!
    static let secFetchMode = HTTPField.Name("Sec-Fetch-Mode")!
    static let crossOriginOpenerPolicy = HTTPField.Name("Cross-Origin-Opener-Policy")!
    static let frameOptions = HTTPField.Name("X-Frame-Options")!
    static let slackSignature = HTTPField.Name("X-Slack-Signature")!
    static let slackTimestamp = HTTPField.Name("X-Slack-Request-Timestamp")!
    static let forwardedFor = HTTPField.Name("X-Forwarded-For")!
    static let lastEventID = HTTPField.Name("Last-Event-ID")!
    static let accelBuffering = HTTPField.Name("X-Accel-Buffering")!
    /// What a proxy says of the client; X-Forwarded-For alone is believed, and that from configured proxies.
    static let forwarding = ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"].map {
        HTTPField.Name($0)!
    }
}
