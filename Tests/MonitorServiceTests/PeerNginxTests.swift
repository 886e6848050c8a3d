import Foundation
import Subprocess
import TestSupport
import Testing
import WebTransport

/// What messages meet in the world: nginx, which takes bodies in whole and keeps connections, in the clear and over TLS.
@Suite(
    .enabled(if: PeerProgram.find("nginx") != nil, PeerProgram.hint("nginx")),
    .enabled(if: PeerProgram.find("openssl") != nil, PeerProgram.hint("openssl")), .timeLimit(.minutes(1)))
struct PeerNginxTests {
    @Test(arguments: ["http", "https"]) func twoHundredPostsShareAFewConnections(_ scheme: String) async throws {
        let nginx = try #require(PeerProgram.find("nginx"))
        try await withPeerDirectory(isOpenToAll: true) { directory in
            try await Self.makeCertificate(directory)
            let port = try HTTPFixture.unusedPort()
            let configuration = "\(directory)/nginx.conf"
            try Self.configuration(directory, port: port, isSecure: scheme == "https")
                .write(toFile: configuration, atomically: true, encoding: .utf8)
            try await nginx.serve(
                ["-p", directory, "-e", "\(directory)/error.log", "-c", configuration], group: true, log: "\(directory)/output.log"
            ) {
                let transport = WebTransport(WebTransportConfiguration(maxConnections: 8, caFile: "\(directory)/certificate.pem"))
                let address = "\(scheme)://127.0.0.1:\(port)"
                try await eventually("nginx answers", timeout: .seconds(10)) {
                    (try? await transport.send(WebRequest(url: "\(address)/ready", addresses: .any)))?.status == 200
                }
                let answers = try await Self.post(transport, "\(address)/hook")
                await transport.close()
                #expect(answers.count == Self.bodies.count)
                #expect(answers.allSatisfy { $0.status == 200 && $0.text == "taken" })
                // One of them was opened by the first look.
                let opened = answers.reduce(0) { $0 + $1.newConnections }
                #expect((0..<8).contains(opened))

                // A line is written when a request is over, which its sender may hear of first.
                try await eventually("every request is in the log") { try Self.log(directory).count >= Self.bodies.count }
                let log = try Self.log(directory)
                #expect(log.map(\.body).sorted() == Self.bodies.sorted())
                #expect(Set(log.map(\.scheme)) == [scheme])
                #expect((1...8).contains(Set(log.map(\.connection)).count))
            }
        }
    }

    // MARK: -

    /// Each another, of 2 KB.
    private static let bodies = (0..<200).map { number in
        "message \(number) " + String(repeating: "x", count: 2048 - "message \(number) ".utf8.count)
    }

    private static func post(_ transport: WebTransport, _ url: String) async throws -> [WebResponse] {
        try await withThrowingTaskGroup(of: WebResponse.self) { group in
            for body in bodies {
                group.addTask {
                    try await transport.send(WebRequest(method: "POST", url: url, body: Array(body.utf8), addresses: .any))
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    private struct Line {
        var scheme: String
        var connection: String
        var body: String
    }

    private static func log(_ directory: String) throws -> [Line] {
        try String(contentsOfFile: "\(directory)/access.log", encoding: .utf8).split(separator: "\n").compactMap { line in
            let parts = line.split(separator: " ", maxSplits: 2).map(String.init)
            return parts.count == 3 ? Line(scheme: parts[0], connection: parts[1], body: parts[2]) : nil
        }
    }

    private static func makeCertificate(_ directory: String) async throws {
        let openssl = try #require(PeerProgram.find("openssl"))
        let made = try await openssl.run([
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=nginx",
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "\(directory)/key.pem", "-out", "\(directory)/certificate.pem",
        ])
        #expect(made.succeeded, "\(made.errors)")
    }

    /// `/hook` passes requests on, since nginx reads a body only for somebody who wants it: a second server, on a socket.
    private static func configuration(_ directory: String, port: Int, isSecure: Bool) -> String {
        """
        daemon off;
        worker_processes 1;
        pid \(directory)/nginx.pid;
        error_log \(directory)/error.log;
        events { worker_connections 64; }
        http {
            log_format bodies escape=none '$scheme $connection $request_body';
            access_log off;
            client_body_temp_path \(directory)/body;
            proxy_temp_path \(directory)/proxy;
            fastcgi_temp_path \(directory)/fastcgi;
            uwsgi_temp_path \(directory)/uwsgi;
            scgi_temp_path \(directory)/scgi;
            server {
                listen 127.0.0.1:\(port)\(isSecure ? " ssl" : "");
                \(isSecure ? "ssl_certificate \(directory)/certificate.pem; ssl_certificate_key \(directory)/key.pem;" : "")
                keepalive_requests 1000;
                location /ready { return 200 ready; }
                location /hook {
                    access_log \(directory)/access.log bodies;
                    proxy_pass http://unix:\(directory)/application.sock:/;
                }
            }
            server {
                listen unix:\(directory)/application.sock;
                location / { return 200 taken; }
            }
        }
        """
    }
}
