/// What came of `retry` or `drop`.
public struct NotificationChange: Sendable, Hashable {
    /// As it is now.
    public var notification: NotificationRecord
    /// Whether this call changed it, or another that its message tells of.
    public var changed: Bool
    /// How many notifications were changed: all that the message tells of.
    public var count: Int
}
