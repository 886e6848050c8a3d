import Foundation
import Testing

@testable import Notifications

/// What the answers of each kind mean; Slack's and webhooks' own are with the rest of delivery.
@Suite struct VerdictTests {
    static let chats: [ReceiverKind] = [.mattermost, .rocketchat, .discord, .teams, .googlechat]

    @Test(arguments: chats)
    func chatsShareMostOfTheirAnswers(kind: ReceiverKind) {
        let expected: [(Int, DeliveryVerdict)] = [
            (200, .delivered), (202, .delivered), (204, .delivered), (302, .again(.redirect)), (400, .refusedForm(.badRequest)),
            (401, .endpointGone(.unauthorized)), (403, .endpointGone(.forbidden)), (404, .endpointGone(.notFound)),
            (405, .again(.clientError)), (408, .again(.clientError)), (410, .endpointGone(.gone)), (413, .refusedForm(.payloadTooLarge)),
            (422, .refusedForm(.badRequest)), (429, .pause(.seconds(7), .rateLimited)), (500, .again(.serverError)),
            (502, .again(.serverError)), (503, .pause(.seconds(7), .serverError)), (504, .again(.serverError)),
        ]
        for (status, verdict) in expected {
            #expect(DeliveryVerdict(kind: kind, status: status, retryAfter: "7", body: [], at: Fixtures.now) == verdict, "\(status)")
        }
    }

    @Test(arguments: [
        (202, "", DeliveryVerdict.delivered), (200, "", .delivered), (400, "", .refused(.badRequest)),
        (400, #"{"status":"invalid event","message":"Event object is invalid","errors":["'summary' is missing"]}"#, .refused(.badRequest)),
        (400, #"{"status":"invalid event","errors":["Invalid routing key"]}"#, .endpointGone(.unauthorized)),
        (413, "", .refused(.payloadTooLarge)), (403, "", .endpointGone(.forbidden)), (404, "", .endpointGone(.notFound)),
        (429, "", .pause(.seconds(7), .rateLimited)), (500, "", .again(.serverError)), (503, "", .pause(.seconds(7), .serverError)),
    ])
    func pagerDutysAnswers(status: Int, body: String, verdict: DeliveryVerdict) {
        #expect(DeliveryVerdict(kind: .pagerduty, status: status, retryAfter: "7", body: Array(body.utf8), at: Fixtures.now) == verdict)
    }

    @Test(arguments: [
        (#"{"message":"You are being rate limited.","retry_after":0.573,"global":false}"#, Duration.milliseconds(573)),
        (#"{"retry_after": 64}"#, .seconds(64)), (#"{"retry_after":99999999}"#, .seconds(3600)),
        (#"{"retry_after":0}"#, .milliseconds(100)),
        (#"{"retry_after":-3}"#, .seconds(7)), (#"{"retry_after":"soon"}"#, .seconds(7)), ("", .seconds(7)),
    ])
    func discordSaysInItsBodyWhenToComeBack(body: String, pause: Duration) {
        #expect(
            DeliveryVerdict(kind: .discord, status: 429, retryAfter: "7", body: Array(body.utf8), at: Fixtures.now)
                == .pause(pause, .rateLimited))
    }

    @Test(arguments: [
        ("1", DeliveryVerdict.delivered), ("", .delivered),
        (
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413 with ContextId tcid=0",
            .refusedForm(.payloadTooLarge)
        ),
        (
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with ContextId",
            .pause(.seconds(30), .rateLimited)
        ),
        ("Microsoft Teams endpoint returned HTTP error 404 with ContextId", .endpointGone(.notFound)),
        ("Microsoft Teams endpoint returned HTTP error 502", .again(.serverError)),
        ("Webhook Message Delivery Failed", .again(.serverError)),
    ])
    func teamsSaysInA200ThatItFailed(body: String, verdict: DeliveryVerdict) {
        #expect(DeliveryVerdict(kind: .teams, status: 200, retryAfter: nil, body: Array(body.utf8), at: Fixtures.now) == verdict)
    }

    @Test(arguments: [
        (ReceiverKind.teams, 400, #"{"error":{"code":"WorkflowTriggerIsNotEnabled"}}"#, DeliveryVerdict.endpointGone(.channelGone)),
        (.mattermost, 400, #"{"id":"web.incoming_webhook.invalid.app_error"}"#, .endpointGone(.channelGone)),
        (.mattermost, 501, #"{"id":"web.incoming_webhook.disabled.app_error"}"#, .endpointGone(.channelGone)),
        (.mattermost, 500, #"{"id":"web.incoming_webhook.channel.app_error"}"#, .endpointGone(.channelGone)),
        (.mattermost, 400, #"{"id":"web.incoming_webhook.parse.app_error"}"#, .refusedForm(.badRequest)),
        (.mattermost, 200, "ok, web.incoming_webhook.channel.app_error", .delivered),
    ])
    func someSayMoreInTheirBody(kind: ReceiverKind, status: Int, body: String, verdict: DeliveryVerdict) {
        #expect(DeliveryVerdict(kind: kind, status: status, retryAfter: nil, body: Array(body.utf8), at: Fixtures.now) == verdict)
    }

    @Test(
        arguments: [
            (ReceiverKind.slack, "1/s", 4), (.googlechat, "1/s", 2), (.discord, "1/s", 2), (.teams, "4/s", 4), (.pagerduty, "2/s", 4),
            (.mattermost, "10/s", 8), (.rocketchat, "10/s", 8), (.webhook, nil, 64),
        ] as [(ReceiverKind, String?, Int)])
    func limitsFollowFromTheKind(kind: ReceiverKind, rate: String?, inFlight: Int) throws {
        let receiver = try Fixtures.receiver("r", kind)
        #expect(receiver.rateLimit?.description == rate && receiver.maximumInFlight == inFlight)
        #expect(receiver.supersedes == (kind != .webhook) && receiver.tellAcknowledged == (kind == .pagerduty))
    }
}
