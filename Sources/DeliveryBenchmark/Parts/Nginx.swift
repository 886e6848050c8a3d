import Foundation
import Glibc

/// nginx on loopback, which answers every request with 200: in the clear on one port, over TLS on another.
struct Nginx: Sendable {
    let port: Int
    let securePort: Int
    let certificate: String

    /// Runs one worker while `body` does; nil where nginx or openssl is not installed.
    static func run<R: Sendable>(
        _ folder: String, _ body: (_ nginx: Nginx, _ worker: ProcessFile) async throws -> R
    ) async throws -> R? {
        guard let program = ChildProcess.find("nginx"), let openssl = ChildProcess.find("openssl") else { return nil }
        let nginx = Nginx(
            port: try HookReceiver.unusedPort(), securePort: try HookReceiver.unusedPort(), certificate: "\(folder)/certificate.pem")
        _ = try await ChildProcess.run(
            openssl,
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=nginx",
                "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "\(folder)/key.pem", "-out", nginx.certificate,
            ], log: "\(folder)/openssl.log")
        try nginx.configuration(folder).write(toFile: "\(folder)/nginx.conf", atomically: true, encoding: .utf8)
        let child = try ChildProcess(
            program, ["-p", folder, "-e", "\(folder)/error.log", "-c", "\(folder)/nginx.conf"], log: "\(folder)/nginx.log")
        let result: Result<R, any Error>
        do {
            guard try await becomes(within: 10, { !child.file.children.isEmpty }), let worker = child.file.children.first else {
                throw Failure("nginx does not start")
            }
            // A moment for the worker to listen.
            try await Task.sleep(for: .milliseconds(200))
            result = .success(try await body(nginx, worker))
        } catch {
            result = .failure(error)
        }
        try await child.end(SIGTERM, within: 5)
        return try result.get()
    }

    private func configuration(_ folder: String) -> String {
        """
        daemon off;
        worker_processes 1;
        pid \(folder)/nginx.pid;
        error_log \(folder)/error.log;
        events { worker_connections 512; }
        http {
            access_log off;
            client_body_temp_path \(folder)/body;
            proxy_temp_path \(folder)/proxy;
            fastcgi_temp_path \(folder)/fastcgi;
            uwsgi_temp_path \(folder)/uwsgi;
            scgi_temp_path \(folder)/scgi;
            keepalive_requests 100000000;
            server {
                listen 127.0.0.1:\(port);
                location / { return 200; }
            }
            server {
                listen 127.0.0.1:\(securePort) ssl;
                ssl_certificate \(certificate);
                ssl_certificate_key \(folder)/key.pem;
                location / { return 200; }
            }
        }
        """
    }
}
