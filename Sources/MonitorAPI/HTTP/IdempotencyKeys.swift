import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Monitoring
import NIOCore
import Postgres

/// Requests that carry an Idempotency-Key are done once, in whichever process, and answered alike for a day.
///
/// What is kept is the answer of what was done, or could not be for a reason that lies in the data (404, 409). What failed
/// otherwise is not kept: the same request may be sent again. A process that dies between doing and keeping leaves a claim that
/// ends by itself, and the request is then done again.
struct IdempotencyKeys: Sendable {
    private static let timeout = Duration.seconds(5)
    /// More than this is not kept.
    private static let largestAnswer = 1 << 20

    /// Whose key, and what it came with.
    private struct Claim: Sendable {
        var credential: String
        var key: String
        var request: [UInt8]
        var id = UUID()
    }

    let client: PostgresClient
    /// How long a second request waits for the first one's answer.
    var patience = Duration.seconds(10)

    /// The answer of the first request with that key; `serve` is asked where this is the first.
    ///
    /// - Parameter deadline: Of `serve`.
    /// - Throws: 422 where the key came with another request, 409 where the first one takes too long, and what `serve` throws.
    func answer(
        _ key: String, of call: Call, deadline: Duration, _ serve: () async throws -> Response
    ) async throws -> Response {
        let claim = Claim(
            credential: call.principal.credential, key: key, request: Self.digest(call.request, call.body))
        let limit = ContinuousClock.now + patience
        var pause = Duration.milliseconds(20)
        while true {
            let lease = deadline + .seconds(10)
            if try await take(claim, lease: lease) { return try await first(claim, call.context.logger, serve) }
            if let first = try await standing(claim) {
                guard first.request == claim.request else {
                    throw Problem(.keyReused, "This Idempotency-Key came with another request before.")
                }
                if let answer = first.answer { return answer }
            }
            guard ContinuousClock.now + pause < limit else {
                throw Problem(
                    .keyInUse, "The first request with this Idempotency-Key is still being served.", headers: [.retryAfter: "5"])
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(250))
        }
    }

    private func first(_ claim: Claim, _ logger: Logger, _ serve: () async throws -> Response) async throws -> Response {
        do {
            let response = try await serve()
            await keep(response, claim, logger)
            return response
        } catch {
            let problem = Problem(describing: error)
            if [.notFound, .conflict].contains(problem.kind.status) {
                await keep(problem.response(), claim, logger)
            } else {
                await finish(claim, logger, Self.release, [])
            }
            throw error
        }
    }

    private func keep(_ response: Response, _ claim: Claim, _ logger: Logger) async {
        guard let body = try? await response.wholeBody(), body.readableBytes <= Self.largestAnswer else {
            return await finish(claim, logger, Self.release, [])
        }
        await finish(
            claim, logger, Self.record,
            [.int(response.status.code), .text(response.headers[.contentType]), .bytes(Array(body.readableBytesView))])
    }

    /// To its end, although the client may have gone. Where it fails the claim ends by itself.
    private func finish(_ claim: Claim, _ logger: Logger, _ sql: String, _ parameters: [PostgresValue]) async {
        let all: [PostgresValue] = [.text(claim.credential), .text(claim.key), .uuid(claim.id)] + parameters
        do {
            try await Task { _ = try await client.query(sql, all, timeout: Self.timeout) }.value
        } catch {
            logger.warning("The answer to a request with an idempotency key was not kept", metadata: ["error": "\(error)"])
        }
    }

    private func take(_ claim: Claim, lease: Duration) async throws -> Bool {
        let seconds = Double(lease.components.seconds)
        return try await client.query(
            Self.claim,
            [.text(claim.credential), .text(claim.key), .uuid(claim.id), .bytes(claim.request), .double(seconds)], timeout: Self.timeout
        ).affectedRows > 0
    }

    private func standing(_ claim: Claim) async throws -> (request: [UInt8], answer: Response?)? {
        guard let row = try await client.query(Self.first, [.text(claim.credential), .text(claim.key)], timeout: Self.timeout).first else {
            return nil
        }
        let request: [UInt8] = try row.decode("request")
        guard let status: Int = try row.decode("status") else { return (request, nil) }
        var headers: HTTPFields = [.idempotencyReplayed: "true", .cacheControl: "no-store"]
        headers[.contentType] = try row.decode("content_type")
        let body: [UInt8] = try row.decode("answer")
        return (request, Response(status: .init(code: status), headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: body))))
    }

    private static func digest(_ request: Request, _ body: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        for part in [Array(request.method.rawValue.utf8), [0], Array(request.uri.path.utf8), [0], body] { hash.update(data: part) }
        return Array(hash.finalize())
    }

    /// A row where the key is free: new, older than a day, or left by a process that died with the same request.
    private static let claim = """
        INSERT INTO monitoring_idempotency_keys AS held (credential, key, claim, request, claimed_until)
        VALUES ($1::text, $2::text, $3::uuid, $4::bytea, now() + make_interval(secs => $5::double precision))
        ON CONFLICT (credential, key) DO UPDATE
        SET claim = excluded.claim, request = excluded.request, claimed_until = excluded.claimed_until, created_at = now(),
            status = NULL, content_type = NULL, answer = NULL
        WHERE held.created_at < now() - interval '1 day'
           OR held.status IS NULL AND held.claimed_until < now() AND held.request = excluded.request
        """

    private static let first = """
        SELECT request, status, content_type, answer
        FROM monitoring_idempotency_keys
        WHERE credential = $1::text AND key = $2::text
        """

    /// What is a day old goes with it, a hundred at a time.
    private static let record = """
        WITH old AS (
            SELECT credential, key
            FROM monitoring_idempotency_keys
            WHERE created_at < now() - interval '1 day'
            ORDER BY created_at
            LIMIT 100
            FOR UPDATE SKIP LOCKED
        ), forgotten AS (
            DELETE FROM monitoring_idempotency_keys held USING old WHERE held.credential = old.credential AND held.key = old.key
        )
        UPDATE monitoring_idempotency_keys
        SET status = $4::integer, content_type = $5::text, answer = $6::bytea
        WHERE credential = $1::text AND key = $2::text AND claim = $3::uuid
        """

    private static let release = """
        DELETE FROM monitoring_idempotency_keys
        WHERE credential = $1::text AND key = $2::text AND claim = $3::uuid AND status IS NULL
        """
}
