import Foundation
import Monitoring
import Notifications

/// What the page of an alert shows: words and markup, ready for its template.
struct AlertPage: Sendable {
    /// A step of its life.
    struct Moment: Sendable {
        let time: String
        let title: String
        let tone: String
        let by: String
        let note: String
        let hasNote: Bool
    }

    /// Somebody who was told, or is to be.
    struct Message: Sendable {
        let receiver: String
        let what: String
        let status: String
        let detail: String
        let attempts: [Attempt]
        let form: ButtonForm?
        let canAct: Bool
    }

    /// One request.
    struct Attempt: Sendable {
        let number: Int
        let time: String
        let outcome: String
        /// What is known beyond it, each piece behind a comma.
        let detail: String
    }

    let markHTML = Brand.mark
    /// Whether the brand leads to the status page.
    let leadsHome: Bool
    let card: AlertCard
    let chartHTML: String
    let hasChart: Bool
    let timeline: [Moment]
    let messages: [Message]
    let hasMessages: Bool
    let hasQuiet: Bool
    let quietText: String
    let quietLink: String
    let quietLinkTitle: String
    let hasQuietLink: Bool
    let causes: [StatusPage.Row]
    let hasCauses: Bool
    /// JSON, and the heading over it.
    let evidence: String
    let hasEvidence: Bool
    let evidenceTitle: String
    /// The heading over its figures, or its labels.
    let picture: String
    /// Where its source shows it.
    let source: String
    let hasSource: Bool
    /// Where its source says what to do.
    let runbook: String
    let hasRunbook: Bool
    let events: [String]
    let hasEvents: Bool
    let viewer: PageViewer
    let hasViewer: Bool
    let time: String
    let hasOutcome: Bool
    let outcome: LinkOutcome

    init(
        _ alert: Alert, timeline: [AlertTransition], notifications: [DeliveredNotification], quiet: QuietReason?, chartHTML: String,
        viewer: PageViewer, outcome: LinkOutcome?, leadsHome: Bool, now: Date
    ) {
        self.leadsHome = leadsHome
        self.viewer = viewer
        hasViewer = !viewer.tokenName.isEmpty
        time = Wording.time(now)
        hasOutcome = outcome != nil
        self.outcome = outcome ?? LinkOutcome()
        card = AlertCard(alert, viewer: viewer, from: "alert", now: now)
        self.chartHTML = chartHTML
        hasChart = !chartHTML.isEmpty
        self.timeline = timeline.map { Self.moment($0, now: now) }
        let title = AlertCard.shortTitle(of: alert)
        messages = notifications.map { Self.message($0, of: title, viewer: viewer, now: now) }
        hasMessages = !messages.isEmpty
        hasQuiet = quiet != nil
        (quietText, quietLink, quietLinkTitle) = (quiet?.text ?? "", quiet?.link ?? "", quiet?.linkTitle ?? "")
        hasQuietLink = !quietLink.isEmpty
        causes = Self.causes(alert.contextData)
        hasCauses = !causes.isEmpty
        let annotations = alert.annotations.map { JSONValue.object($0.mapValues(JSONValue.string)) }
        evidence = Self.pretty(annotations ?? alert.contextData)
        hasEvidence = (annotations ?? alert.contextData) != .object([:])
        evidenceTitle = annotations == nil ? "Evidence" : "What its source says"
        picture = alert.labels == nil ? "The figures" : "What it is"
        source = Self.link(alert.generatorURL)
        hasSource = !source.isEmpty
        runbook = Self.link(alert.annotations?["runbook_url"])
        hasRunbook = !runbook.isEmpty
        events = alert.relatedEvents
        hasEvents = !alert.relatedEvents.isEmpty
    }

    /// What somebody elsewhere calls a link, where it is one; else nothing.
    private static func link(_ text: String?) -> String { text.flatMap { AlertLinks.isLink($0) ? $0 : nil } ?? "" }

    private static func moment(_ step: AlertTransition, now: Date) -> Moment {
        let severity =
            step.fromSeverity == nil || step.fromSeverity == step.toSeverity
            ? (step.transition == .opened ? " as \(step.toSeverity.rawValue)" : "")
            : " from \(step.fromSeverity?.rawValue ?? "") to \(step.toSeverity.rawValue)"
        let title = step.transition == .deescalated ? "De-escalated" : Wording.sentence(step.transition.rawValue)
        let tone =
            switch step.transition {
            case .opened, .escalated, .reopened: step.toSeverity.rawValue
            case .resolved: "good"
            default: "plain"
            }
        return Moment(
            time: Wording.moment(step.occurredAt, now: now), title: title + severity, tone: tone,
            by: step.actor == "monitor" ? "by the monitor" : "by \(Wording.name(step.actor))" + (step.credential.map { " (\($0))" } ?? ""),
            note: step.note ?? "", hasNote: step.note != nil)
    }

    private static func message(_ notification: DeliveredNotification, of title: String, viewer: PageViewer, now: Date) -> Message {
        let record = notification.record
        let what = Wording.sentence(record.transition ?? record.cause)
        let detail =
            switch record.status {
            case .delivered: record.deliveredAt.map { "at \(Wording.moment($0, now: now)) UTC" } ?? ""
            case .pending, .sending: "due at \(Wording.moment(record.dueAt, now: now)) UTC"
            case .superseded, .dead, .dropped: record.lastError?.replacing("_", with: " ") ?? ""
            }
        let id = record.id.uuidString.lowercased()
        let form = ButtonForm(
            MessageDeed.labels(for: record), to: "../notifications/\(id)", of: id, "\(title): \(what.lowercased()), to \(record.receiver)",
            from: "alert", viewer)
        return Message(
            receiver: record.receiver, what: what, status: record.status.rawValue, detail: detail,
            attempts: notification.attempts.map { attempt in
                Attempt(
                    number: attempt.attempt, time: Wording.moment(attempt.startedAt, now: now), outcome: attempt.outcome,
                    detail: [
                        attempt.httpStatus.map { "HTTP \($0)" } ?? attempt.reason?.replacing("_", with: " "),
                        attempt.totalMilliseconds.map(Wording.milliseconds),
                    ].compactMap { $0.map { ", \($0)" } }.joined())
            }, form: form, canAct: form != nil)
    }

    /// The slices that the evaluation looked at, by their share of the excess; at most six.
    private static func causes(_ context: JSONValue) -> [StatusPage.Row] {
        let slices = (context["slices"]?.array ?? []).compactMap { slice in slice["excess_share"]?.double.map { (slice, $0) } }
        return slices.filter { $0.1.isFinite && $0.1 > 0 }.sorted { $0.1 > $1.1 }.prefix(6).compactMap { slice, share in
            guard let dimension = slice["dimension"]?.string, let value = slice["value"]?.string else { return nil }
            let bad = slice["bad_events"]?.double.map { Wording.number($0, places: 0) } ?? "–"
            let total = slice["total_events"]?.double.map { Wording.number($0, places: 0) } ?? "–"
            let expected = slice["expected_events"]?.double.map { ", expected \(Wording.number($0, places: 1))" } ?? ""
            return StatusPage.Row(
                name: "\(Wording.sentence(dimension)) \(value.isEmpty ? "(none named)" : value)",
                // One that is above what it should be while others are below explains all of it, and no more.
                value: share >= 0.995 ? "all of the excess" : "\(Wording.number(share * 100, places: 0))\u{A0}% of the excess",
                detail: "\(bad) of \(total) events\(expected)", barHTML: StatusPage.bar(share))
        }
    }

    private static func pretty(_ value: JSONValue) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
