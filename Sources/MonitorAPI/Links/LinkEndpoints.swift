import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Monitoring
import Notifications
import Postgres

/// The links of messages: GET and HEAD show, whoever sends them, and change nothing; POST does.
struct LinkEndpoints: Sendable {
    /// So long may a press on the button of a message with many alerts take; what is not done by then is said.
    private static let patience = Duration.seconds(25)

    private let work: LinkWork
    private let charts: AlertCharts
    private let alertPages: AlertPages
    private let signer: LinkSigner
    private let pages: PageRenderer
    private let gate: Gate
    private let failures: FailureLimit
    private let publicPath: String
    private let isSecure: Bool

    init(client: PostgresClient, signer: LinkSigner, configuration: ListenerConfiguration, failures: FailureLimit, pages: PageRenderer) {
        work = LinkWork(client: client)
        charts = AlertCharts(client: client)
        alertPages = AlertPages(client: client, pages: pages)
        self.signer = signer
        self.pages = pages
        gate = Gate(configuration)
        self.failures = failures
        publicPath = configuration.publicPath
        isSecure = configuration.isPublicURLSecure
    }

    var all: [Endpoint] {
        [
            .get("/a/{token}", access: .open, isPage: true) { try await show($0) },
            .post("/a/{token}", access: .open, body: .form, isPage: true, deadline: .seconds(40)) { try await act($0) },
        ]
    }

    private func show(_ call: Call) async throws -> Response {
        let claim = try claim(of: call)
        let subject = try await subject(of: claim)
        let action = claim.action.alertAction
        if subject.total > 1 {
            return try groupPage(subject, claim, call, GroupOutcome.standing(action, subject.alerts, now: call.now))
        }
        let alert = subject.alerts[0]
        guard let action else { return try await alertPages.page(of: alert, now: call.now, leadsHome: false) }
        return try await page(alert, action, claim, call, outcome: LinkOutcome.standing(action, alert, now: call.now))
    }

    private func act(_ call: Call) async throws -> Response {
        try gate.checkForm(authority: call.request.head.authority, headers: call.request.headers)
        let claim = try claim(of: call)
        guard let action = claim.action.alertAction else {
            let what = if case .alert = claim.subject { "an alert" } else { "alerts" }
            throw Problem(.methodNotAllowed, "This link shows \(what). Nothing was changed.", headers: [.allow: "GET, HEAD, OPTIONS"])
        }
        let form = try LinkForm(call.body, action)
        let deed = LinkDeed(
            action: action, actor: form.name ?? "Somebody from \(claim.receiver)", credential: "link:\(claim.receiver)", note: form.note,
            until: form.snooze?.end(after: call.now), moment: call.now)
        let subject = try await subject(of: claim)
        let results = try await work.perform(deed, on: subject.alerts, until: .now + Self.patience)
        for result in results where result.kind == .done {
            call.context.logger.changed(result.alert.id, by: action, credential: deed.credential)
        }
        var response: Response
        if subject.total > 1 {
            let now = LinkWork.Subject(alerts: results.map(\.alert), total: subject.total)
            response = try groupPage(now, claim, call, GroupOutcome.done(deed, by: form.name, results))
        } else {
            response = try await page(
                results[0].alert, action, claim, call, outcome: LinkOutcome.after(deed, by: form.name, results[0]))
        }
        if let name = form.name { response.headers[.setCookie] = NameCookie.header(name, under: publicPath, isSecure: isSecure) }
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
            try failures.check(call.request.headers, call.context)
            failures.failed(call.request.headers, call.context)
            throw Problem(.notFound, "This link is not one of ours, or it was cut short on its way. Nothing was changed.")
        }
    }

    private func subject(of claim: LinkClaim) async throws -> LinkWork.Subject {
        guard let subject = try await work.subject(claim.subject) else {
            let what = if case .alert = claim.subject { "alert" } else { "message" }
            throw Problem(.notFound, "The \(what) that this link is about is no longer kept.")
        }
        return subject
    }

    private func page(
        _ alert: Alert, _ action: AlertAction, _ claim: LinkClaim, _ call: Call, outcome: LinkOutcome
    ) async throws -> Response {
        let card = AlertCard(alert, now: call.now)
        let verb = Wording.sentence(action.rawValue)
        let form = LinkFormFields(
            action, title: "\(verb) this alert", button: verb, consequence: LinkOutcome.consequence(of: action), receiver: claim.receiver,
            name: NameCookie.name(in: call.request.headers[.cookie]), now: call.now)
        let body = try pages.render(
            .link,
            LinkPage(
                card: card, outcome: outcome, hasHeadline: !outcome.headline.isEmpty,
                chartHTML: try await charts.chart(of: alert, now: call.now), form: form, offersForm: outcome.offersForm))
        return PageFrame(title: "\(card.title) · torq-monitor", tone: alert.tone, root: "../", body: body).response(status: outcome.status)
    }

    private func groupPage(_ subject: LinkWork.Subject, _ claim: LinkClaim, _ call: Call, _ outcome: GroupOutcome) throws -> Response {
        let page = GroupPage(
            subject, claim.action.alertAction, outcome: outcome, receiver: claim.receiver,
            name: NameCookie.name(in: call.request.headers[.cookie]), now: call.now
        ) { alert in
            signer.token(
                for: LinkClaim(action: .open, subject: .alert(alert.id), receiver: claim.receiver, expiresAt: claim.expiresAt))
        }
        return PageFrame(title: "\(page.title) · torq-monitor", tone: page.tone, root: "../", body: try pages.render(.group, page))
            .response(status: outcome.status)
    }
}
