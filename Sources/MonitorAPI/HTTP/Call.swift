import Foundation
import Hummingbird

/// A request that was let in, with its parameters and its body read.
struct Call: Sendable {
    var request: Request
    var context: MonitorContext
    var principal: Principal
    var query: QueryParameters
    /// Empty where there is none.
    var body: [UInt8]
    /// The moment it stands at.
    var now: Date
    /// What the endpoint declares; nil for what is not described.
    var operation: Operation?

    /// The fields of the body, all of them checked.
    func fields() throws(Problem) -> JSONBody {
        try JSONBody(body, fields: operation?.fields ?? [])
    }

    /// The part of the path called `name`, as it was sent.
    func part(_ name: String) -> String {
        context.parameters.get(name) ?? ""
    }

    /// The id in the path.
    func id() throws(Problem) -> UUID {
        let text = part("id")
        guard text.utf8.count == 36, let id = UUID(uuidString: text) else {
            throw QueryParameters.refusal("id", text, allowed: "a UUID")
        }
        return id
    }
}
