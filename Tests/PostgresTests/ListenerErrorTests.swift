import Postgres
import TestSupport
import Testing

@Suite struct ListenerErrorTests {
    @Test func everyFailureInARowIsToldWithItsNumber() async throws {
        let client = PostgresClient(try PostgresConfiguration("host=127.0.0.1 port=1 user=u dbname=d", connectTimeout: .seconds(1)))
        let (failures, continuation) = AsyncStream.makeStream(of: (code: PostgresError.Code?, count: Int).self)
        let notices = client.notifications(on: "news") { error, count in
            continuation.yield(((error as? PostgresError)?.code, count))
        }
        var seen = failures.makeAsyncIterator()
        for count in 1...3 {
            let failure = await seen.next()
            #expect(failure?.code == .connectionFailed && failure?.count == count)
        }
        await client.close()
        for await notice in notices { Issue.record("nothing listens, and yet: \(notice)") }
    }
}
