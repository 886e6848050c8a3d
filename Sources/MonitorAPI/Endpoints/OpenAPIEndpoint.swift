import Hummingbird
import Monitoring
import NIOCore
import Synchronization

/// GET /openapi.json: what the other endpoints are, itself among them.
enum OpenAPIEndpoint {
    /// Made when somebody asks first, which takes tens of milliseconds that a start does not have.
    ///
    /// - Parameter endpoints: All others.
    static func all(describing endpoints: [Endpoint], needsTokens: Bool) -> [Endpoint] {
        let made = Mutex<ByteBuffer?>(nil)
        return [
            itself {
                try made.withLock { made in
                    if let made { return made }
                    let document = OpenAPIDocument(endpoints + [itself { ByteBuffer() }], needsTokens: needsTokens)
                    let bytes = ByteBuffer(bytes: try MonitoringJSON.encode(document.json))
                    made = bytes
                    return bytes
                }
            }
        ]
    }

    private static func itself(_ bytes: @escaping @Sendable () throws -> ByteBuffer) -> Endpoint {
        .get(
            "/openapi.json", access: .open, freshness: .fixed,
            Operation(
                id: "openapi", tag: .operation, summary: "This document", answer: .document("The description of the API, OpenAPI 3.1."),
                needsDatabase: false)
        ) { _ in Response(status: .ok, headers: [.contentType: "application/json"], body: .init(byteBuffer: try bytes())) }
    }
}
