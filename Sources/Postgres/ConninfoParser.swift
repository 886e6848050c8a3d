import CLibPQ

/// `PQconninfoParse` with errors that quote nothing of the string but the name of a keyword.
enum ConninfoParser {
    /// The options that `conninfo` names, without defaults.
    static func parse(_ conninfo: String) throws(PostgresError) -> [String: String] {
        guard !conninfo.utf8.contains(0) else { throw error("it holds a zero byte") }
        // libpq ends a password at the first @, and would look up what is left of it as a host, aloud.
        if holdsStrayAt(conninfo) {
            throw error("a host or the database's name holds an @: an @ in a user or password is written %40")
        }
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(conninfo, &message) else {
            let text = message.map { String(cString: $0) } ?? "out of memory"
            PQfreemem(message)
            throw error(explanation(text))
        }
        defer { PQconninfoFree(options) }
        var result: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { result[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        for port in result["port"]?.split(separator: ",") ?? [] where UInt16(port).map({ $0 > 0 }) != true {
            throw error("the port is no number from 1 to 65535")
        }
        return result
    }

    /// Own words for libpq's message, which may quote any part of the string, the password included.
    ///
    /// | libpq says | we say |
    /// | --- | --- |
    /// | invalid connection option "hots" | there is no keyword hots |
    /// | invalid URI query parameter: "sslmod" | there is no keyword sslmod |
    /// | missing "=" after "x" in connection info string | keywords and values are written keyword=value |
    /// | invalid port number: "x" | the port is no number |
    /// | anything else | libpq cannot read it |
    static func explanation(_ message: String) -> String {
        if message.contains("invalid connection option") || message.contains("invalid URI query parameter") {
            let quoted = message.split(separator: "\"", omittingEmptySubsequences: false)
            if quoted.count >= 3, isKeyword(quoted[1]) { return "there is no keyword \(quoted[1])" }
            return "it holds an unknown keyword"
        }
        if message.contains("missing \"=\"") { return "keywords and values are written keyword=value, and values with spaces in quotes" }
        if message.contains("unterminated quoted string") { return "a quotation mark is not closed" }
        if message.contains("percent-encoded") { return "a character after % is no hexadecimal digit (write % as %25)" }
        if message.contains("IPv6") { return "an IPv6 address is not written [address]" }
        if message.contains("invalid port") { return "the port is no number" }
        return "libpq cannot read it"
    }

    /// Whether a URI has an @ between its user and its parameters.
    private static func holdsStrayAt(_ conninfo: String) -> Bool {
        guard let scheme = ["postgresql://", "postgres://"].first(where: conninfo.hasPrefix) else { return false }
        let address = conninfo.dropFirst(scheme.count)
        let user = address.prefix { $0 != "@" && $0 != "/" }
        return address.dropFirst(user.count).dropFirst().prefix { $0 != "?" }.contains("@")
    }

    private static func isKeyword(_ text: Substring) -> Bool {
        (1...32).contains(text.utf8.count) && text.utf8.allSatisfy { (97...122).contains($0) || $0 == 95 }
    }

    private static func error(_ text: String) -> PostgresError {
        PostgresError(.invalidConfiguration, message: "the conninfo is not valid: \(text)")
    }
}
