import Mustache
import Synchronization

/// The templates of the pages, each read when it is first needed: a start does not wait for pages that nobody looks at.
final class PageRenderer: Sendable {
    /// A page's content.
    enum Template: String, Sendable, CaseIterable {
        case status, alert, link, group, login
    }

    private let templates = Mutex<[Template: MustacheTemplate]>([:])

    init() {
        MustacheContentTypes.register(PageContentType(), named: "PAGE")
    }

    /// Markup; everything that is not under a name ending in `HTML` is escaped.
    ///
    /// - Throws: Where the template is faulty; a test renders each.
    func render(_ template: Template, _ values: Any) throws -> String {
        try read(template).render(values)
    }

    /// Two who need it at the same moment may both read it; they read the same.
    private func read(_ template: Template) throws -> MustacheTemplate {
        if let known = templates.withLock({ $0[template] }) { return known }
        let read = try MustacheTemplate(string: "{{% CONTENT_TYPE:PAGE}}" + template.text)
        templates.withLock { $0[template] = read }
        return read
    }
}
