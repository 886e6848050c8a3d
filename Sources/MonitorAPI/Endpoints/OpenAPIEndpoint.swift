import Hummingbird
import Monitoring
import NIOCore

/// GET /openapi.json: what the other endpoints are, itself among them.
enum OpenAPIEndpoint {
    /// - Parameter endpoints: All others.
    static func all(describing endpoints: [Endpoint], needsTokens: Bool) throws -> [Endpoint] {
        let bytes = ByteBuffer(
            bytes: try MonitoringJSON.encode(OpenAPIDocument(endpoints + [itself(ByteBuffer())], needsTokens: needsTokens).json))
        return [itself(bytes)]
    }

    private static func itself(_ bytes: ByteBuffer) -> Endpoint {
        .get(
            "/openapi.json", access: .open, freshness: .fixed,
            Operation(
                id: "openapi", tag: .operation, summary: "This document", answer: .document("The description of the API, OpenAPI 3.1."),
                needsDatabase: false)
        ) { _ in Response(status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: bytes)) }
    }
}
