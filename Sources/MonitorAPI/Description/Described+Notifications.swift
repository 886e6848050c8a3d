import Monitoring
import Notifications

extension NotificationRecord.Status: SchemaWords {}
extension SilenceRecord.State: SchemaWords {}
extension ReceiverAnswer.State: SchemaWords {}

extension NotificationRecord: Described {
    static let schemaName = "Notification"
    static let about = "One step of an alert, to be told to one receiver."
    static let example: NotificationRecord = exampleValue(AlertExamples.notification)
    static let notes: [String: FieldNote] = [
        "id": .uuid("Its id; that of its message is what the receiver sees."),
        "alert_id": .uuid("Which alert it tells of."),
        "receiver": "The receiver's name.",
        "cause": .words(
            "Why it was written.",
            [
                "transition", "repeat", "escalation_step", "silence_ended", "snooze_ended", "mute_ended", "inhibition_ended", "fallback",
                "test",
            ]),
        "sequence": .count("Of the transition, or of the repetition."),
        "transition": "Which step; null where the cause is none.",
        "severity": "Of the alert after that step.",
        "status": "Where it stands.",
        "due_at": "When it is sent, or sent again, at the earliest.",
        "attempts": .count("Requests begun for it."),
        "last_error": "Why the last one failed, from a closed list; null where it did not.",
        "message_id": .uuid("The notification that carries the message which tells of it; null before the first attempt."),
        "superseded_by": .uuid("The newer notification that was sent in its place."),
        "delivered_at": "When the receiver took it.",
        "created_at": "When it was written.",
    ]
}

extension DeliveryAttempt: Described {
    static let schemaName = "Attempt"
    static let about = "One request made for a message, with what it met. It holds no URL and no secret."
    static let example: DeliveryAttempt = exampleValue(AlertExamples.attempt)
    static let notes: [String: FieldNote] = [
        "attempt": FieldNote("From 1; a number is missing where a process died before it could record.", ["minimum": 1]),
        "process": "Which process made it.",
        "started_at": "When.",
        "outcome": .words("What came of it.", ["delivered", "retry", "permanent"]),
        "http_status": "null where there was no answer.",
        "reason": "Why it failed, from a closed list; null where it was delivered.",
        "name_lookup_ms": .milliseconds("Until the name was known."),
        "connect_ms": .milliseconds("Until there was a connection."),
        "tls_ms": .milliseconds("Until it was secure."),
        "first_byte_ms": .milliseconds("Until the first byte of the answer."),
        "total_ms": .milliseconds("Until the end."),
        "remote_address": "The address reached.",
        "answer": "The first 4 KB of the answer, without secrets.",
    ]
}

extension DeliveredNotification: Described {
    static let schemaName = "DeliveredNotification"
    static let about = "A notification of an alert with every attempt to deliver its message."
    static let example = DeliveredNotification(record: .example, attempts: [.example])
    static let notes: [String: FieldNote] = NotificationRecord.notes.filter {
        !["alert_id", "superseded_by"].contains($0.key)
    }.merging(["attempts": "First to last."]) { _, new in new }
}

extension DeliveredNotification.Attempt: Described {
    static let schemaName = "DeliveredAttempt"
    static let about = "One request made for a message."
    static let example = DeliveredNotification.Attempt(.example)
    static let notes: [String: FieldNote] = DeliveryAttempt.notes.filter {
        ["attempt", "started_at", "outcome", "http_status", "reason", "total_ms"].contains($0.key)
    }
}

