import HTTPTypes
import Hummingbird
import Monitoring
import NIOCore

extension Response {
    /// An answer of the API.
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        Response(
            status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(bytes: try MonitoringJSON.encode(value))))
    }

    static func text(_ text: String, type: String, cacheControl: String = "no-store") -> Response {
        Response(
            status: .ok, headers: [.contentType: type, .cacheControl: cacheControl], body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}
