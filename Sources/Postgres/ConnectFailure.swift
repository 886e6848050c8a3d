/// Whether another attempt to connect can help. libpq gives no SQLSTATE for a connection that was refused, only the text.
enum ConnectFailure {
    /// The server refuses this user, password or database, and will again. Anything unknown may pass.
    static func isPermanent(_ message: String) -> Bool {
        guard message.contains("FATAL") else { return false }
        return ["authentication failed", "does not exist", "no pg_hba.conf entry", "is not permitted to log in", "no such database"]
            .contains { message.contains($0) }
    }
}
