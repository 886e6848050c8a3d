import CLibPQ

/// Where the database is and how long things may take.
public struct PostgresConfiguration: Sendable, Hashable, CustomStringConvertible {
    /// URI or keyword/value, as given: holds the password, never printed.
    let conninfo: String
    /// Sent unless the conninfo names another.
    let applicationName: String
    /// For one attempt, all hosts together.
    let connectTimeout: Duration
    /// For one statement that names no other.
    let queryTimeout: Duration
    /// To be taken out of error messages.
    let password: String?
    /// What the conninfo names besides who connects and how that is proved.
    private let place: [String: String]
    /// Host, port, user and database, as far as the conninfo names them.
    public let description: String

    /// Checks that libpq can read `conninfo`; does not connect.
    ///
    /// - Parameters:
    ///   - conninfo: a URI (`postgresql://user@host/database`) or keywords and values (`host=/run/postgresql dbname=torq`).
    ///   - applicationName: what `pg_stat_activity` shows; a name in the conninfo wins.
    ///   - connectTimeout: for one attempt to connect, all hosts of the conninfo together.
    ///   - queryTimeout: for a statement, where the call names no other.
    /// - Throws: `.invalidConfiguration`, naming the keyword at fault where there is one.
    public init(
        _ conninfo: String, applicationName: String = "torq-monitor", connectTimeout: Duration = .seconds(5),
        queryTimeout: Duration = .seconds(30)
    ) throws(PostgresError) {
        let options = try ConninfoParser.parse(conninfo)
        self.conninfo = conninfo
        self.applicationName = applicationName
        self.connectTimeout = connectTimeout
        self.queryTimeout = queryTimeout
        password = options["password"]
        var place = options.filter { !Self.credentials.contains($0.key) }
        // libpq's own default.
        place["dbname"] = options["dbname"] ?? options["user"]
        self.place = place
        // A whole conninfo mistaken for a database's name may hold a password.
        let shown = ["host", "hostaddr", "port", "user", "dbname"].compactMap { key in
            options[key].flatMap { $0.contains("=") || $0.contains("://") ? nil : "\(key)=\($0)" }
        }
        description = shown.isEmpty ? "libpq's defaults" : shown.joined(separator: " ")
    }

    /// What says who connects, how that is proved, and how the connection is kept secret: all that is changed when a secret is.
    private static let credentials: Set<String> = [
        "user", "password", "passfile", "sslcert", "sslkey", "sslpassword", "sslrootcert", "sslcrl", "sslcrldir", "sslmode",
        "channel_binding",
    ]

    /// Whether another one leads to the same database, by the same way and with the same options, whoever connects with it.
    public func leadsToTheSameDatabase(as other: PostgresConfiguration) -> Bool {
        place == other.place
    }

    /// `message` without the password, in case somebody's message quotes it.
    func redacted(_ message: String) -> String {
        guard let password, !password.isEmpty else { return message }
        return message.split(separator: password, omittingEmptySubsequences: false).joined(separator: "…")
    }
}
