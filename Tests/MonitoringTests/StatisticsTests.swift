import Postgres
import TestSupport
import Testing

/// Known values were computed with SciPy 1.17 (gammaln, betainc, betaincinv).
@Suite(.enabled(if: TestDatabase.isAvailable, TestDatabase.hint))
struct StatisticsTests {
    private static func close(_ value: Double, to known: Double, within relative: Double) -> Bool {
        abs(value - known) <= relative * max(abs(known), 1e-300)
    }

    private func values(_ sql: String, _ rows: [[Double]]) async throws -> [Double] {
        try await withTestDatabase(schema: true) { database in
            var values: [Double] = []
            for row in rows { values.append(try await database.client.query(sql, row.map { .double($0) })[0].decode("value")) }
            return values
        }
    }

    @Test("log-gamma agrees with known values")
    func logGamma() async throws {
        let known = [
            (0.001, 6.907178885383853), (0.5, 0.5723649429247), (1.5, -0.12078223763524526), (7.25, 7.0521854507385395),
            (10.0, 12.801827480081469), (123.4, 469.3360974421906), (30000.0, 279264.3442843095),
        ]
        let values = try await values("SELECT monitoring_log_gamma($1::float8) AS value", known.map { [$0.0] })
        for (value, row) in zip(values, known) { #expect(abs(value - row.1) <= 1e-12 * max(1, abs(row.1)), "log-gamma of \(row.0)") }
    }

    @Test("the regularized incomplete beta function agrees with known values, far in the tail too")
    func incompleteBeta() async throws {
        let known = [
            [0.3, 2, 3, 0.34829999999999994],
            [0.01, 5, 200, 0.05540973034281645],
            [0.5, 0.5, 0.5, 0.5000000000000001],
            [0.02, 40, 600, 5.063750286639954e-10],
            [0.001, 60, 3000, 4.7913040063775134e-55],
            [0.97, 900, 20, 0.053387486081619195],
            [0.25, 10000, 30000, 0.5007677677977396],
        ]
        let values = try await values(
            "SELECT monitoring_incomplete_beta($1::float8, $2::float8, $3::float8) AS value", known.map { Array($0.dropLast()) })
        for (value, row) in zip(values, known) { #expect(Self.close(value, to: row[3], within: 1e-9), "\(row)") }
    }

    @Test("the incomplete beta function has its ends: 0 at 0, 1 at 1, and complements to 1")
    func ends() async throws {
        let sql = "SELECT monitoring_incomplete_beta($1::float8, $2::float8, $3::float8) AS value"
        let values = try await values(sql, [[0, 2, 3], [1, 2, 3], [0.3, 2, 3], [0.7, 3, 2]])
        #expect(values[0] == 0 && values[1] == 1)
        #expect(abs(values[2] + values[3] - 1) < 1e-14)
    }

    @Test("the exact test of two counts agrees with known values")
    func ratioTest() async throws {
        let known = [
            [5, 0.4, 30, 9.211950643434194e-05],
            [12, 4, 100, 0.0013055216857263481],
            [62, 8, 400, 3.9547092583646654e-32],
            [40, 10, 500, 1.8126614134466126e-12],
            [9.5, 3.25, 17.5, 0.010338337804303039],
            [300, 100, 5000, 8.988285422797363e-57],
            [1500, 1200, 4000, 2.4274486853409427e-13],
        ]
        let values = try await values(
            "SELECT monitoring_poisson_ratio_p($1::float8, $2::float8, $3::float8) AS value", known.map { Array($0.dropLast()) })
        for (value, row) in zip(values, known) { #expect(Self.close(value, to: row[3], within: 1e-9), "\(row)") }
    }

    @Test(
        "nothing seen proves nothing, and neither does a baseline without weight",
        arguments: [([0, 4, 100], 1.0), ([12, 4, 0], 1.0), ([12, 0, 100], 0.0)])
    func edges(row: [Double], known: Double) async throws {
        let values = try await values("SELECT monitoring_poisson_ratio_p($1::float8, $2::float8, $3::float8) AS value", [row])
        #expect(values == [known])
    }

    @Test("the lower bound agrees with known values")
    func bound() async throws {
        let known = [
            [5, 0.4, 30, 0.0001, 1.0179818492305674],
            [40, 10, 500, 0.001, 2.285962071060476],
            [62, 8, 400, 1e-05, 4.099254865223041],
            [300, 100, 5000, 1e-05, 2.3020427057688373],
            [1500, 1200, 4000, 1e-05, 1.0967066711372244],
            [238, 207, 0.1, 1e-05, 0.009491668020498148],
            [6, 2, 2000, 0.05, 1.3050765012190082],
        ]
        let values = try await values(
            "SELECT monitoring_poisson_ratio_bound($1::float8, $2::float8, $3::float8, $4::float8) AS value",
            known.map { Array($0.dropLast()) })
        for (value, row) in zip(values, known) { #expect(Self.close(value, to: row[4], within: 1e-6), "\(row)") }
    }

    @Test("the lower bound is above 1 exactly where the test passes")
    func boundAndTestAgree() async throws {
        let disagreeing = try await withTestDatabase(schema: true) { database in
            try await database.client.query(
                """
                SELECT seen, expected, weight
                FROM (VALUES (5), (8), (20), (21), (35), (120), (1500)) x (seen), (VALUES (0.4), (4), (11), (60), (1200)) e (expected),
                    (VALUES (3), (50), (4000)) b (weight)
                WHERE (monitoring_poisson_ratio_p(seen, expected, weight) < 1e-5)
                    <> (monitoring_poisson_ratio_bound(seen, expected, weight, 1e-5) > 1)
                """
            ).count
        }
        #expect(disagreeing == 0)
    }
}
