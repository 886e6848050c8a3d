/// Why a notification was written.
enum NotificationCause: String, Sendable, Hashable, CaseIterable {
    case transition
    case repetition = "repeat"
    case escalationStep = "escalation_step"
    case silenceEnded = "silence_ended"
    case snoozeEnded = "snooze_ended"
    case muteEnded = "mute_ended"
    case inhibitionEnded = "inhibition_ended"
    /// Another receiver could not be told.
    case fallback
    case test
}
