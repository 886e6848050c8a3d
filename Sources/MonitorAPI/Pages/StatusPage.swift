import Foundation
import Monitoring
import Notifications

/// What the status page shows: words and markup, ready for its template.
struct StatusPage: Sendable {
    /// A row of a small table, with a bar.
    struct Row: Sendable {
        let name: String
        let value: String
        let detail: String
        let barHTML: String
    }

    /// A link to the same page over another time.
    struct Choice: Sendable {
        let label: String
        let link: String
        let isChosen: Bool
    }

    let markHTML = Brand.mark
    let time: String
    let headline: String
    let subline: String
    let healthValue: String
    let gaugeHTML: String
    let tone: PageFrame.Tone
    let viewer: PageViewer
    let hasViewer: Bool
    let alerts: [AlertCard]
    let isQuiet: Bool
    let quietTitle: String
    let quietText: String
    let hasOutcome: Bool
    let outcome: LinkOutcome
    let outcomeTitle: String
    let outcomeLink: String
    let hasOutcomeLink: Bool
    let windowTitle: String
    /// `24 h`, as small print.
    let windowName: String
    let windows: [Choice]
    let stepWords: String
    let tiles: [StatusTile]
    let failing: [FailingReceiver]
    let undelivered: [UndeliveredMessage]
    let hasUndelivered: Bool
    let moreUndelivered: String
    let moreAlerts: String
    let hasFailing: Bool
    let silences: [SilenceCard]
    let hasSilences: Bool
    let moreSilences: String
    let hasTrouble: Bool
    let models: [Row]
    let hasModels: Bool
    let reasons: [Row]
    let hasReasons: Bool
    let notes: [AlertCard.Figure]
    let isRefreshing: Bool
    /// To the same page, once a minute or never by itself.
    let refreshLink: String

    init(
        now: Date, window: PageWindow, open: AlertList, held: AlertList, baseline: BaselineSnapshot?, arming: [BaselineRepository.Arming],
        figures: StatusFigures, receivers: [ReceiverRecord], definedReceivers: Set<String>?, undelivered: [UndeliveredMessage],
        silences: [SilenceRecord], viewer: PageViewer, outcome: PageOutcome?, refresh: Int
    ) {
        time = Wording.time(now)
        self.viewer = viewer
        hasViewer = !viewer.tokenName.isEmpty
        let worst = open.alerts.first
        let judgement = Judgement(arming, now: now)
        let all = open.totalCount + held.totalCount
        headline = all == 0 && judgement.isBlind ? "Learning what is normal" : Self.headline(open: open, held: held)
        (quietTitle, quietText) = (judgement.title, judgement.text)
        let resting: PageFrame.Tone = figures.whole == nil || judgement.isBlind ? .neutral : .calm
        tone = worst?.tone ?? (held.totalCount == 0 ? resting : .watch)
        let health = figures.whole?.value(of: "health_score")
        healthValue = health.map { Wording.number($0, places: 0) } ?? "–"
        gaugeHTML = Self.gauge(health)
        subline =
            figures.whole.map {
                "\(Wording.count($0.totalEvents)) events in \(window.words), \(Wording.count(figures.hour?.totalEvents ?? 0)) in the last hour."
            } ?? "No events in \(window.words)."
        alerts = (open.alerts + held.alerts).map { AlertCard($0, viewer: viewer, from: "status", now: now) }
        isQuiet = alerts.isEmpty
        moreAlerts =
            all > alerts.count
            ? "The gravest \(alerts.count) of \(Wording.count(all)); the monitor API and torq-monitor alerts list have all." : ""
        hasOutcome = outcome != nil
        self.outcome = outcome?.outcome ?? LinkOutcome()
        outcomeTitle = outcome?.linkTitle ?? ""
        outcomeLink = outcome?.link ?? ""
        hasOutcomeLink = !outcomeLink.isEmpty
        windowTitle = window.title
        windowName = window.shortName
        windows = PageWindow.allCases.map {
            Choice(label: $0.label, link: Self.link($0, refresh: refresh), isChosen: $0 == window)
        }
        stepWords = window.stepWords
        tiles = StatusTile.metrics.map { StatusTile($0, figures: figures, baseline: baseline, window: window, now: now) }
        failing = receivers.compactMap { FailingReceiver($0, isDefined: definedReceivers?.contains($0.name) ?? true, now: now) }
        self.undelivered = undelivered
        hasUndelivered = !undelivered.isEmpty
        let dead = receivers.reduce(0) { $0 + $1.dead }
        moreUndelivered =
            dead > undelivered.count && hasUndelivered
            ? "The newest \(undelivered.count) of \(Wording.count(dead)); the others are on the pages of their alerts." : ""
        hasFailing = !failing.isEmpty || hasUndelivered
        self.silences = silences.prefix(SilenceCard.most).map { SilenceCard($0, viewer: viewer, now: now) }
        hasSilences = !silences.isEmpty
        moreSilences =
            silences.count > SilenceCard.most
            ? "There are more than \(SilenceCard.most); the monitor API and torq-monitor silences list have all." : ""
        hasTrouble = hasFailing || hasSilences
        let widest = max(0.05, figures.models.compactMap { $0.fallbackRate }.max() ?? 0)
        models = figures.models.map { slice in
            Row(
                name: slice.value.map(Wording.name) ?? "no model named", value: slice.fallbackRate.map(Wording.percent) ?? "–",
                detail: "\(Wording.count(slice.totalEvents)) events, errors \(slice.errorRate.map(Wording.percent) ?? "–"), "
                    + "p95 \(Wording.value(slice.latencyP95, of: "latency_p95"))",
                barHTML: Self.bar((slice.fallbackRate ?? 0) / widest))
        }
        hasModels = !models.isEmpty
        let most = max(1, figures.reasons.map(\.count).max() ?? 1)
        reasons = figures.reasons.map { reason in
            Row(
                name: Wording.name(reason.reason), value: Wording.count(reason.count), detail: "",
                barHTML: Self.bar(Double(reason.count) / Double(most)))
        }
        hasReasons = !reasons.isEmpty
        notes = Self.notes(figures.gauges, baseline, now: now)
        isRefreshing = refresh >= 5
        refreshLink = Self.link(window, refresh: isRefreshing ? 0 : 60)
    }

