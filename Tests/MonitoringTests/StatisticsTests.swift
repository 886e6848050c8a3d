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

    @Test("the lower bound of whatever there may be is a number")
    func boundOfAnything() async throws {
        try await withTestDatabase(schema: true) { database in
            let count: Int = try await database.client.query(
                """
                SELECT count(*) AS count
                FROM unnest('{1e-12,1e-5,1e-3,0.5,1,40,1e5,1e9}'::float8[]) AS seen
                CROSS JOIN unnest('{1e-9,1e-4,1,300,1e7}'::float8[]) AS expected
                CROSS JOIN unnest('{1e-6,1e-2,1,1000,1e9}'::float8[]) AS weight
                CROSS JOIN unnest('{1e-12,1e-5,0.05}'::float8[]) AS level
                CROSS JOIN LATERAL monitoring_poisson_ratio_bound(seen, expected, weight, level) AS bound
                WHERE bound >= 0 AND bound < 'infinity'
                """)[0].decode("count")
            #expect(count == 8 * 5 * 5 * 3)
        }
    }

    @Test("the test of too few events agrees with known values, and proves nothing where nothing is expected")
    func shortfall() async throws {
        let known = [
            [3, 12, 100, 0.003362812458453329],
            [0, 4, 100, 0.01980004011392035],
            [0, 30, 5, 5.949901826619859e-05],
            [20, 60, 400, 1.1977067390140861e-08],
            [9.5, 33.25, 17.5, 0.0012575919444747193],
            [300, 500, 5000, 1.158306400255234e-20],
            [1000, 1200, 4000, 8.492475470092583e-08],
            [0, 0, 100, 1],
            [3, 12, 0, 1],
        ]
        let values = try await values(
            "SELECT monitoring_poisson_shortfall_p($1::float8, $2::float8, $3::float8) AS value", known.map { Array($0.dropLast()) })
        for (value, row) in zip(values, known) { #expect(Self.close(value, to: row[3], within: 1e-9), "\(row)") }
    }

    @Test("what too few events prove agrees with known values, with none at all too")
    func shortfallBound() async throws {
        let known = [
            [3, 12, 100, 0.001, 0.873541184416327],
            [0, 30, 500, 1e-06, 2.141610562863908],
            [0, 4, 100, 0.0001, 0.4146014498512731],
            [20, 60, 400, 1e-05, 1.2483764430384947],
            [300, 500, 5000, 1e-06, 1.2680817325340004],
            [9.5, 33.25, 17.5, 0.01, 1.307363251778403],
            [3, 0, 100, 0.001, 0],
            [0, 4, 0.01, 1e-05, 0],
        ]
        let values = try await values(
            "SELECT monitoring_poisson_shortfall_bound($1::float8, $2::float8, $3::float8, $4::float8) AS value",
            known.map { Array($0.dropLast()) })
        for (value, row) in zip(values, known) { #expect(Self.close(value, to: row[4], within: 1e-6), "\(row)") }
    }

    @Test("the chi-square tail agrees with known values on both sides of the mean, and far out")
    func chiSquare() async throws {
        let known = [
            [21.1, 3, 0.00010036000453271664],
            [0.5, 1, 0.47950012218695337],
            [3, 3, 0.3916251762710877],
            [200, 10, 1.6139305336977317e-37],
            [40, 39, 0.42555940164393696],
            [1400, 3, 2.945619361016289e-303],
            [0.001, 50, 1],
            [1e-9, 1, 0.999974768674784],
            [250, 199, 0.008230113044724758],
            [0, 4, 1],
            [1500, 10000, 1],
        ]
        let values = try await values(
            "SELECT monitoring_chi_square_p($1::float8, $2::float8) AS value", known.map { Array($0.dropLast()) })
        for (value, row) in zip(values, known) { #expect(Self.close(value, to: row[2], within: 1e-9), "\(row)") }
    }

    @Test("the chi-square quantile agrees with known values, with one degree of freedom and with many")
    func chiSquareQuantile() async throws {
        let known = [
            [0.0001, 3, 21.10751346616021],
            [1.4e-05, 1, 18.869129978615927],
            [1.4e-05, 9, 38.52995453213545],
            [0.05, 2, 5.991464547107983],
            [0.5, 1, 0.4549364231195724],
            [1e-08, 1, 32.84125336123679],
            [1e-08, 5, 45.79458712308457],
            [1e-06, 199, 308.6009667688487],
        ]
        let values = try await values(
            "SELECT monitoring_chi_square_quantile($1::float8, $2::float8) AS value", known.map { Array($0.dropLast()) })
        for (value, row) in zip(values, known) { #expect(Self.close(value, to: row[2], within: 1e-6), "\(row)") }
    }

    @Test("the log-likelihood over the expectation agrees with known values, and is nought where the two agree")
    func likelihood() async throws {
        let known = [
            [12, 4, 5.1833474640173165], [0, 4, 4], [4, 4, 0], [1, 9, 5.80277542266378], [1e6, 9.9e5, 50.33585350150679],
            [2.5, 0.01, 11.313652294655615],
        ]
        let values = try await values(
            "SELECT monitoring_poisson_likelihood($1::float8, $2::float8) AS value", known.map { Array($0.dropLast()) })
        for (value, row) in zip(values, known) { #expect(Self.close(value, to: row[2], within: 1e-9), "\(row)") }
    }

    @Test(
        "the dispersion of blocks: each longer one drawn by three blocks to the one before, where hours scatter at all",
        arguments: [
            // (56 * 2 * 56 / 55 + 3 * 1.5) / 59 = 2.00909; (7 * 3 * 7 / 6 + 3 * 2.00909) / 10.
            ("{1.5,2,3}", "{168,56,7}", 3.0527272727272727), ("{1.2,2,3}", "{168,56,7}", 1.2), ("{0.5,2,3}", "{168,56,7}", 1),
            ("{1.5,NULL,3}", "{168,56,1}", 1.5), ("{2,1,1}", "{168,56,7}", 2), ("{NULL,4}", "{168,56}", 1), ("{}", "{}", 1),
        ])
    func dispersionOfBlocks(dispersions: String, blocks: String, known: Double) async throws {
        let value: Double = try await withTestDatabase(schema: true) { database in
            try await database.client.query(
                "SELECT monitoring_dispersion_of_blocks($1::float8[], $2::int[]) AS value", [.text(dispersions), .text(blocks)])[0]
                .decode("value")
        }
        #expect(Self.close(value, to: known, within: 1e-12))
    }

    @Test("the level of a test falls with the root of what is usual in a day, and of the dispersion; under 17 a day it is steep")
    func level() async throws {
        let known = [
            [50, 1, 1e-5], [200, 1, 5e-6], [5000, 4, 5e-7], [25, 1, 1.4142135623730951e-5], [12.5, 1, 3.2e-5], [10, 1, 5e-5],
            [10, 4, 2.5e-5], [5, 1, 1.2e-4], [1, 1, 1.2e-4], [0, 1, 1.2e-4], [50, 4, 5e-6],
        ]
        let values = try await values(
            #"SELECT monitoring_level('{"significance": 1e-5}', $1::float8, $2::float8) AS value"#, known.map { Array($0.dropLast()) })
        for (value, row) in zip(values, known) { #expect(Self.close(value, to: row[2], within: 1e-12), "\(row)") }
    }
}
