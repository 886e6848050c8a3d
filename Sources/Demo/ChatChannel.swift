import Foundation

/// What was posted into the demo's channel, newest last; keeps the last 200 messages.
actor ChatChannel {
    struct Message: Sendable, Hashable {
        var number: Int
        var receivedAt: Date
        var payload: SlackPayload
    }

    static let capacity = 200
    private(set) var messages: [Message] = []
    private(set) var count = 0

    func post(_ payload: SlackPayload, at moment: Date) {
        count += 1
        messages.append(Message(number: count, receivedAt: moment, payload: payload))
        if messages.count > Self.capacity { messages.removeFirst() }
    }
}
