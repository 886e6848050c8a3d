/// A directory with PostgreSQL's programs.
public struct PostgresInstallation: Sendable, Hashable {
    /// Oldest major version that the schema works on.
    public static let oldestVersion = 15

    /// Where `postgres`, `initdb` and `pg_ctl` are.
    public var binDirectory: String

    /// Its major version, such as 15.
    public var version: Int

    /// The major version in what `postgres --version` prints; nil where it is something else.
    ///
    /// `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)` is 15, `postgres (PostgreSQL) 19beta1` is 19.
    static func majorVersion(of text: String) -> Int? {
        text.firstMatch(of: /\(PostgreSQL\) (\d+)/).flatMap { Int($0.output.1) }
    }
}
