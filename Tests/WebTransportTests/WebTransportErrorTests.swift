import Glibc
import Testing

@testable import WebTransport

@Suite struct WebTransportErrorTests {
    @Test(arguments: [
        (UInt32(3), CInt(0), WebTransportError.Code.invalidURL), (5, 0, .dns), (6, 0, .dns), (7, ECONNREFUSED, .refused),
        (7, EHOSTUNREACH, .unreachable), (7, ENETUNREACH, .unreachable), (7, ETIMEDOUT, .timeout), (7, ECONNRESET, .reset),
        (7, 0, .unreachable), (28, 0, .timeout), (35, 0, .tls), (60, 0, .tls), (77, 0, .tls), (52, 0, .reset), (55, 0, .reset),
        (56, 0, .reset), (18, 0, .reset), (1, 0, .invalidResponse), (8, 0, .invalidResponse), (42, 0, .other), (23, 0, .other),
        (27, 0, .other),
    ]) func codes(_ number: UInt32, _ systemError: CInt, _ code: WebTransportError.Code) {
        #expect(WebTransportError.Code(transportCode: number, systemError: systemError, wasBlocked: false, overflow: nil) == code)
    }

    @Test(arguments: [UInt32(7), 42]) func aBlockedAddressIsNotARefusal(_ number: UInt32) {
        #expect(
            WebTransportError.Code(transportCode: number, systemError: ECONNREFUSED, wasBlocked: true, overflow: nil) == .blockedAddress)
    }

    @Test func overflows() {
        #expect(WebTransportError.Code(transportCode: 23, systemError: 0, wasBlocked: false, overflow: .body) == .bodyTooLarge)
        #expect(WebTransportError.Code(transportCode: 23, systemError: 0, wasBlocked: false, overflow: .headers) == .invalidResponse)
    }

    @Test func rawValuesAreStable() {
        #expect(
            WebTransportError.Code.allCases.map(\.rawValue) == [
                "invalid_url", "unsupported_scheme", "invalid_header", "dns", "refused", "unreachable", "timeout", "tls", "reset",
                "blocked_address", "body_too_large", "invalid_response", "busy", "cancelled", "closed", "other",
            ])
    }

    @Test func descriptions() {
        #expect("\(WebTransportError(.dns))" == "dns")
        #expect("\(WebTransportError(.refused, remoteAddress: "192.0.2.7", transportCode: 7))" == "refused (192.0.2.7, code 7)")
    }

    @Test func nothingPrintsTheURL() {
        let request = WebRequest(url: "https://example.com/services/secret", headers: [("Authorization", "secret")])
        let configuration = WebTransportConfiguration(proxy: "http://user:secret@example.com")
        var dumped = ""
        dump(request, to: &dumped)
        dump(configuration, to: &dumped)
        for text in ["\(request)", String(reflecting: request), "\(configuration)", String(reflecting: configuration), dumped] {
            #expect(!text.contains("secret"))
        }
    }
}
