import Testing

@testable import Postgres

struct ConfigurationTests {
    @Test(arguments: [
        ("postgresql://torq:hush@db.example:5433/monitor?sslmode=require", "host=db.example port=5433 user=torq dbname=monitor"),
        ("host=/run/postgresql password='hush' dbname=monitor", "host=/run/postgresql dbname=monitor"),
        ("dbname='postgresql://torq:hush@db/monitor'", "libpq's defaults"),
        ("", "libpq's defaults"),
    ])
    func theDescriptionShowsNoPassword(conninfo: String, description: String) throws {
        #expect(try PostgresConfiguration(conninfo).description == description)
    }

    private static let strayAt = "a host or the database's name holds an @: an @ in a user or password is written %40"

    @Test(arguments: [
        ("dbname=a@b host=@socket", "host=@socket dbname=a@b"),
        ("postgresql://torq@db/a%40b?application_name=x@y", "host=db user=torq dbname=a@b"),
        ("postgresql://torq:a%40b?c@db/monitor", "host=db user=torq dbname=monitor"),
    ])
    func anAtElsewhereIsLeftAlone(conninfo: String, description: String) throws {
        #expect(try PostgresConfiguration(conninfo).description == description)
    }

    @Test(arguments: [
        ("hots=db password=hush", "there is no keyword hots"),
        ("postgresql://db/monitor?sslmod=x&password=hush", "there is no keyword sslmod"),
        ("password=hush hush", "keywords and values are written keyword=value, and values with spaces in quotes"),
        ("password='hush", "a quotation mark is not closed"),
        ("postgresql://torq:hu%sh@db/", "a character after % is no hexadecimal digit (write % as %25)"),
        ("hUsh%=1", "it holds an unknown keyword"),
        ("host=a\0b", "it holds a zero byte"),
        ("postgresql://torq:hu@sh@db/monitor", strayAt), ("postgres://torq:hu@sh/x@db:5432/monitor", strayAt),
        ("postgresql://torq:12/hush@db/monitor", strayAt), ("postgresql:///hu@sh", strayAt), ("postgresql://torq:hu@sh:x@db", strayAt),
    ])
    func errorsNameTheKeywordAndQuoteNothing(conninfo: String, explanation: String) {
        let expected = PostgresError(.invalidConfiguration, message: "the conninfo is not valid: \(explanation)")
        #expect(throws: expected) { try PostgresConfiguration(conninfo) }
    }

    @Test(arguments: [
        ("postgresql://a:one@h/x", "postgresql://b:two@h/x?sslmode=require", true),
        ("postgresql://a:one@h/x", "host=h dbname=x user=a passfile=/p", true),
        ("postgresql://a@h", "postgresql://a:one@h/a", true),
        ("postgresql://a@h", "postgresql://b@h", false),
        ("postgresql://a@h/x", "postgresql://a@i/x", false),
        ("postgresql://a@h/x", "postgresql://a@h:5433/x", false),
        ("postgresql://a@h/x", "postgresql://a@h/y", false),
        ("postgresql://a@h/x", "postgresql://a@h/x?options=-csearch_path%3Dother", false),
    ])
    func aPasswordLeadsToNoOtherDatabase(first: String, second: String, same: Bool) throws {
        #expect(try PostgresConfiguration(first).leadsToTheSameDatabase(as: PostgresConfiguration(second)) == same)
    }

    @Test func aPasswordIsTakenOutOfForeignMessages() throws {
        let configuration = try PostgresConfiguration("postgresql://torq:p%40ss@db/monitor")
        #expect(configuration.redacted("no such host p@ss, p@ss") == "no such host …, …")
        #expect(try PostgresConfiguration("host=db").redacted("no such host") == "no such host")
    }
}
