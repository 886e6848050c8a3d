/// What may become a link, wherever an alert is shown.
public enum AlertLinks {
    /// Whether a text is an http or https URL of at most 2,000 bytes that no markup can be hidden in, and that leads where it seems to: it
    /// names no user before its host.
    public static func isLink(_ url: String) -> Bool {
        guard let scheme = ["https://", "http://"].first(where: url.hasPrefix), url.utf8.count <= 2000 else { return false }
        let authority = url.utf8.dropFirst(scheme.utf8.count).prefix { ![0x2f, 0x3f, 0x23, 0x5c].contains($0) }
        return !authority.contains(0x40)
            && url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != 0x3c && $0 != 0x3e && $0 != 0x7c && $0 != 0x22 }
    }
}
