/// An HTTP/1.1 client over libcurl that blocks no thread of the cooperative pool.
///
/// Redirects are not followed, cookies and `.netrc` are not used, certificates are checked. Connections are kept and used again,
/// but never shared between requests of different address policies. Should a kept connection turn out to be dead before a byte of
/// the answer came, libcurl sends the request once more: a receiver must be able to tell a repeated POST.
public final class WebTransport: Sendable {
    private let calls: CallDesk

    /// A transport that starts its threads when the first request needs them.
    public init(_ configuration: WebTransportConfiguration = WebTransportConfiguration()) {
        self.calls = CallDesk(configuration)
    }

    deinit {
        calls.stop()
    }

    /// The answer to the request, whatever its status.
    ///
    /// Cancelling the task ends the request at once with `.cancelled`; every wait is bounded by the configuration's `waitTimeout` and the
    /// request's `timeout`.
    public func send(_ request: WebRequest) async throws(WebTransportError) -> WebResponse {
        let prepared = try PreparedRequest(request)
        let id = calls.announce()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { calls.submit(id, prepared, $0) }
        } onCancel: {
            calls.cancel(id)
        }
        return try result.get()
    }

    /// Ends every request with `.closed`, closes the connections, and returns when the threads are gone. May be called more than once.
    public func close() async {
        await calls.close()
    }
}
