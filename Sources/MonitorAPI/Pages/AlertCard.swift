import Foundation
import Monitoring

/// An alert as pages show it: words, ready for a template.
struct AlertCard: Sendable {
    let id: String
    let title: String
    let severity: String
    let status: String
    let summary: String
    /// What tells an alert from elsewhere from others of its name; its figures have all of it.
    let labels: String
    let hasLabels: Bool
    /// `since 14:05 UTC (12 min)`.
    let since: String
    /// Who has it, or that nobody has.
    let holder: String
    let isHeld: Bool
    let figures: [Figure]
    /// Its buttons, for those who may press them.
    let form: AlertForm?
    let canAct: Bool

    /// A name and what it says.
    struct Figure: Sendable {
        let name: String
        let value: String
    }

    /// - Parameter page: The page that it stands on: `status` or `alert`.
    init(_ alert: Alert, viewer: PageViewer = .guest, from page: String = "", now: Date) {
        form = AlertForm(alert, viewer: viewer, from: page)
        canAct = form != nil
        id = alert.id.uuidString.lowercased()
        title = page == "alert" ? Self.title(of: alert) : Self.shortTitle(of: alert)
        severity = alert.severity.rawValue
        status = alert.status.rawValue
        summary = alert.summary.isEmpty ? Self.sentence(alert) : Self.withSigns(alert.summary)
        labels = Wording.fitted(FigureText.labels(of: alert) ?? "", to: 300)
        hasLabels = !labels.isEmpty
        let end = alert.resolvedAt ?? now
        let duration = Wording.span(end.timeIntervalSince(alert.openedAt))
        let opened = Wording.moment(alert.openedAt, now: now)
        since =
            alert.resolvedAt.map { "\(opened) to \(Wording.moment($0, now: now)) UTC (\(duration))" } ?? "since \(opened) UTC (\(duration))"
        switch alert.status {
        case .open: holder = Self.waiting(alert, now: now)
        case .acknowledged:
            holder =
                "\(alert.acknowledgedBy.map(Wording.name) ?? "Somebody") has it"
                + (alert.acknowledgedAt.map { " since \(Wording.moment($0, now: now)) UTC" } ?? "")
        case .resolved: holder = alert.resolvedBy.map { "Resolved by \(Wording.name($0))" } ?? "Resolved by itself"
        case .ignored: holder = "Ignored until the condition clears"
        }
        isHeld = alert.status != .open
        figures = Self.figures(alert)
    }

    private static func waiting(_ alert: Alert, now: Date) -> String {
        if let until = alert.snoozedUntil, until > now { return "Snoozed until \(Wording.moment(until, now: now)) UTC" }
        return "Nobody has it yet"
    }

    /// `Error spike of model gpt-5-mini`; of an alert from elsewhere its name.
    static func title(of alert: Alert) -> String {
        FigureText.name(of: alert).map(Wording.name) ?? Wording.sentence(alert.alertType) + FigureText.slice(of: alert)
    }

    /// The same where it stands among others: one of them must not bury them.
    static func shortTitle(of alert: Alert) -> String { Wording.fitted(title(of: alert), to: 200) }

    /// The engine writes `7.8x the expected`; pages and the figures of messages have a sign for it.
    private static func withSigns(_ summary: String) -> String {
        summary.replacing(/([0-9])x the expected/) { "\($0.output.1)× the expected" }
    }

    private static func sentence(_ alert: Alert) -> String {
        "\(FigureText.subject(of: alert)) is \(Wording.value(alert.currentValue, of: alert.metricName)), "
            + "expected \(Wording.value(alert.baselineValue, of: alert.metricName))."
    }

    private static func figures(_ alert: Alert) -> [Figure] {
        if let labels = alert.labels {
            let texts = labels.filter { $0.key != "alertname" }.sorted { $0.key < $1.key }
            return texts.map { Figure(name: $0.key, value: $0.value) } + [Figure(name: "Came from", value: alert.origin ?? "elsewhere")]
        }
        var figures = [
            Figure(name: Wording.metric(alert.metricName), value: Wording.value(alert.currentValue, of: alert.metricName)),
            Figure(name: FigureText.baselineName(of: alert.metricName), value: Wording.value(alert.baselineValue, of: alert.metricName)),
        ]
        if let deviation = FigureText.deviation(of: alert) { figures.append(Figure(name: "Deviation", value: deviation)) }
        let affected = [
            ("Model", alert.affectedModel), ("Backend", alert.affectedBackend), ("Agent", alert.affectedAgent),
            ("Version", alert.affectedVersion),
        ]
        for case (let name, let value?) in affected { figures.append(Figure(name: name, value: value)) }
        return figures
    }
}

extension Alert {
    /// How worried somebody who looks at this alert should be.
    var tone: PageFrame.Tone {
        switch (status, severity) {
        case (.resolved, _), (.ignored, _): .calm
        case (.acknowledged, _): .watch
        case (.open, .critical): .critical
        case (.open, .high): .high
        case (.open, _): .watch
        }
    }
}
