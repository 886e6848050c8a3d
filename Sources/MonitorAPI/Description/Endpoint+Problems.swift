import HTTPTypes
import Monitoring

extension Endpoint {
    /// Headers of requests that mean something to it.
    ///
    /// Without Idempotency-Key: a value that is made up for it names a request, and with another body is rightly refused, so a
    /// generator of requests had better not make one up. The operation refers to its description.
    var headers: [ParameterDeclaration] { (freshness != nil ? [.ifNoneMatch] : []) + (operation?.headers ?? []) }

    /// Whether a POST can be sent again without being done again.
    var takesIdempotencyKey: Bool { method == .post && body == .json && operation != nil && !keepsKeysItself }

    /// What can go wrong, as far as the listener tells: each kind with an example.
    func problems(_ operation: Operation, needsTokens: Bool) -> [Problem] {
        var problems = operation.problems.map { Problem($0.key, $0.value, members: $0.key.exampleMembers) }
        func add(_ kind: Problem.Kind) {
            if !problems.contains(where: { $0.kind == kind }) { problems.append(kind.example) }
        }
        add(.malformed)
        add(.headerTooLarge)
        if !isLenient { add(.unknownParameter) }
        if method != .get {
            add(.bodyTooLarge)
            add(.bodyTimeout)
        }
        add(.forbidden)
        if needsTokens {
            if access != .open {
                add(.unauthenticated)
                add(.tooManyFailures)
            }
        } else {
            add(.misdirected)
        }
        if !operation.query.isEmpty || operation.path.contains(where: { $0.name == "id" }) { add(.invalidParameter) }
        if body == .json { add(.unsupportedMediaType) }
        if method != .get { add(.invalidBody) }
        if takesIdempotencyKey {
            add(.invalidParameter)
            add(.keyReused)
            add(.keyInUse)
        }
        if operation.needsDatabase {
            add(.unavailable)
            add(.internalError)
        }
        if needsTokens, access == .open { problems.removeAll { $0.kind == .forbidden } }
        return problems
    }
}

extension ParameterDeclaration {
    static let ifNoneMatch = ParameterDeclaration(
        name: "If-None-Match", text: "The ETag of an answer that the client has.", schema: .text, example: "W/\"q83vEjRWeJCrze8SNFZ4\""
    ) { _ throws(Problem) in }

    static let idempotencyKey = ParameterDeclaration(
        name: "Idempotency-Key", text: "Names what is asked for: sent again within a day, it is not done again.",
        schema: Schema.text.with(["minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"]), example: "8e03978e-40d5-43e8-bc93-6894a57f9324"
    ) { given throws(Problem) in
        guard (1...255).contains(given.utf8.count), given.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw QueryParameters.refusal("Idempotency-Key", given, allowed: "1 to 255 printable ASCII characters without spaces")
        }
    }
}
