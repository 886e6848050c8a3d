/// The server's messages quote values and pieces of SQL; what we pass on must not.
enum ServerMessage {
    /// The message with what it quotes of values and SQL taken out; names of tables and constraints stay.
    ///
    /// | SQLSTATE | the server says | we say |
    /// | --- | --- | --- |
    /// | 22P02 | invalid input syntax for type integer: "x" | invalid input syntax for type integer: … |
    /// | 22003 | value "99999999999" is out of range for type integer | value … is out of range for type integer |
    /// | 42601 | syntax error at or near "x" | syntax error at or near … |
    /// | 23505 | duplicate key value violates unique constraint "a_pkey" | the same |
    static func withoutValues(_ message: String, sqlState: String?) -> String {
        guard let sqlState, sqlState.hasPrefix("22") || sqlState == "42601" else { return message }
        var message = message[...]
        // A value may hold quotation marks itself: everything between the first and the last goes.
        if let first = message.firstIndex(of: "\""), let last = message.lastIndex(of: "\"") {
            message = message[..<first] + (first == last ? "…" : "…" + message[message.index(after: last)...])
        }
        if sqlState.hasPrefix("22"), let colon = message.firstRange(of: ": ") {
            return message[..<colon.upperBound] + "…"
        }
        return String(message)
    }
}
