import Foundation
import Monitoring

/// Any JSON document, read by the pointers that the configuration has.
enum GenericPayload {
    /// - Parameter source: The relay's name: two sources may have the same titles and identities, and mean others.
    /// - Throws: 400, with the place of the faulty one among several.
    static func read(
        _ body: [UInt8], _ format: GenericRelayFormat, of source: String, now: Date
    ) throws(Problem) -> [IncomingAlert] {
        let document: JSONValue
        do {
            document = try RelayBody.decode(JSONValue.self, from: body)
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(.invalidBody, "The body is not JSON.")
        }
        guard let place = format.alerts else {
            do throws(IncomingAlert.Fault) {
                return [try alert(document, format, source, now).checked()]
            } catch {
                throw Problem(.invalidBody, "The alert \(error.reason); it was not taken.")
            }
        }
        guard let elements = place.value(in: document)?.array, elements.count <= RelayBody.mostAlerts else {
            throw Problem(.invalidBody, "The body has no array of at most \(RelayBody.mostAlerts) alerts at \(place).")
        }
        var alerts: [IncomingAlert] = []
        for (index, element) in elements.enumerated() {
            do throws(IncomingAlert.Fault) {
                alerts.append(try alert(element, format, source, now).checked())
            } catch {
                throw RelayBody.refusal(index, error.reason)
            }
        }
        return alerts
    }

    private static func alert(
        _ document: JSONValue, _ format: GenericRelayFormat, _ source: String, _ now: Date
    ) throws(IncomingAlert.Fault) -> IncomingAlert {
        guard let title = format.title.text(in: document), !title.isEmpty else {
            throw IncomingAlert.Fault("has no title at \(format.title)")
        }
        // With an identity a title may say something else each time.
        var labels = ["source": source]
        for pointer in format.identity {
            guard let value = pointer.text(in: document), !value.isEmpty else { throw IncomingAlert.Fault("has nothing at \(pointer)") }
            labels[pointer.labelName] = value
        }
        var annotations: [String: String] = [:]
        if format.identity.isEmpty { labels["alertname"] = title } else { annotations["title"] = title }
        if let severity = format.severity?.word(in: document), !severity.isEmpty {
            // Part of what it is only where nothing else tells it from others: one that gets worse is the same.
            annotations["severity"] = severity
        }
        if let summary = format.summary?.text(in: document), !summary.isEmpty { annotations["summary"] = summary }
        let status = format.status?.word(in: document)?.lowercased()
        let isOver = status.map { format.resolvedWords.contains($0) } ?? false
        return IncomingAlert(
            labels: labels, annotations: annotations, generatorURL: format.link?.text(in: document) ?? "", endsAt: isOver ? now : nil)
    }
}
