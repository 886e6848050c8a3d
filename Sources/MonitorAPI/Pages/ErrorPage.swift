import HTTPTypes
import Hummingbird

/// A problem as a person sees it.
enum ErrorPage {
    private static let starting = "The monitor is starting"

    static func response(_ problem: Problem, to request: Request) -> Response {
        let path = request.uri.path
        let root = PageFrame.root(above: path)
        let (title, words, refresh): (String, String, Int?) =
            switch (problem == Readiness.starting, request.method) {
            case (false, _): (problem.kind.title, problem.detail, nil)
            case (true, .get), (true, .head): (starting, "This page looks again by itself, every three seconds.", 3)
            case (true, _): (starting, "Nothing was done. Go back, and send it again in a few seconds.", nil)
            }
        // Whoever follows a link of a message has no token for the pages.
        let way =
            refresh != nil || path.hasPrefix("/a/")
            ? "" : "<p class=\"way\"><a href=\"\(root.isEmpty ? "./" : root)\">To the status page</a></p>"
        let body = """
            <header class="masthead"><div class="wrap narrow">
            <p class="brand">\(Brand.mark) torq-monitor</p>
            <h1>\(HTMLText.escape(title))</h1>
            </div></header>
            <main class="wrap narrow"><section class="card message"><p>\(HTMLText.escape(words))</p>\(way)</section></main>
            """
        let tone: PageFrame.Tone = problem.kind.status.code >= 500 ? .watch : .neutral
        return PageFrame(title: title, tone: tone, root: root, refresh: refresh, body: body)
            .response(status: problem.kind.status, headers: problem.headers)
    }
}
