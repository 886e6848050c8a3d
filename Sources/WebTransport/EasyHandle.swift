internal import CLibCurl

/// A libcurl easy handle. Used on its loop's thread alone, and freed with `cleanup`.
struct EasyHandle {
    let raw: UnsafeMutableRawPointer

    /// Nil when memory is short.
    init?() {
        guard let raw = curl_easy_init() else { return nil }
        self.raw = raw
    }

    func cleanup() {
        curl_easy_cleanup(raw)
    }

    /// Forgets all options; connections, DNS and TLS sessions live in the multi handle and stay.
    func reset() {
        curl_easy_reset(raw)
    }

    func set(_ option: CURLoption, _ value: Int) -> Bool {
        torq_easy_set_long(raw, option, value) == CURLE_OK
    }

    /// libcurl copies the string.
    func set(_ option: CURLoption, _ value: String) -> Bool {
        torq_easy_set_string(raw, option, value) == CURLE_OK
    }

    /// libcurl keeps the pointer.
    func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer?) -> Bool {
        torq_easy_set_pointer(raw, option, pointer) == CURLE_OK
    }

    /// libcurl keeps the list, which must outlive the transfer.
    func set(_ option: CURLoption, list: UnsafeMutablePointer<curl_slist>?) -> Bool {
        torq_easy_set_list(raw, option, list) == CURLE_OK
    }

    /// libcurl copies the bytes; their number must be set first.
    func setBody(_ body: [UInt8]) -> Bool {
        guard torq_easy_set_offset(raw, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)) == CURLE_OK else { return false }
        guard !body.isEmpty else { return set(CURLOPT_COPYPOSTFIELDS, "") }
        return body.withUnsafeBytes { bytes in
            torq_easy_set_pointer(raw, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: bytes.baseAddress)) == CURLE_OK
        }
    }

    /// Zero when libcurl does not know.
    func long(_ info: CURLINFO) -> Int {
        var value = 0
        return torq_easy_get_long(raw, info, &value) == CURLE_OK ? value : 0
    }

    /// Zero when libcurl does not know.
    func microseconds(_ info: CURLINFO) -> Duration {
        var value: curl_off_t = 0
        return torq_easy_get_offset(raw, info, &value) == CURLE_OK ? .microseconds(Int64(value)) : .zero
    }

    /// Nil when libcurl does not know, or knows the empty string.
    func string(_ info: CURLINFO) -> String? {
        var value: UnsafePointer<CChar>?
        guard torq_easy_get_string(raw, info, &value) == CURLE_OK, let value else { return nil }
        let text = String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// When each phase was over.
    var timings: WebTimings {
        WebTimings(
            nameLookup: microseconds(CURLINFO_NAMELOOKUP_TIME_T), connect: microseconds(CURLINFO_CONNECT_TIME_T),
            tls: microseconds(CURLINFO_APPCONNECT_TIME_T), firstByte: microseconds(CURLINFO_STARTTRANSFER_TIME_T),
            total: microseconds(CURLINFO_TOTAL_TIME_T))
    }
}
