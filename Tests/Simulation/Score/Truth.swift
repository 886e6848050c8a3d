public import Foundation

/// An incident, and when the oracle found it.
public struct KnownIncident: Sendable, Hashable {
    /// What happened.
    public var incident: Incident
    /// nil where the oracle did not find it.
    public var oracleFoundAt: Date?

    /// - Parameter oracleFoundAt: nil where the oracle does not find it.
    public init(_ incident: Incident, oracleFoundAt: Date?) {
        self.incident = incident
        self.oracleFoundAt = oracleFoundAt
    }
}

extension Scenario {
    /// Its incidents with what the oracle makes of them.
    public func truth() -> [KnownIncident] {
        incidents.map { KnownIncident($0, oracleFoundAt: Oracle.findsAt($0, in: self)) }
    }
}
