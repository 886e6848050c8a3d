import Foundation
import Logging
import Monitoring

extension Logger {
    /// A line for what a person did to an alert; nothing where that was so already. The claimed name stays out of the log.
    func changed(_ alertID: UUID, by action: AlertAction, credential: String?, isChange: Bool = true) {
        guard isChange else { return }
        info(
            "An alert was changed by somebody",
            metadata: [
                "alert_id": "\(alertID.uuidString.lowercased())", "action": "\(action.rawValue)", "credential": "\(credential ?? "none")",
            ])
    }

    /// The alert that the path of a request names; nil where there is none.
    static func alertID(path: String, route: String?) -> MetadataValue? {
        // Not of a link, whose path is a secret.
        guard route?.contains("/alerts/{id}") == true else { return nil }
        let parts = path.split(separator: "/")
        guard let place = parts.firstIndex(of: "alerts"), place + 1 < parts.count, let id = UUID(uuidString: String(parts[place + 1]))
        else {
            return nil
        }
        return .string(id.uuidString.lowercased())
    }
}
