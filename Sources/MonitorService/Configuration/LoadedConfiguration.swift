/// A configuration that can be used, and what is to be said about it.
public struct LoadedConfiguration: Sendable, Hashable {
    /// What was read.
    public var configuration: ServiceConfiguration

    /// What stops nothing but is probably a mistake.
    public var warnings: [ConfigurationProblem]

    /// The file it was read from; nil without one.
    public var file: String?
}
