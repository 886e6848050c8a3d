extension EmbeddedPostgres {
    /// Where to connect to the server that another process holds in this data directory right now.
    ///
    /// - Returns: nil where none runs; nothing is started, taken over or locked.
    public func conninfoOfRunningServer() async -> String? {
        guard let found = files.postmaster, isOurs(found), await answers(found) else { return nil }
        return Self.conninfo(of: found)
    }
}
