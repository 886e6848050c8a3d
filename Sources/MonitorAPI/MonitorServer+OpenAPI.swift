import Logging
import Monitoring
import Notifications
import Postgres

extension MonitorServer {
    /// The description of the API, OpenAPI 3.1, as `/openapi.json` answers it where there are tokens; nothing is connected to.
    ///
    /// - Returns: UTF-8.
    public static func openAPIDocument() throws -> [UInt8] {
        let document = try describe()
        return try MonitoringJSON.encode(document.json)
    }

    /// What a test looks at: the document of all endpoints that can be.
    static func describe() throws -> OpenAPIDocument {
        let signer = LinkSigner(keys: [LinkKey(id: "none", secret: [UInt8](repeating: 0, count: 32))])
        let server = MonitorServer(
            configuration: try ListenerConfiguration(port: 0, slackSigningSecret: Secret("none")),
            client: PostgresClient(try PostgresConfiguration("postgresql://localhost/none"), poolSize: 1),
            linkSigner: signer, logger: Logger(label: "none", factory: { _ in SwiftLogNoOpLogHandler() }))
        return OpenAPIDocument(try server.endpoints(signer), needsTokens: true)
    }
}
