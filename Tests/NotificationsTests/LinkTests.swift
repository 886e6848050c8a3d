import Foundation
import Monitoring
import Testing

@testable import Notifications

@Suite struct LinkTests {
    private let key = LinkKey(id: "k1", secret: Array(repeating: 7, count: 32))
    private let claim = LinkClaim(
        action: .acknowledge, subject: .alert(Fixtures.alertID), receiver: "oncall", expiresAt: Date(timeIntervalSince1970: 1_772_000_000))

    @Test func aTokenGivesItsClaimBack() throws {
        let signer = LinkSigner(keys: [key])
        for action in LinkClaim.Action.allCases {
            var claim = claim
            claim.action = action
            let token = signer.token(for: claim)
            #expect(try signer.verify(token, at: Fixtures.now) == claim)
            #expect(token == signer.token(for: claim))
            #expect(
                token.utf8.allSatisfy {
                    Character(Unicode.Scalar($0)).isLetter || Character(Unicode.Scalar($0)).isNumber || $0 == 45 || $0 == 95
                })
        }
    }

    /// Made by another program: links that are in channels stay valid.
    @Test func aTokenIsWrittenAsItAlwaysWas() throws {
        let signer = LinkSigner(keys: [key])
        let token = "AQJrMQEfDC0-AABAAIAAAAAAAAChAGmekwAGb25jYWxsf0a5cVkeleKf7OceLC6253wtSpQOf5nSGokwHrktubE"
        #expect(signer.token(for: claim) == token)
        #expect(try signer.verify(token, at: Fixtures.now) == claim)
        var message = claim
        message.action = .snooze
        message.subject = .message(Fixtures.alertID)
        let second = "AgJrMQQfDC0-AABAAIAAAAAAAAChAGmekwAGb25jYWxsXm1emyKZgKaWTFO3n85eizTBGNPV-4C31uwmgJYcjG0"
        #expect(signer.token(for: message) == second)
        #expect(try signer.verify(second, at: Fixtures.now) == message)
    }

    @Test func aMessagesLinkIsNoneOfTheAlertWithItsID() throws {
        let signer = LinkSigner(keys: [key])
        var message = claim
        message.subject = .message(claim.subject.id)
        #expect(try signer.verify(signer.token(for: message), at: Fixtures.now) != claim)
        var bytes = try #require(Base64URL.decode(signer.token(for: claim)))
        bytes[0] = 2
        #expect(throws: LinkError.badSignature) { try signer.verify(Base64URL.encode(bytes), at: Fixtures.now) }
        bytes[0] = 3
        #expect(throws: LinkError.malformed) { try signer.verify(Base64URL.encode(bytes), at: Fixtures.now) }
    }

    @Test func theLongestTokenIsShort() {
        let signer = LinkSigner(keys: [LinkKey(id: String(repeating: "k", count: 40), secret: [1])])
        var claim = claim
        claim.receiver = String(repeating: "r", count: 48)
        #expect(signer.token(for: claim).count <= 163)
    }

    @Test func aTokenIsReadWithAnOlderKeyAndSignedWithTheNewest() throws {
        let newest = LinkKey(id: "k2", secret: Array(repeating: 8, count: 32))
        let old = LinkSigner(keys: [key]).token(for: claim)
        let both = LinkSigner(keys: [newest, key])
        #expect(try both.verify(old, at: Fixtures.now) == claim)
        #expect(throws: LinkError.unknownKey) { try LinkSigner(keys: [newest]).verify(old, at: Fixtures.now) }
        #expect(try LinkSigner(keys: [newest]).verify(both.token(for: claim), at: Fixtures.now) == claim)
    }

    @Test func anotherKeyOfTheSameNameIsABadSignature() {
        let token = LinkSigner(keys: [key]).token(for: claim)
        let other = LinkSigner(keys: [LinkKey(id: "k1", secret: Array(repeating: 9, count: 32))])
        #expect(throws: LinkError.badSignature) { try other.verify(token, at: Fixtures.now) }
    }

    @Test func everyFlippedBitIsFound() throws {
        let signer = LinkSigner(keys: [key])
        let bytes = try #require(Base64URL.decode(signer.token(for: claim)))
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << UInt8(bit)
                #expect(throws: LinkError.self) { try signer.verify(Base64URL.encode(changed), at: Fixtures.now) }
            }
        }
    }

    @Test func itExpiresAtItsMomentAndSaysWhatItWas() throws {
        let signer = LinkSigner(keys: [key])
        let token = signer.token(for: claim)
        #expect(try signer.verify(token, at: claim.expiresAt.addingTimeInterval(-0.001)) == claim)
        #expect(throws: LinkError.expired(claim)) { try signer.verify(token, at: claim.expiresAt) }
    }

    @Test(arguments: ["", "x", "====", "AQ", String(repeating: "A", count: 300), "a/b", "é"])
    func rubbishIsMalformed(token: String) {
        #expect(throws: LinkError.malformed) { try LinkSigner(keys: [key]).verify(token, at: Fixtures.now) }
    }

    @Test func aTokenHasOneSpelling() throws {
        let signer = LinkSigner(keys: [key])
        let token = signer.token(for: claim)
        #expect(throws: LinkError.malformed) { try signer.verify(token + "=", at: Fixtures.now) }
    }

    @Test func messagesOfOneStepHaveTheSameLinksWheneverTheyAreMade() throws {
        let configuration = try NotificationConfiguration(
            publicURL: "https://m.example/", runbooks: ["fallback_spike": "https://r.example"])
        let signer = LinkSigner(keys: [key])
        let links = MessageLinks(
            alert: Fixtures.alertID, status: .open, alertType: "fallback_spike", since: Fixtures.opened, receiver: "oncall",
            configuration: configuration, signer: signer)
        for (link, action) in [(links.acknowledge, LinkClaim.Action.acknowledge), (links.resolve, .resolve), (links.open, .open)] {
            let path = try #require(link?.split(separator: "https://m.example/a/").first.map(String.init))
            #expect(
                try signer.verify(path, at: Fixtures.now)
                    == LinkClaim(
                        action: action, subject: .alert(Fixtures.alertID), receiver: "oncall",
                        expiresAt: Fixtures.opened.addingTimeInterval(7 * 86_400)))
        }
        #expect(links.runbook == "https://r.example")
        let over = MessageLinks(
            alert: Fixtures.alertID, status: .resolved, alertType: "fallback_spike", since: Fixtures.opened, receiver: "oncall",
            configuration: configuration, signer: signer)
        #expect(over.acknowledge == nil && over.resolve == nil && over.open != nil)
    }

    @Test func aShortConfiguredKeyIsRefused() throws {
        #expect(throws: NotificationConfigurationError(.invalidSetting, "the link key has at least 16 bytes")) {
            try LinkKey(configured: "short")
        }
        #expect(try LinkKey(configured: "0123456789abcdef") == LinkKey(configured: "0123456789abcdef"))
    }
}
