internal import Postgres
public import TestServer

extension TestDatabase {
    /// Its server behind a proxy that can fall silent, and the database's URL through it.
    public func stalling() async throws -> (proxy: StallingProxy, url: String) {
        let row = try await client.query(
            """
            SELECT host(inet_server_addr()) AS address, inet_server_port() AS address_port, current_setting('port')::integer AS port,
                   split_part(current_setting('unix_socket_directories'), ',', 1) AS directory
            """)[0]
        let server: StallingProxy.Server
        if let address: String = try row.decode("address") {
            server = .address(address, port: try row.decode("address_port"))
        } else {
            server = .path("\(try row.decode("directory") as String)/.s.PGSQL.\(try row.decode("port") as Int)")
        }
        let proxy = try StallingProxy(server)
        // The last of a parameter wins.
        guard url.contains("://") else { return (proxy, url + " host=127.0.0.1 port=\(proxy.port) sslmode=disable") }
        return (proxy, url + (url.contains("?") ? "&" : "?") + "host=127.0.0.1&port=\(proxy.port)&sslmode=disable")
    }
}
