import MonitorAPI

extension MonitorService {
    /// The description of the listener's API, OpenAPI 3.1, as UTF-8.
    public static func openAPIDocument() throws -> [UInt8] {
        try MonitorServer.openAPIDocument()
    }
}
