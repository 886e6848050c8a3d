import Foundation
import Monitoring

/// What Alertmanager's webhooks hold, version 4, and those of Grafana, which add to it.
struct WebhookPayload: Decodable, Sendable {
    struct Alert: Decodable, Sendable {
        var status: String?
        var labels: [String: String]
        var annotations: [String: String]?
        var startsAt: String?
        var endsAt: String?
        var generatorURL: String?
        // Grafana's.
        var dashboardURL: String?
        var panelURL: String?
        var valueString: String?
    }

    var alerts: [Alert]

    /// The alerts of a webhook's body.
    ///
    /// - Throws: 400, with the place of the faulty one among them where there is one.
    static func read(_ body: [UInt8], now: Date) throws(Problem) -> [IncomingAlert] {
        let payload: WebhookPayload
        do {
            payload = try RelayBody.decode(WebhookPayload.self, from: body)
        } catch let error as DecodingError {
            throw RelayBody.refusal(error)
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(.invalidBody, "The body is no webhook of Alertmanager.")
        }
        guard payload.alerts.count <= RelayBody.mostAlerts else {
            throw Problem(.invalidBody, "A request has at most \(RelayBody.mostAlerts) alerts.")
        }
        var alerts: [IncomingAlert] = []
        for (index, alert) in payload.alerts.enumerated() {
            do throws(IncomingAlert.Fault) {
                alerts.append(try alert.incoming(now).checked())
            } catch {
                throw RelayBody.refusal(index, error.reason)
            }
        }
        return alerts
    }
}

extension WebhookPayload.Alert {
    fileprivate func incoming(_ now: Date) throws(IncomingAlert.Fault) -> IncomingAlert {
        let start = try RelayBody.time(startsAt, "startsAt")
        let isOver = status?.lowercased() == "resolved"
        let named = try RelayBody.time(endsAt, "endsAt")
        // What goes on has no end as yet; one that is over has ended by now, whatever its source's clock says.
        let end = isOver ? max(min(named ?? now, now), min(start ?? now, now)) : nil
        var annotations = annotations ?? [:]
        if let valueString, !valueString.isEmpty, annotations["values"] == nil { annotations["values"] = String(valueString.prefix(2000)) }
        return IncomingAlert(
            labels: labels, annotations: annotations,
            generatorURL: [panelURL, dashboardURL, generatorURL].compactMap { $0 }.first { !$0.isEmpty } ?? "",
            startsAt: start.map { min($0, end ?? $0) },
            endsAt: end)
    }
}
