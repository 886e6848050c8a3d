import Foundation

/// Where the service keeps what is on this machine alone.
public enum DataDirectory {
    /// The default: XDG_DATA_HOME/torq-monitor, else ~/.local/share/torq-monitor.
    ///
    /// Root's home is closed to the account that its server runs as on most systems: there it is /var/lib/torq-monitor.
    public static func standard(environment: [String: String]) -> String {
        standard(environment: environment, account: .current())
    }

    static func standard(environment: [String: String], account: ServerAccount) -> String {
        // XDG Base Directory Specification: a relative path is to be ignored.
        if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") { return "\(data)/torq-monitor" }
        let system = "/var/lib/torq-monitor"
        guard let home = environment["HOME"], home.hasPrefix("/") else { return system }
        let personal = "\(home)/.local/share/torq-monitor"
        return account.isOther && account.firstBarrier(on: personal) != nil ? system : personal
    }
}
