import Foundation
import Hummingbird
import Monitoring
import Notifications
import Postgres

/// The buttons of the pages for what is silenced and for what did not get through.
///
/// Whatever comes of a press, the next page says it by how things stand then; loading that again does nothing again.
struct TroubleEndpoints: Sendable {
    /// What a silence's button sends.
    static let end = "end"

    private let silences: SilenceRepository
    private let deliveries: NotificationRepository
    private let gate: Gate
    private let marks: FormMark

    init(client: PostgresClient, gate: Gate, marks: FormMark) {
        silences = SilenceRepository(client: client)
        deliveries = NotificationRepository(client: client)
        self.gate = gate
        self.marks = marks
    }

    var all: [Endpoint] {
        [
            .post("/silences/{id}", body: .form, isPage: true) { try await endSilence($0) },
            .post("/notifications/{id}", body: .form, isPage: true) { try await act($0) },
        ]
    }

    private func endSilence(_ call: Call) async throws -> Response {
        let fields = try fields(of: call)
        guard fields.values["do"] == Self.end else {
            throw Problem(.invalidBody, "What to do must be \(Self.end). Nothing was changed.")
        }
        let id = try call.id()
        guard let silence = try await silences.end(id: id, now: call.now) else {
            throw Problem(.notFound, "There is no silence \(id.uuidString.lowercased()).")
        }
        return Self.redirect("../?ended=\(silence.id)")
    }

    private func act(_ call: Call) async throws -> Response {
        let fields = try fields(of: call)
        guard let deed = MessageDeed(rawValue: fields.values["do"] ?? "") else {
            let allowed = QueryParameters.list(MessageDeed.allCases.map(\.rawValue))
            throw Problem(.invalidBody, "What to do must be \(allowed). Nothing was changed.")
        }
        let id = try call.id()
        let change =
            switch deed {
            case .retry: try await deliveries.retry(id: id)
            case .drop: try await deliveries.drop(id: id)
            }
        guard let record = change?.notification else {
            throw Problem(.notFound, "There is no notification \(id.uuidString.lowercased()).")
        }
        let page = fields.values["from"] == "status" ? "" : "alerts/\(record.alertID.uuidString.lowercased())"
        return Self.redirect("../\(page)?\(deed.rawValue)=\(record.id.uuidString.lowercased())")
    }

    private func fields(of call: Call) throws(Problem) -> FormFields {
        try gate.checkForm(authority: call.request.head.authority, headers: call.request.headers)
        let fields = try LoginEndpoints.fields(of: call)
        try marks.check(fields, call.principal)
        return fields
    }

    private static func redirect(_ location: String) -> Response {
        Response(status: .seeOther, headers: [.location: location, .cacheControl: "no-store"])
    }
}
