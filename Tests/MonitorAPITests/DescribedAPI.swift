import Foundation
import Monitoring
import Testing

/// The document as the running service gives it, by operation.
struct DescribedAPI {
    /// One operation.
    struct Operation {
        var id: String
        var method: String
        var path: String
        var json: JSONValue

        var parameters: [JSONValue] { json["parameters"]?.array ?? [] }
        var takesBody: Bool { json["requestBody"] != nil }

        /// The schema of a status and media type; nil where that is not described.
        func schema(_ status: Int, _ type: String) -> JSONValue? { json["responses"]?["\(status)"]?["content"]?[type]?["schema"] }

        func isDescribed(_ status: Int) -> Bool { json["responses"]?["\(status)"] != nil }

        /// Kinds of problems that are described, by their names in the type.
        func problems(_ checker: SchemaChecker) -> Set<String> {
            guard case .object(let responses) = json["responses"] else { return [] }
            return Set(
                responses.values.compactMap { $0["content"]?["application/problem+json"]?["schema"] }
                    .flatMap { schema in schema["anyOf"]?.array ?? [schema] }
                    .compactMap { schema in
                        schema["$ref"]?.string.flatMap { checker.resolved($0)["properties"]?["type"]?["const"]?.string }
                    })
        }
    }

    let checker: SchemaChecker
    /// Those that answer and are done.
    let operations: [Operation]
    /// The one that goes on.
    let stream: Operation?

    init(_ listener: Listener) async throws {
        let answer = try await listener.send("GET", "/openapi.json")
        try #require(answer.status == 200)
        let document = try JSONValue(parsing: answer.text)
        checker = SchemaChecker(document: document)
        guard case .object(let paths) = document["paths"] else {
            operations = []
            stream = nil
            return
        }
        let all = paths.sorted { $0.key < $1.key }.flatMap { path, methods -> [Operation] in
            guard case .object(let methods) = methods else { return [] }
            return methods.sorted { $0.key < $1.key }.map { method, json in
                Operation(id: json["operationId"]?.string ?? "", method: method.uppercased(), path: path, json: json)
            }
        }
        operations = all.filter { $0.schema(200, "text/event-stream") == nil }
        stream = all.first { $0.schema(200, "text/event-stream") != nil }
    }
}
