import Foundation
import Monitoring

/// Parts of paths.
extension ParameterDeclaration {
    /// `{id}`, a UUID.
    static func id(of what: String) -> ParameterDeclaration {
        ParameterDeclaration(
            name: "id", text: "The id of \(what).", schema: .uuid, isRequired: true, example: "00000000-0000-4000-8000-000000000001"
        ) { given throws(Problem) in
            guard given.utf8.count == 36, UUID(uuidString: given) != nil else {
                throw QueryParameters.refusal("id", given, allowed: "a UUID")
            }
        }
    }

    /// `{name}` of a receiver. Any text: what is not configured is not found.
    static let receiverName = ParameterDeclaration(
        name: "name", text: "The receiver's name in the configuration.", schema: Schema.text.with(["minLength": 1]), isRequired: true,
        example: "oncall"
    ) { _ throws(Problem) in }
}
