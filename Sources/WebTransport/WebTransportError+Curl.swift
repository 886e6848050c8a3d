internal import CLibCurl
internal import Glibc

extension WebTransportError.Code {
    /// The reason behind a libcurl result (CURLcode).
    ///
    /// - Parameters:
    ///   - systemError: errno of a failed connect (CURLINFO_OS_ERRNO), or 0.
    ///   - wasBlocked: whether the address guard refused an address; libcurl then reports a failed connect or an abort.
    ///   - overflow: what the collector refused to take; libcurl then reports a failed write.
    init(transportCode: UInt32, systemError: CInt, wasBlocked: Bool, overflow: ResponseCollector.Overflow?) {
        let result = CURLcode(rawValue: transportCode)
        self =
            switch result {
            case CURLE_COULDNT_CONNECT, CURLE_ABORTED_BY_CALLBACK:
                wasBlocked ? .blockedAddress : Self.connectFailure(result, systemError)
            case CURLE_WRITE_ERROR:
                switch overflow {
                case .body: .bodyTooLarge
                case .headers: .invalidResponse
                case nil: .other
                }
            case CURLE_URL_MALFORMAT: .invalidURL
            case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .dns
            case CURLE_OPERATION_TIMEDOUT: .timeout
            case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE: .reset
            // The scheme was checked before: this is HTTP/0.9, or no HTTP at all.
            case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING: .invalidResponse
            case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
                CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED,
                CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_SHUTDOWN_FAILED, CURLE_SSL_CRL_BADFILE, CURLE_SSL_INVALIDCERTSTATUS,
                CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_CLIENTCERT, CURLE_USE_SSL_FAILED:
                .tls
            default: .other
            }
    }

    private static func connectFailure(_ result: CURLcode, _ systemError: CInt) -> Self {
        guard result == CURLE_COULDNT_CONNECT else { return .other }
        return switch systemError {
        case ECONNREFUSED: .refused
        case ETIMEDOUT: .timeout
        case ECONNRESET: .reset
        default: .unreachable
        }
    }
}
