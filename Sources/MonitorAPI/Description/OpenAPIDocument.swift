import HTTPTypes
import Monitoring

/// The description of the API, OpenAPI 3.1, made of the endpoints that the router has.
struct OpenAPIDocument {
    /// Whole: what `/openapi.json` answers.
    let json: JSONValue
    /// What is not described, or described and not there; none in a document that is whole.
    let faults: [String]

    /// - Parameter needsTokens: Whether the listener has tokens; without, it lets in whoever reaches its loopback address.
    init(_ endpoints: [Endpoint], needsTokens: Bool) {
        let reader = SchemaReader()
        var faults: [String] = []
        var paths: [String: JSONValue] = [:]
        for (path, group) in Dictionary(grouping: endpoints, by: \.path) {
            var methods: [String: JSONValue] = [:]
            for endpoint in group {
                guard let operation = endpoint.operation else {
                    faults.append("\(endpoint.method.rawValue) \(path) is not described")
                    continue
                }
                let writer = OperationWriter(endpoint, operation, needsTokens: needsTokens, reader: reader)
                methods[endpoint.method.rawValue.lowercased()] = writer.json
                faults += writer.faults
            }
            if !methods.isEmpty { paths[path] = .object(methods) }
        }
        var schemas = reader.components.mapValues(\.json)
        for kind in Problem.Kind.allCases { schemas[kind.schemaName] = kind.schema.json }
        var components: [String: JSONValue] = [
            "schemas": .object(schemas),
            "parameters": .object(["IdempotencyKey": OperationWriter.parameter(.idempotencyKey, in: "header")]),
        ]
        if needsTokens {
            components["securitySchemes"] = .object([
                "token": .object([
                    "type": "http", "scheme": "bearer",
                    "description": "A token of `listener.tokens`: scope `read` for what reads, `write` for everything.",
                ])
            ])
        }
        json = .object([
            "openapi": "3.1.0",
            "info": .object([
                "title": "torq-monitor", "version": "1.0.0", "summary": "Watches what LLM agents do, and tells when they get worse.",
                "description": .string(Self.introduction),
            ]),
            "servers": .array([.object(["url": "/", "description": "Where this document was fetched from."])]),
            "tags": .array(
                Operation.Tag.allCases.map { .object(["name": .string($0.rawValue), "description": .string($0.about)]) }),
            "paths": .object(paths), "components": .object(components),
        ])
        self.faults = faults + reader.faults
    }

    private static var introduction: String {
        let problems = Problem.Kind.allCases.map { "| `\($0.type)` | \($0.status.code) | \($0.title) |" }.joined(separator: "\n")
        return """
            Times are RFC 3339 in UTC with a `Z`, dates `YYYY-MM-DD`, numbers JSON numbers. What is sent is checked: unknown parameters \
            and fields, and values that are not allowed, are refused with the allowed ones named. A field that is null counts as absent.

            Answers of what reads carry an ETag; with `If-None-Match` they are 304 where nothing has changed. An answer is at most a \
            second old, and whoever writes reads what they wrote. Bodies of 512 bytes and more are compressed where `Accept-Encoding` asks for gzip.

            A list has a `limit` and a `next_cursor`, which is the `cursor` of the next page: a place in the order of the list, so that \
            what comes or goes meanwhile neither repeats nor skips anything.

            A POST with a JSON body may carry an `Idempotency-Key` (see `components.parameters`): sent again within a day with the same body, it is not done again, and gets the \
            first one's answer with the header `Idempotency-Replayed: true`.

            Errors are RFC 9457 `application/problem+json`; programs tell them apart by their `type`:

            | type | status | title |
            | --- | --- | --- |
            \(problems)
            """
    }
}
