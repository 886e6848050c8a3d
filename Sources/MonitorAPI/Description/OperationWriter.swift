import HTTPTypes
import Monitoring

/// Writes one operation of the document.
struct OperationWriter {
    private let endpoint: Endpoint
    private let operation: Operation
    private let needsTokens: Bool
    private let reader: SchemaReader

    init(_ endpoint: Endpoint, _ operation: Operation, needsTokens: Bool, reader: SchemaReader) {
        self.endpoint = endpoint
        self.operation = operation
        self.needsTokens = needsTokens
        self.reader = reader
    }

    /// Parts of the path without a description, and descriptions without their part.
    var faults: [String] {
        let parts = Set(endpoint.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) })
        return parts.symmetricDifference(operation.path.map(\.name)).map { "\(operation.id): {\($0)} of the path is not described alike" }
    }

    var json: JSONValue {
        var members: [String: JSONValue] = [
            "operationId": .string(operation.id), "tags": .array([.string(operation.tag.rawValue)]),
            "summary": .string(operation.summary), "responses": .object(responses),
        ]
        if !operation.detail.isEmpty { members["description"] = .string(operation.detail) }
        if endpoint.takesIdempotencyKey {
            members["x-idempotency-key"] = Schema(["$ref": "#/components/parameters/IdempotencyKey"]).json
        }
        if !parameters.isEmpty { members["parameters"] = .array(parameters) }
        if let requestBody { members["requestBody"] = requestBody }
        members["security"] = .array(needsTokens && endpoint.access != .open ? [.object(["token": .array([])])] : [])
        return .object(members)
    }

    // What it takes

    private var parameters: [JSONValue] {
        operation.path.map { Self.parameter($0, in: "path") } + operation.query.map { Self.parameter($0, in: "query") }
            + endpoint.headers.map { Self.parameter($0, in: "header") }
    }

    static func parameter(_ parameter: ParameterDeclaration, in place: String) -> JSONValue {
        .object([
            "name": .string(parameter.name), "in": .string(place), "required": .bool(parameter.isRequired),
            "description": .string(parameter.text),
            "schema":
                (parameter.isRepeatable
                ? .array(of: parameter.schema).with(["maxItems": .integer(Int64(ParameterDeclaration.mostRepetitions))])
                : parameter.schema).json,
            "example": parameter.isRepeatable ? .array([parameter.example]) : parameter.example,
        ])
    }

    private var requestBody: JSONValue? {
        guard endpoint.body == .json else { return nil }
        let required = operation.fields.filter(\.isRequired).map(\.name)
        let properties = Dictionary(
            uniqueKeysWithValues: operation.fields.map { field in
                (field.name, (field.isRequired ? field.schema : field.schema.orNull).with(["description": .string(field.text)]))
            })
        let schema = operation.bodySchema ?? Schema.object(properties, required: required).with(operation.bodyRule)
        var content: [String: JSONValue] = ["schema": schema.json]
        let examples = operation.bodyExamples.isEmpty ? [.object([:])] : operation.bodyExamples
        content["examples"] = .object(
            Dictionary(uniqueKeysWithValues: examples.enumerated().map { ("example\($0 + 1)", .object(["value": $1])) }))
        return .object([
            "required": .bool(!required.isEmpty || operation.requiresBody),
            "content": .object(["application/json": .object(content)]),
        ])
    }

    // What it answers

    private var responses: [String: JSONValue] {
        var responses = problems
        switch operation.answer {
        case .json(let type, let status):
            responses["\(status.code)"] = Self.response(
                type.about, headers: headers, type: "application/json", schema: reader.schema(of: type), example: Self.example(of: type))
        case .list(let type):
            responses["200"] = Self.response(
                type.about, headers: headers, type: "application/json", schema: .array(of: reader.schema(of: type)),
                example: .array([Self.example(of: type)]))
        case .text(let type, let example):
            responses["200"] = Self.response(
                operation.summary, headers: headers, type: type, schema: .text, example: .string(example))
        case .document(let about):
            responses["200"] = Self.response(
                about, headers: headers, type: "application/json", schema: .object, example: .object(["openapi": "3.1.0"]))
        case .events(let type):
            let example = Self.example(of: type)
            responses["200"] = Self.response(
                operation.summary, headers: headers, type: "text/event-stream",
                schema: Schema.text.with([
                    "description": .string("Events; the `data` of each `transition` is a \(type.schemaName)."),
                    "x-event-data": reader.schema(of: type).json,
                ]), example: .string(Self.event(example)))
        case .page:
            responses["200"] = Self.response(
                operation.summary, headers: headers, type: "text/html; charset=utf-8", schema: .text, example: "<!doctype html>…")
        case .empty:
            responses["200"] = .object(["description": .string(operation.summary), "headers": .object(headers)])
        }
        if endpoint.freshness != nil {
            responses["304"] = .object(["description": "The client has it already.", "headers": .object(headers)])
        }
        return responses
    }

    private var headers: [String: JSONValue] {
        var headers = ["X-Request-Id": Self.header("Names the request in the log.", "^.{1,128}$")]
        if endpoint.freshness != nil {
            headers["ETag"] = Self.header("Changes with what the answer says.", "^W/\"[^\"]+\"$")
            headers["Cache-Control"] = Self.header("It may be kept, and is asked about before it is used again.", "^private, no-cache$")
        }
        return headers
    }

    private static func header(_ text: String, _ pattern: String) -> JSONValue {
        .object(["description": .string(text), "required": true, "schema": Schema.text.with(["pattern": .string(pattern)]).json])
    }

    /// By status; where several kinds have one, their schemas and examples stand beside each other.
    private var problems: [String: JSONValue] {
        Dictionary(grouping: endpoint.problems(operation, needsTokens: needsTokens), by: \.kind.status.code).reduce(into: [:]) {
            responses, group in
            let kinds = group.value.map(\.kind).sorted { $0.rawValue < $1.rawValue }
            let schema =
                kinds.count == 1
                ? Schema.reference(kinds[0].schemaName) : Schema(["anyOf": .array(kinds.map { Schema.reference($0.schemaName).json })])
            let examples = group.value.map { problem in
                (problem.kind.rawValue, JSONValue.object(["value": problem.document]))
            }
            responses["\(group.key)"] = .object([
                "description": .string(kinds.map(\.title).joined(separator: "; or: ")),
                "content": .object(
                    operation.answersPages
                        ? ["text/html; charset=utf-8": .object(["schema": Schema.text.json])]
                        : [
                            "application/problem+json": .object([
                                "schema": schema.json, "examples": .object(Dictionary(examples) { first, _ in first }),
                            ])
                        ]),
                "headers": .object(["X-Request-Id": Self.header("Names the request in the log.", "^.{1,128}$")]),
            ])
        }
    }

    private static func response(
        _ text: String, headers: [String: JSONValue], type: String, schema: Schema, example: JSONValue
    ) -> JSONValue {
        .object([
            "description": .string(text), "headers": .object(headers),
            "content": .object([type: .object(["schema": schema.json, "example": example])]),
        ])
    }

    private static func event(_ data: JSONValue) -> String {
        let text = (try? MonitoringJSON.encode(data)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return "id: \(data["position"]?.integer ?? 0)\nevent: transition\ndata: \(text)\n\n"
    }

    private static func example(of type: any Described.Type) -> JSONValue {
        guard let bytes = try? MonitoringJSON.encode(type.example) else { return .null }
        return (try? JSONValue(parsing: String(decoding: bytes, as: UTF8.self))) ?? .null
    }
}
