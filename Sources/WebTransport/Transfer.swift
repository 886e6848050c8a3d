internal import CLibCurl
internal import Glibc

/// One request on an easy handle, and what libcurl's callbacks bring for it. Touched on the loop's thread alone.
final class Transfer {
    let easy: EasyHandle
    private let request: PreparedRequest
    private let guardsAddresses: Bool
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var collector: ResponseCollector
    private var lastAddress: NetworkAddress?
    private var wasBlocked = false

    init(_ easy: EasyHandle, _ request: PreparedRequest, guardsAddresses: Bool) {
        self.easy = easy
        self.request = request
        self.guardsAddresses = guardsAddresses
        collector = ResponseCollector(keepBytes: request.keepBytes, maximumBytes: request.maximumBytes)
    }

    /// Sets every option; false when libcurl refuses one. The driver keeps this object for as long as libcurl has its pointer.
    func configure(_ configuration: WebTransportConfiguration) -> Bool {
        let context = Unmanaged.passUnretained(self).toOpaque()
        return setTarget(configuration) && setSecurity(configuration) && setContent(configuration) && setCallbacks(context)
    }

    /// After the handle's reset or cleanup only: libcurl keeps the list's pointer.
    func freeHeaders() {
        curl_slist_free_all(headerList)
        headerList = nil
    }

    /// What the transfer came to. To be read before the handle is removed.
    func outcome(_ result: CURLcode) -> CallDesk.Outcome {
        let remoteAddress = easy.string(CURLINFO_PRIMARY_IP) ?? lastAddress?.description
        guard result == CURLE_OK else {
            let code = WebTransportError.Code(
                transportCode: result.rawValue, systemError: CInt(truncatingIfNeeded: easy.long(CURLINFO_OS_ERRNO)), wasBlocked: wasBlocked,
                overflow: collector.overflow)
            let status = easy.long(CURLINFO_RESPONSE_CODE)
            return .failure(
                WebTransportError(
                    code, timings: easy.timings, remoteAddress: remoteAddress, status: status == 0 ? nil : status,
                    transportCode: Int(result.rawValue)))
        }
        return .success(
            WebResponse(
                status: easy.long(CURLINFO_RESPONSE_CODE), headers: collector.headers, body: collector.body,
                bodyTruncated: collector.bodyTruncated, timings: easy.timings, remoteAddress: remoteAddress,
                newConnections: easy.long(CURLINFO_NUM_CONNECTS)))
    }

    // MARK: Options

    private func setTarget(_ configuration: WebTransportConfiguration) -> Bool {
        easy.set(CURLOPT_URL, request.url)
            && easy.set(CURLOPT_PROTOCOLS_STR, "http,https")
            && easy.set(CURLOPT_FOLLOWLOCATION, 0)
            && easy.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
            // The empty string keeps libcurl from reading the environment's proxy variables.
            && easy.set(CURLOPT_PROXY, configuration.proxy ?? "")
            && easy.set(CURLOPT_NOPROXY, "")
            && easy.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
            && easy.set(CURLOPT_CONNECTTIMEOUT_MS, request.connectTimeoutMilliseconds)
            && easy.set(CURLOPT_TIMEOUT_MS, request.timeoutMilliseconds)
    }

    private func setSecurity(_ configuration: WebTransportConfiguration) -> Bool {
        easy.set(CURLOPT_NOSIGNAL, 1)
            && easy.set(CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
            && easy.set(CURLOPT_SSL_VERIFYPEER, 1)
            && easy.set(CURLOPT_SSL_VERIFYHOST, 2)
            && easy.set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
            && (configuration.caFile.map { easy.set(CURLOPT_CAINFO, $0) } ?? true)
            // A name lookup that hangs is left to its own thread: otherwise its timeout would stop every other transfer until it returns.
            && easy.set(CURLOPT_QUICK_EXIT, 1)
    }

    private func setContent(_ configuration: WebTransportConfiguration) -> Bool {
        for line in request.headerLines {
            guard let longer = curl_slist_append(headerList, line) else { return false }
            headerList = longer
        }
        guard easy.set(CURLOPT_HTTPHEADER, list: headerList) else { return false }
        if !request.hasUserAgent, HeaderSyntax.isValue(configuration.userAgent) {
            guard easy.set(CURLOPT_USERAGENT, configuration.userAgent) else { return false }
        }
        if request.method == "HEAD" { return easy.set(CURLOPT_NOBODY, 1) }
        if !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method) {
            guard easy.set(CURLOPT_POST, 1), easy.setBody(request.body) else { return false }
        }
        return easy.set(CURLOPT_CUSTOMREQUEST, request.method)
    }

    private func setCallbacks(_ context: UnsafeMutableRawPointer) -> Bool {
        torq_easy_set_data_function(easy.raw, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            Transfer.from(context)?.collector.received(body: UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
        } == CURLE_OK
            && easy.set(CURLOPT_WRITEDATA, pointer: context)
            && torq_easy_set_data_function(easy.raw, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
                Transfer.from(context)?.collector.received(header: UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
            } == CURLE_OK
            && easy.set(CURLOPT_HEADERDATA, pointer: context)
            && torq_easy_set_open_socket_function(easy.raw) { context, _, address in
                guard let address else { return -1 }
                return Transfer.from(context)?.openSocket(address) ?? -1
            } == CURLE_OK
            && easy.set(CURLOPT_OPENSOCKETDATA, pointer: context)
            && torq_easy_set_prerequest_function(easy.raw) { context, remoteAddress, _, _, _ in
                guard let remoteAddress, let transfer = Transfer.from(context) else { return CURL_PREREQFUNC_ABORT }
                return transfer.mayUse(NetworkAddress(String(cString: remoteAddress))) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
            } == CURLE_OK
            && easy.set(CURLOPT_PREREQDATA, pointer: context)
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> Transfer? {
        context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
    }

    // MARK: Address guard

    /// A socket for a new connection, or CURL_SOCKET_BAD (-1) for an address that is not allowed.
    private func openSocket(_ target: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        guard let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return -1 }
        let address = NetworkAddress(
            socketAddress: UnsafeRawPointer(target) + offset, family: target.pointee.family, length: Int(target.pointee.addrlen))
        lastAddress = address
        guard mayUse(address) else { return -1 }
        return socket(target.pointee.family, target.pointee.socktype | CInt(SOCK_CLOEXEC.rawValue), target.pointee.protocol)
    }

    /// Also asked before a request goes out on a kept connection, for which no socket is opened.
    private func mayUse(_ address: NetworkAddress?) -> Bool {
        guard guardsAddresses else { return true }
        if let address, address.isPublic { return true }
        wasBlocked = true
        return false
    }
}
