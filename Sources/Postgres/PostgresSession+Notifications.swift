import CLibPQ

extension PostgresSession {
    /// The payloads of the next notifications on a channel; empty when none has come by the deadline, or on a cancellation's way to
    /// the next call, which throws.
    func notifications(on channel: String, until deadline: ContinuousClock.Instant) async throws(PostgresError) -> [String] {
        while true {
            let pointer = try openPointer()
            var payloads: [String] = []
            while let notification = PQnotifies(pointer) {
                if String(cString: notification.pointee.relname) == channel {
                    payloads.append(String(cString: notification.pointee.extra))
                }
                PQfreemem(notification)
            }
            if !payloads.isEmpty { return payloads }
            switch await loop.wait(PollWait(socket: PQsocket(pointer), deadline: deadline)) {
            case .ready: break
            case .timedOut: return []
            case .cancelled: throw Self.error(.cancelled)
            }
            guard PQconsumeInput(pointer) == 1 else { throw lost(pointer) }
        }
    }
}
