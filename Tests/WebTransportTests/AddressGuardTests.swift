import TestSupport
import Testing
import WebTransport

@Suite(.timeLimit(.minutes(1))) struct AddressGuardTests {
    private func failure(_ transport: WebTransport, _ request: WebRequest) async -> WebTransportError? {
        do throws(WebTransportError) {
            _ = try await transport.send(request)
            return nil
        } catch {
            return error
        }
    }

    /// Addresses of this machine, as a URL may spell them.
    static let spellings = [
        "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "017700000001", "0177.0.0.1", "0", "0.0.0.0",
        "localhost",
        "LOCALHOST", "127.1.2.3", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    ]

    @Test(arguments: spellings) func loopbackIsBlockedHoweverItIsSpelt(_ host: String) async throws {
        let server = try HTTPFixture()
        let transport = WebTransport()
        let error = await failure(transport, WebRequest(url: server.url(host: host)))
        #expect(error?.code == .blockedAddress)
        #expect(error?.isRetryable == false)
        #expect(server.connections == 0)
        await transport.close()
    }

    @Test(arguments: ["127.0.0.1", "2130706433", "0x7f000001", "017700000001", "0", "localhost", "[::ffff:127.0.0.1]"])
    func theSameSpellingsConnectWhenAllowed(_ host: String) async throws {
        let server = try HTTPFixture()
        let transport = WebTransport()
        #expect(try await transport.send(WebRequest(url: server.url(host: host), addresses: .any)).status == 200)
        await transport.close()
    }

    @Test(arguments: [
        "10.0.0.1", "169.254.169.254", "192.168.1.1", "[::1]", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
    ])
    func otherReservedAddresses(_ host: String) async {
        let transport = WebTransport()
        #expect(await failure(transport, WebRequest(url: "http://\(host)/", timeout: .seconds(2)))?.code == .blockedAddress)
        await transport.close()
    }

    @Test func aGuardedRequestNeverUsesAnOpenConnectionOfAnUnguardedOne() async throws {
        let server = try HTTPFixture()
        let transport = WebTransport()
        #expect(try await transport.send(WebRequest(url: server.url(), addresses: .any)).newConnections == 1)
        #expect(await failure(transport, WebRequest(url: server.url()))?.code == .blockedAddress)
        #expect(try await transport.send(WebRequest(url: server.url(), addresses: .any)).newConnections == 0)
        #expect(server.requests.count == 2)
        await transport.close()
    }

    @Test func theErrorTellsTheAddressAndNotTheURL() async throws {
        let server = try HTTPFixture()
        let transport = WebTransport()
        let error = await failure(transport, WebRequest(url: server.url("/services/secret", host: "user:secret@localhost")))
        let text = try #require(error.map { "\($0)" })
        #expect(text.contains("blocked_address"))
        #expect(!text.contains("secret"))
        #expect(!text.contains("localhost"))
        await transport.close()
    }
}
