import Testing

@testable import Postgres

struct BackoffTests {
    @Test(
        "The pause doubles up to its limit, and half of it is drawn",
        arguments: [
            (0, 1.0, 0), (1, 0.0, 50), (1, 1.0, 100), (2, 0.0, 100), (2, 1.0, 200), (3, 0.5, 300), (6, 0.0, 1600), (6, 1.0, 3200),
            (7, 0.0, 2500), (7, 1.0, 5000), (1000, 1.0, 5000), (1, 7.0, 100), (1, -7.0, 50),
        ])
    func delays(failures: Int, jitter: Double, milliseconds: Int) {
        #expect(Backoff().delay(failures: failures, jitter: jitter) == .milliseconds(milliseconds))
    }
}
