/// A type by its OID, as pg_type.dat of PostgreSQL has them; those of extensions and of users differ from database to database.
public struct PostgresType: Sendable, Hashable, CustomStringConvertible {
    /// pg_type.oid.
    public let oid: UInt32

    /// Any type.
    public init(oid: UInt32) {
        self.oid = oid
    }

    static let bool = PostgresType(oid: 16)
    static let bytea = PostgresType(oid: 17)
    static let char = PostgresType(oid: 18)
    static let name = PostgresType(oid: 19)
    static let int8 = PostgresType(oid: 20)
    static let int2 = PostgresType(oid: 21)
    static let int4 = PostgresType(oid: 23)
    static let text = PostgresType(oid: 25)
    static let oid = PostgresType(oid: 26)
    static let json = PostgresType(oid: 114)
    static let float4 = PostgresType(oid: 700)
    static let float8 = PostgresType(oid: 701)
    static let unknown = PostgresType(oid: 705)
    static let bpchar = PostgresType(oid: 1042)
    static let varchar = PostgresType(oid: 1043)
    static let date = PostgresType(oid: 1082)
    static let timestamp = PostgresType(oid: 1114)
    static let timestamptz = PostgresType(oid: 1184)
    static let numeric = PostgresType(oid: 1700)
    static let uuid = PostgresType(oid: 2950)
    static let jsonb = PostgresType(oid: 3802)

    /// Enums among them: their binary form is their label (domains come under the OID of the type they are made from).
    var isUserDefined: Bool { oid >= 16384 }

    private static let names: [UInt32: String] = [
        16: "bool", 17: "bytea", 18: "char", 19: "name", 20: "int8", 21: "int2", 23: "int4", 25: "text", 26: "oid", 114: "json",
        700: "float4", 701: "float8", 705: "unknown", 1000: "bool[]", 1001: "bytea[]", 1003: "name[]", 1005: "int2[]", 1007: "int4[]",
        1009: "text[]", 1015: "varchar[]", 1016: "int8[]", 1022: "float8[]", 1042: "bpchar", 1043: "varchar", 1082: "date",
        1083: "time", 1114: "timestamp", 1184: "timestamptz", 1185: "timestamptz[]", 1186: "interval", 1231: "numeric[]",
        1700: "numeric", 2249: "record", 2278: "void", 2950: "uuid", 2951: "uuid[]", 3802: "jsonb",
    ]

    /// The type's name where it is a usual one, else `oid 12345`.
    public var description: String { Self.names[oid] ?? "oid \(oid)" }
}
