import Foundation
import Monitoring

/// What Slack sends when somebody presses a button in a message, as far as we look at it.
struct SlackInteraction: Sendable, Hashable {
    static let deepest = 40

    /// `block_actions` for a button in a message.
    var type: String
    /// Who pressed it: `ana (U2CERLKJA)`.
    var actor: String
    /// The button's value; nil for one that only opens a page.
    var value: String?
    /// Where the message can be changed for half an hour. Untrusted.
    var responseURL: String?

    /// - Parameter body: The request's: a form with one field, `payload`, which is JSON.
    /// - Throws: A problem naming what is wrong with it.
    init(_ body: [UInt8]) throws(Problem) {
        let fields: FormFields
        do {
            fields = try FormFields(String(decoding: body, as: UTF8.self))
        } catch {
            throw Problem(.invalidBody, "The body is no form.")
        }
        guard let text = fields.values["payload"] else {
            throw Problem(.invalidBody, "The form must have the field payload.", members: ["field": .string("payload")])
        }
        let bytes = Array(text.utf8)
        guard JSONBody.depth(of: bytes) <= Self.deepest, let payload = try? JSONDecoder().decode(JSONValue.self, from: Data(bytes)) else {
            throw Problem(.invalidBody, "The field payload must be JSON.", members: ["field": .string("payload")])
        }
        type = payload["type"]?.string ?? ""
        actor = Self.actor(payload["user"])
        let pressed = payload["actions"]?.array?.first
        // A button with a URL tells of its press as well, and has nothing to do here.
        value = pressed?["url"]?.string == nil ? pressed?["value"]?.string : nil
        responseURL = payload["response_url"]?.string
    }

    private static func actor(_ user: JSONValue?) -> String {
        let id = clean(user?["id"]?.string)
        let name = clean(user?["username"]?.string) ?? clean(user?["name"]?.string)
        return switch (name, id) {
        case (let name?, let id?): "\(name) (\(id))"
        case (let name?, nil): name
        case (nil, let id?): id
        case (nil, nil): "Somebody on Slack"
        }
    }

    private static func clean(_ text: String?) -> String? {
        guard let text, case .accepted(let kept) = PlainText.check(text, maximum: 90, multiline: false) else { return nil }
        return kept
    }
}
