import Foundation
import HTTPTypes
import Hummingbird
import Monitoring
import Notifications
import Postgres

/// The links of messages: GET and HEAD show, whoever sends them, and change nothing; POST does.
struct LinkEndpoints: Sendable {
    private let alerts: AlertRepository
    private let charts: AlertCharts
    private let alertPages: AlertPages
    private let signer: LinkSigner
    private let pages: PageRenderer
    private let gate: Gate
    private let publicPath: String
    private let isSecure: Bool

    init(client: PostgresClient, signer: LinkSigner, configuration: ListenerConfiguration, pages: PageRenderer) {
        alerts = AlertRepository(client: client)
        charts = AlertCharts(client: client)
        alertPages = AlertPages(client: client, pages: pages)
        self.signer = signer
        self.pages = pages
        gate = Gate(configuration)
        publicPath = configuration.publicPath
        isSecure = configuration.isPublicURLSecure
    }

    var all: [Endpoint] {
        [
            .get("/a/{token}", access: .open, isPage: true) { try await show($0) },
            .post("/a/{token}", access: .open, body: .form, isPage: true) { try await act($0) },
        ]
    }

    private func show(_ call: Call) async throws -> Response {
        let claim = try claim(of: call)
        let alert = try await alert(of: claim)
        guard let action = claim.action.alertAction else { return try await alertPages.page(of: alert, now: call.now, leadsHome: false) }
        return try await page(alert, action, claim, call, outcome: LinkOutcome.standing(action, alert, now: call.now))
    }

    private func act(_ call: Call) async throws -> Response {
        try gate.checkForm(authority: call.request.head.authority, headers: call.request.headers)
        let claim = try claim(of: call)
        guard let action = claim.action.alertAction else {
            throw Problem(.methodNotAllowed, "This link shows an alert. Nothing was changed.", headers: [.allow: "GET, HEAD, OPTIONS"])
        }
        let form: FormFields
        do {
            form = try FormFields(String(decoding: call.body, as: UTF8.self))
        } catch {
            throw Problem(.invalidBody, "The form could not be read.")
        }
        let name = try PlainText.check(form.values["name"] ?? "", maximum: ActionOrder.maximumName, multiline: false).get {
            Problem(.invalidBody, "Your name must be \($0).")
        }
        let note = try PlainText.check(form.values["note"] ?? "", maximum: ActionOrder.maximumNote, multiline: true).get {
            Problem(.invalidBody, "Your note must be \($0).")
        }
        let actor = name ?? "Somebody from \(claim.receiver)"
        var outcome: LinkOutcome
        var alert: Alert
        do {
            let result = try await alerts.perform(
                action, on: alertID(of: claim), actor: actor, credential: "link:\(claim.receiver)", note: note, at: call.now)
            alert = result.alert
            outcome =
                result.changed
                ? LinkOutcome.done(action, by: name) : LinkOutcome.standing(action, alert, now: call.now, changedNothing: true)
        } catch let error as MonitoringError where error.code == .transitionForbidden {
            alert = try await self.alert(of: claim)
            outcome = LinkOutcome.standing(action, alert, now: call.now, changedNothing: true)
            outcome.status = .conflict
        }
        outcome.offersForm = false
        var response = try await page(alert, action, claim, call, outcome: outcome)
        if let name { response.headers[.setCookie] = NameCookie.header(name, under: publicPath, isSecure: isSecure) }
        return response
    }

    /// What the link stands for.
    private func claim(of call: Call) throws(Problem) -> LinkClaim {
        do {
            return try signer.verify(call.part("token"), at: call.now)
        } catch .expired(let claim) {
            throw Problem(
                .linkExpired,
                "It was valid until \(Wording.moment(claim.expiresAt, now: call.now)) UTC. Nothing was changed. "
                    + "A newer message about the alert has a link that works.")
        } catch {
            throw Problem(.notFound, "This link is not one of ours, or it was cut short on its way. Nothing was changed.")
        }
    }

    private func alertID(of claim: LinkClaim) throws(Problem) -> UUID {
        guard case .alert(let id) = claim.subject else {
            throw Problem(.notFound, "The message that this link is about is no longer kept.")
        }
        return id
    }

    private func alert(of claim: LinkClaim) async throws -> Alert {
        guard let alert = try await alerts.alert(id: try alertID(of: claim)) else {
            throw Problem(.notFound, "The alert that this link is about is no longer kept.")
        }
        return alert
    }

    private func page(
        _ alert: Alert, _ action: AlertAction, _ claim: LinkClaim, _ call: Call, outcome: LinkOutcome
    ) async throws -> Response {
        let card = AlertCard(alert, now: call.now)
        let body = pages.render(
            .link,
            LinkPage(
                markHTML: Brand.mark, card: card, hasHeadline: !outcome.headline.isEmpty, headline: outcome.headline,
                detail: outcome.detail, isGood: outcome.isGood,
                chartHTML: try await charts.chart(of: alert, now: call.now), offersForm: outcome.offersForm,
                button: Wording.sentence(action.rawValue), consequence: LinkOutcome.consequence(of: action),
                receiver: claim.receiver, name: NameCookie.name(in: call.request.headers[.cookie]) ?? "",
                maximumName: ActionOrder.maximumName, maximumNote: ActionOrder.maximumNote))
        return PageFrame(title: "\(card.title) · torq-monitor", tone: alert.tone, root: "../", body: body).response(status: outcome.status)
    }
}

extension LinkClaim.Action {
    /// What a POST to its link does; nil where it does nothing.
    fileprivate var alertAction: AlertAction? {
        switch self {
        case .open, .snooze: nil
        case .acknowledge: .acknowledge
        case .resolve: .resolve
        }
    }
}

/// What the page of a link shows.
struct LinkPage: Sendable {
    let markHTML: String
    let card: AlertCard
    let hasHeadline: Bool
    /// What happened, or how things are; empty where the button says it all.
    let headline: String
    let detail: String
    let isGood: Bool
    let chartHTML: String
    let offersForm: Bool
    let button: String
    let consequence: String
    let receiver: String
    let name: String
    let maximumName: Int
    let maximumNote: Int
}
