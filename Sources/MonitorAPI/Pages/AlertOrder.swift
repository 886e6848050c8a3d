import Foundation
import Monitoring

/// What somebody asks for with a form of a page.
struct AlertOrder: Sendable, Hashable {
    var action: AlertAction
    var form: LinkForm
    /// Whether they stood on the status page.
    var isFromStatus: Bool

    /// - Throws: A problem in words for the person.
    init(_ fields: FormFields, _ body: [UInt8]) throws(Problem) {
        guard let action = AlertAction(rawValue: fields.values["do"] ?? "") else {
            throw Problem(
                .invalidBody,
                "What to do must be \(QueryParameters.list(AlertAction.allCases.map(\.rawValue))). Nothing was changed.")
        }
        self.action = action
        form = try LinkForm(body, action)
        isFromStatus = fields.values["from"] == "status"
    }
}
