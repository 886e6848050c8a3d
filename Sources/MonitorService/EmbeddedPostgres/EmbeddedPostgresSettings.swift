/// The files that configure the embedded server. They are ours and written anew at every start; what its owner wants otherwise
/// stands in `custom.conf` beside them.
enum EmbeddedPostgresSettings {
    /// postgresql.conf.
    ///
    /// Statements are not logged with an error: they may hold what a user typed. Log files end at 10 MB or a day, and the old
    /// ones are removed by `EmbeddedPostgresFiles.pruneLogs`.
    static func postgresqlConf(socketDirectory: String) -> String {
        """
        # Written by torq-monitor at every start. Put your own settings into custom.conf.
        listen_addresses = ''
        port = \(port)
        unix_socket_directories = '\(socketDirectory.replacing("'", with: "''"))'
        unix_socket_permissions = 0700
        max_connections = 50
        shared_buffers = 64MB
        jit = off
        fsync = on
        timezone = 'UTC'
        log_timezone = 'UTC'
        logging_collector = on
        log_directory = 'log'
        log_filename = 'postgresql-%Y%m%d-%H%M%S.log'
        log_file_mode = 0600
        log_rotation_size = 10MB
        log_rotation_age = 1d
        log_line_prefix = '%m [%p] '
        log_min_error_statement = panic
        log_parameter_max_length_on_error = 0
        include_if_exists = 'custom.conf'

        """
    }

    /// pg_hba.conf: no password on the socket, and nothing but the socket.
    ///
    /// Its directory (0700) belongs to the account that the server runs as, so only that account and root come as far as
    /// the socket, and both can read the cluster's files anyway: a password would keep out nobody, and would have to be kept
    /// on disk and handed around in a URL. `peer` cannot hold where root runs the service and another account the server.
    static let pgHBAConf = """
        # Written by torq-monitor at every start.
        local all all trust

        """

    /// Names the socket only: the server listens on no network.
    static let port = 5432

    /// Roles and database that every cluster has.
    static let user = "postgres"
    static let database = "postgres"
}
