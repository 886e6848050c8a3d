import HTTPTypes
import Hummingbird
import NIOCore

/// What all pages have around their content, and the headers that keep them to themselves.
struct PageFrame: Sendable {
    /// The colour of the masthead: how worried the reader should be.
    enum Tone: String, Sendable, Hashable {
        case calm, watch, high, critical, neutral
    }

    var title: String
    var tone: Tone
    /// From the page up to the listener's root: empty, `../`, …
    var root: String
    /// Seconds after which the page loads itself anew; nil for never.
    var refresh: Int?
    /// It follows the stream: a script of ours, and nobody else's.
    var isLive = false
    /// Its forms are sent to a listener that may look at where they come from.
    var isForm = false
    /// Markup that is safe already.
    var body: String

    func response(status: HTTPResponse.Status = .ok, headers: HTTPFields = HTTPFields()) -> Response {
        var fields = headers
        fields[.contentType] = "text/html; charset=utf-8"
        fields[.cacheControl] = "no-store"
        fields[.contentSecurityPolicy] =
            "default-src 'none'; \(isLive ? "script-src 'self'; connect-src 'self'; " : "")style-src 'self'; img-src data:; "
            + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        // The address of a link is its secret. Other pages say whence a form comes, to ourselves alone.
        fields[.referrerPolicy] = isLive || isForm ? "same-origin" : "no-referrer"
        fields[.robotsTag] = "noindex, nofollow"
        fields[.crossOriginOpenerPolicy] = "same-origin"
        fields[.frameOptions] = "DENY"
        return Response(status: status, headers: fields, body: .init(byteBuffer: ByteBuffer(string: html)))
    }

    /// How many levels up the listener's root is, for a path.
    static func root(above path: String) -> String {
        String(repeating: "../", count: max(0, path.utf8.count { $0 == UInt8(ascii: "/") } - 1))
    }

    private var html: String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">\(refresh.map { "\n<meta http-equiv=\"refresh\" content=\"\($0)\">" } ?? "")
        <title>\(HTMLText.escape(title))</title>
        <link rel="icon" href="\(Self.icon)">
        <link rel="stylesheet" href="\(root)style.css">\(isLive ? "\n<script src=\"\(root)live.js\" defer></script>" : "")
        </head>
        <body class="\(tone.rawValue)"\(isLive ? " data-root=\"\(root.isEmpty ? "./" : root)\"" : "")>
        \(body)
        </body>
        </html>

        """
    }

    private static let icon =
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' "
        + "fill='%230d5c57'/%3E%3Cpath d='M2 9h3l2-5 3 8 1.500-3H14' fill='none' stroke='%23fff' stroke-width='1.600' "
        + "stroke-linejoin='round' stroke-linecap='round'/%3E%3C/svg%3E"
}
