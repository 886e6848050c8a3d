import Foundation
import Glibc
import Testing
import WebTransport

/// Against OpenSSL's own server, with a certificate made for the occasion.
@Suite(.timeLimit(.minutes(1))) struct TLSTests {
    private final class Server {
        let certificate: String
        private(set) var port = 0
        private let folder: URL
        private let process = Process()

        /// A server for the name `localhost` on a free port.
        init() throws {
            folder = FileManager.default.temporaryDirectory.appendingPathComponent("torq-tls-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            certificate = folder.appendingPathComponent("cert.pem").path
            let key = folder.appendingPathComponent("key.pem").path
            let maker = Process()
            maker.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
            maker.arguments = [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate,
            ]
            maker.standardError = FileHandle.nullDevice
            try maker.run()
            maker.waitUntilExit()
            let output = Pipe()
            process.executableURL = maker.executableURL
            process.arguments = ["s_server", "-accept", "127.0.0.1:0", "-cert", certificate, "-key", key, "-www"]
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            process.standardInput = FileHandle.nullDevice
            try process.run()
            // It says "ACCEPT 127.0.0.1:PORT" once it listens.
            var text = ""
            while port == 0 {
                let data = output.fileHandleForReading.availableData
                if data.isEmpty { break }
                text += String(decoding: data, as: UTF8.self)
                if let line = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().first(where: {
                    $0.hasPrefix("ACCEPT")
                }) {
                    port = line.split(separator: ":").last.flatMap { Int($0) } ?? 0
                }
            }
        }

        func stop() {
            // Not SIGTERM: a child inherits its parent thread's mask, and the pool's threads block it.
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            try? FileManager.default.removeItem(at: folder)
        }
    }

    private func code(_ configuration: WebTransportConfiguration, _ url: String) async -> WebTransportError.Code? {
        let transport = WebTransport(configuration)
        var code: WebTransportError.Code?
        do throws(WebTransportError) {
            let response = try await transport.send(WebRequest(url: url, timeout: .seconds(5), addresses: .any))
            #expect(response.status == 200)
            #expect(response.timings.tls > response.timings.connect)
        } catch {
            code = error.code
        }
        await transport.close()
        return code
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"))) func certificatesAreChecked() async throws {
        let server = try Server()
        defer { server.stop() }
        try #require(server.port != 0)
        let trusting = WebTransportConfiguration(caFile: server.certificate)
        #expect(await code(trusting, "https://localhost:\(server.port)/") == nil)
        // Not the name that the certificate is for.
        #expect(await code(trusting, "https://127.0.0.1:\(server.port)/") == .tls)
        // Not trusted by the system.
        #expect(await code(WebTransportConfiguration(), "https://localhost:\(server.port)/") == .tls)
    }
}
