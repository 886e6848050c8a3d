import Foundation
import HTTPTypes
import Hummingbird
import Monitoring
import NIOCore

/// An error as clients see it: RFC 9457 problem details. Its text is for them; it holds no secret and no word of the database.
struct Problem: Error, Sendable, Hashable {
    /// The kinds. Their raw values are part of the API.
    enum Kind: String, Sendable, Hashable, CaseIterable {
        case malformed = "malformed-request"
        case invalidParameter = "invalid-parameter"
        case unknownParameter = "unknown-parameter"
        case invalidBody = "invalid-body"
        case unauthenticated
        case forbidden
        case notFound = "not-found"
        case methodNotAllowed = "method-not-allowed"
        case transitionForbidden = "transition-forbidden"
        case notificationSettled = "notification-settled"
        case contradiction
        case keyReused = "idempotency-key-reused"
        case keyInUse = "idempotency-key-in-use"
        case linkExpired = "link-expired"
        case bodyTooLarge = "body-too-large"
        case bodyTimeout = "body-timeout"
        case unsupportedMediaType = "unsupported-media-type"
        case misdirected
        case tooManyFailures = "too-many-failures"
        case tooManyAlerts = "too-many-alerts"
        case tooManyConnections = "too-many-connections"
        case headerTooLarge = "header-too-large"
        case internalError = "internal-error"
        case methodUnknown = "method-unknown"
        case unavailable

        var status: HTTPResponse.Status {
            switch self {
            case .malformed, .invalidParameter, .unknownParameter, .invalidBody: .badRequest
            case .unauthenticated: .unauthorized
            case .forbidden: .forbidden
            case .notFound: .notFound
            case .methodNotAllowed: .methodNotAllowed
            case .transitionForbidden, .notificationSettled, .contradiction, .keyInUse: .conflict
            case .keyReused: .unprocessableContent
            case .linkExpired: .gone
            case .bodyTooLarge: .contentTooLarge
            case .bodyTimeout: .requestTimeout
            case .unsupportedMediaType: .unsupportedMediaType
            case .misdirected: .misdirectedRequest
            case .tooManyFailures, .tooManyAlerts: .tooManyRequests
            case .tooManyConnections: .serviceUnavailable
            case .headerTooLarge: .requestHeaderFieldsTooLarge
            case .internalError: .internalServerError
            case .methodUnknown: .notImplemented
            case .unavailable: .serviceUnavailable
            }
        }

        var title: String {
            switch self {
            case .malformed: "The request is not well-formed HTTP"
            case .invalidParameter: "A parameter has a value that is not allowed"
            case .unknownParameter: "There is no such parameter"
            case .invalidBody: "The body is not what is expected"
            case .unauthenticated: "A token is needed"
            case .forbidden: "That is not allowed"
            case .notFound: "There is nothing here"
            case .methodNotAllowed: "That method is not for this path"
            case .transitionForbidden: "The alert cannot do that from where it stands"
            case .notificationSettled: "The notification is past that"
            case .contradiction: "The values do not fit each other, or not the present"
            case .keyReused: "The idempotency key was used for another request"
            case .keyInUse: "The first request with this idempotency key is still being served"
            case .linkExpired: "This link is no longer valid"
            case .bodyTooLarge: "The body is too large"
            case .bodyTimeout: "The body did not come in time"
            case .unsupportedMediaType: "The body has a type that is not taken here"
            case .tooManyFailures: "Too many failures"
            case .tooManyAlerts: "Too many alerts stand"
            case .tooManyConnections: "Too many connections"
            case .headerTooLarge: "The request's header is too large"
            case .misdirected: "This host name is not served here"
            case .internalError: "Something went wrong"
            case .methodUnknown: "There is no such method"
            case .unavailable: "The monitor cannot answer at the moment"
            }
        }
    }

    var kind: Kind
    /// A sentence for people: what was wrong, and what is allowed.
    var detail: String
    /// Further members, for programs.
    var members: [String: JSONValue] = [:]
    var headers = HTTPFields()

    init(_ kind: Kind, _ detail: String, members: [String: JSONValue] = [:], headers: HTTPFields = HTTPFields()) {
        self.kind = kind
        self.detail = detail
        self.members = members
        self.headers = headers
    }

    /// What programs tell problems apart by.
    var type: String { kind.type }

    /// Of one that says why the service is not ready: why, in a word. Whoever asks that asks again and again.
    var reason: String? { members["reason"]?.string }

    /// The answer.
    func response() -> Response {
        let (head, body) = parts()
        return Response(status: head.status, headers: head.headerFields, body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }

    /// The answer as Alertmanager gives it: a JSON text. Its clients know no 409.
    ///
    /// - Parameter endsSilence: Whether a silence was to end. Clients of Alertmanager 0.25 know 500 alone for one that is not there.
    func alertmanagersResponse(endsSilence: Bool) -> Response {
        var response = self.response()
        var words = detail
        if response.status == .conflict { response.status = .badRequest }
        if endsSilence, kind == .notFound {
            response.status = .internalServerError
            words = "silence not found"
        }
        response.headers[.contentType] = "application/json"
        response.body = .init(byteBuffer: ByteBuffer(string: (try? MonitoringJSON.quoted(words)) ?? "\"\""))
        return response
    }

    /// The answer's head and body.
    func parts() -> (head: HTTPResponse, body: [UInt8]) {
        var fields = headers
        fields[.contentType] = "application/problem+json"
        fields[.cacheControl] = "no-store"
        let bytes = (try? MonitoringJSON.encode(document)) ?? Array("{}".utf8)
        return (HTTPResponse(status: kind.status, headerFields: fields), bytes)
    }
}