extension SilenceRecord: Described {
    static let schemaName = "Silence"
    static let about = "Matchers and a time range in which matching alerts are tracked but not told."
    static let example: SilenceRecord = exampleValue(
        """
        {"id": "20000000-0000-4000-8000-000000000001", "matchers": ["severity>=high"], "starts_at": "2026-02-21T10:00:00Z",
         "ends_at": "2026-02-21T11:00:00Z", "created_by": "Ana", "comment": "deploy", "created_at": "2026-02-21T10:00:00Z",
         "state": "active"}
        """)
    static let notes: [String: FieldNote] = [
        "id": .uuid("Its id."),
        "matchers": "All of them must match; as in a route: `severity>=high`.",
        "starts_at": "From when it holds.",
        "ends_at": "Until when.",
        "created_by": "Who made it.",
        "comment": "Why; empty where nobody said.",
        "created_at": "When it was made.",
        "state": "Whether it holds, at the moment of the answer.",
    ]
}

extension ReceiverAnswer: Described {
    static let schemaName = "Receiver"
    static let about = "How it goes with one receiver. Never where it is."
    static let example = ReceiverAnswer(
        record: ReceiverRecord(name: "oncall", lastDeliveredAt: Alert.example.notifiedAt), kind: .slack, now: Alert.example.updatedAt)
    static let notes: [String: FieldNote] = [
        "name": "Its name in the configuration.",
        "kind": .words("What it speaks; null where it is not configured.", ReceiverKind.allCases.map(\.rawValue), orNull: true),
        "state":
            "`disabled`: its answers say that it is gone; `breaker_open`: it failed so often that it is left alone for a while; `paused`: it asked for rest; `undefined`: the configuration has none of that name.",
        "openings": .count("How often its circuit breaker has opened since it last worked."),
        "waiting": .count("Notifications that are pending or being sent."),
        "dead": .count("Notifications that could not be delivered."),
        "paused_until": "Nothing is sent before.",
        "disabled_at": "Since when its answers say that it is gone.",
        "disabled_reason": "Why, from the closed list of reasons.",
        "oldest_due_at": "Since when the one that waits longest has been due; null where none waits.",
        "last_delivered_at": "When it last took one, as far as that is kept.",
    ]
}

extension ReceiverTestOutcome: Described {
    static let schemaName = "ReceiverTest"
    static let about = "What came of a test message. It holds no URL and no secret."
    static let example: ReceiverTestOutcome = exampleValue(
        """
        {"receiver": "oncall", "type": "slack", "delivered": true, "started_at": "2026-02-21T10:35:00Z", "http_status": 200, "reason": null,
         "advice": null, "name_lookup_ms": 1.2, "connect_ms": 9.8, "tls_ms": 31.4, "first_byte_ms": 83.9, "total_ms": 84.1,
         "remote_address": "198.51.100.7", "answer": "ok", "template_failed": false}
        """)
    static let notes: [String: FieldNote] = [
        "receiver": "The receiver's name.",
        "type": .words("What it speaks.", ReceiverKind.allCases.map(\.rawValue)),
        "delivered": "Whether it took the message.",
        "started_at": "When the request began.",
        "http_status": "null where there was no answer.",
        "reason": "Why it failed, from a closed list; null where it was delivered.",
        "advice": "What to look at, in a sentence; null where it was delivered.",
        "name_lookup_ms": .milliseconds("Until the name was known."),
        "connect_ms": .milliseconds("Until there was a connection."),
        "tls_ms": .milliseconds("Until it was secure."),
        "first_byte_ms": .milliseconds("Until the first byte of the answer."),
        "total_ms": .milliseconds("Until the end."),
        "remote_address": "The address reached.",
        "answer": "The first 4 KB of the answer, without secrets.",
        "template_failed": "Whether a template of the configuration gave nothing of use, and the built-in text was sent.",
    ]
}

extension ReplayOutcome: Described {
    static let schemaName = "Replay"
    static let about = "What a replay did."
    static let example: ReplayOutcome = exampleValue(#"{"replayed": 3, "superseded": 0, "remaining": 0}"#)
    static let notes: [String: FieldNote] = [
        "replayed": .count("Notifications that are due again."),
        "superseded": .count("Dead ones that a newer one stands for."),
        "remaining": .count("Dead ones of the time asked for that are still dead: more than one call takes."),
    ]
}
