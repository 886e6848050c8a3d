internal import CLibCurl

/// A libcurl multi handle, which owns the connections.
///
/// Unchecked: all calls but `wakeUp` are made on the loop's thread. `wakeUp` is made from any, under the lock that the loop takes to
/// withdraw the handle before it calls `cleanup` (libcurl-thread(3) allows curl_multi_wakeup and nothing else).
struct MultiHandle: @unchecked Sendable {
    private let raw: UnsafeMutableRawPointer

    /// Nil when memory or file descriptors are short.
    init?(keptConnections: Int) {
        guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK, let raw = curl_multi_init() else { return nil }
        self.raw = raw
        _ = torq_multi_set_long(raw, CURLMOPT_MAXCONNECTS, keptConnections)
    }

    func cleanup() {
        curl_multi_cleanup(raw)
    }

    func wakeUp() {
        curl_multi_wakeup(raw)
    }

    func add(_ easy: EasyHandle) -> Bool {
        curl_multi_add_handle(raw, easy.raw) == CURLM_OK
    }

    func remove(_ easy: EasyHandle) {
        curl_multi_remove_handle(raw, easy.raw)
    }

    /// Moves every transfer on by what can be done without waiting.
    func perform() {
        var running: CInt = 0
        curl_multi_perform(raw, &running)
    }

    /// Returns when a socket is ready, a timer is due, somebody woke the handle, or the time is over.
    func poll(milliseconds: CInt) {
        curl_multi_poll(raw, nil, 0, milliseconds, nil)
    }

    /// The next transfer that is done. All is read from the message here, since it dies with the handle's removal.
    func nextDone() -> (easy: UnsafeMutableRawPointer, result: CURLcode)? {
        var left: CInt = 0
        while let message = curl_multi_info_read(raw, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            return (easy, torq_message_result(message))
        }
        return nil
    }
}
