/// What may become a link, wherever an alert is shown.
public enum AlertLinks {
    /// Whether a text is an http or https URL of at most 2,000 bytes that no markup can be hidden in.
    public static func isLink(_ url: String) -> Bool {
        (url.hasPrefix("https://") || url.hasPrefix("http://")) && url.utf8.count <= 2000
            && url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != 0x3c && $0 != 0x3e && $0 != 0x7c && $0 != 0x22 }
    }
}
