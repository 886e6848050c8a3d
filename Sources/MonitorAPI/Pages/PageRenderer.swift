import Mustache

/// The templates of the pages, read once.
struct PageRenderer: Sendable {
    /// A page's content.
    enum Template: String, Sendable, CaseIterable {
        case status, alert, link, group, login
    }

    private let templates: [Template: MustacheTemplate]

    /// - Throws: Where a template is faulty; a test renders each.
    init() throws {
        MustacheContentTypes.register(PageContentType(), named: "PAGE")
        templates = try Dictionary(
            uniqueKeysWithValues: Template.allCases.map { ($0, try MustacheTemplate(string: "{{% CONTENT_TYPE:PAGE}}" + $0.text)) })
    }

    /// Markup; everything that is not under a name ending in `HTML` is escaped.
    func render(_ template: Template, _ values: Any) -> String {
        templates[template]?.render(values) ?? ""
    }
}