    /// To this page over that time, loading itself anew after so many seconds.
    private static func link(_ window: PageWindow, refresh: Int) -> String {
        let query = (window == .day ? [] : ["window=\(window.rawValue)"]) + (refresh >= 5 ? ["refresh=\(refresh)"] : [])
        return "./" + (query.isEmpty ? "" : "?") + query.joined(separator: "&")
    }

    /// What no alert says: that nothing is off, or that nothing can be told.
    private struct Judgement {
        /// No metric can be judged, but for traffic, which needs less.
        let isBlind: Bool
        let title: String
        let text: String

        init(_ arming: [BaselineRepository.Arming], now: Date) {
            let unarmed = arming.filter { !$0.isArmed }
            isBlind = !unarmed.isEmpty && arming.allSatisfy { !$0.isArmed || $0.metricName == "total_events" }
            let from = unarmed.compactMap(\.armedFrom).max().map { Wording.moment($0, now: now) + "\u{A0}UTC" }
            guard !isBlind else {
                title = "Nothing is judged yet."
                text =
                    from.map { "Alerts begin on \($0), when there are days enough to compare with." }
                    ?? "Alerts begin when there are days enough to compare with."
                return
            }
            title = "Nothing is open."
            let names = unarmed.map { Wording.metric($0.metricName) }
            text =
                names.isEmpty
                ? "Nothing that is watched is further off than chance explains."
                : "What can be judged is no further off than chance explains; not judged \(from.map { "before \($0)" } ?? "yet"): \(names.joined(separator: ", "))."
        }
    }

    private static func headline(open: AlertList, held: AlertList) -> String {
        switch (open.totalCount, held.totalCount) {
        case (0, 0): "All quiet"
        case (0, 1): "One alert, and \(held.alerts.first?.acknowledgedBy.map(Wording.name) ?? "somebody") has it"
        case (0, _): "\(Wording.count(held.totalCount)) alerts, all in hand"
        case (1, _): "\(open.alerts.first.map(AlertCard.shortTitle) ?? "One alert"), and nobody has it"
        default: "\(Wording.count(open.totalCount)) alerts that nobody has"
        }
    }

    /// A ring that fills with health, 0 to 100.
    private static func gauge(_ health: Double?) -> String {
        let length = 2 * Double.pi * 42
        let filled = length * min(max((health ?? 0) / 100, 0), 1)
        let arc = "\(Wording.number(filled, places: 1)) \(Wording.number(length, places: 1))"
        return """
            <svg class="gauge" viewBox="0 0 100 100" aria-hidden="true"><circle class="rail" cx="50" cy="50" r="42"/>\
            <circle class="fill" cx="50" cy="50" r="42" stroke-dasharray="\(arc)" transform="rotate(-90 50 50)"/></svg>
            """
    }

    static func bar(_ share: Double) -> String {
        let width = Int((min(max(share, 0), 1) * 100).rounded())
        return
            #"<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect class="rail" width="100" height="4"/>"#
            + #"<rect class="fill" width="\#(width)" height="4"/></svg>"#
    }

    private static func notes(_ gauges: StateQueries.Gauges, _ baseline: BaselineSnapshot?, now: Date) -> [AlertCard.Figure] {
        let waiting = (gauges.notifications["pending"] ?? 0) + (gauges.notifications["sending"] ?? 0)
        let dead = gauges.notifications["dead"] ?? 0
        return [
            .init(
                name: "Events rolled up", value: gauges.rolledUpAt.map { "\(Wording.span(now.timeIntervalSince($0))) ago" } ?? "never yet"),
            .init(name: "Messages waiting", value: Wording.count(waiting)),
            .init(name: "Messages given up", value: Wording.count(dead)),
            .init(
                name: "Expected from",
                value: baseline.map { "\($0.baselineStartDate) to \($0.baselineEndDate), \(Wording.count($0.totalEvents)) events" }
                    ?? "no baseline yet"),
        ]
    }
}
