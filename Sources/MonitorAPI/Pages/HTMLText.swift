import Mustache
import Notifications

/// Text as HTML shows it, without marks that nobody sees: one of them could turn round what stands after it.
///
/// Scalar by scalar: an escape by Character would let a quote pass that a combining mark follows, and a browser would still
/// end an attribute there.
enum HTMLText {
    static func escape(_ text: String) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
            case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
            case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
            case "\"": escaped.append(contentsOf: "&quot;".unicodeScalars)
            case "'": escaped.append(contentsOf: "&#39;".unicodeScalars)
            case "\u{200D}": escaped.append(scalar)  // holds emoji together
            case _ where SafeText.isHidden(scalar): break
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }
}

/// How the templates of pages escape what they show.
struct PageContentType: MustacheContentType {
    func escapeText(_ text: String) -> String {
        HTMLText.escape(text)
    }
}
