/// A form of a page that has buttons alone: what may be done with a silence, or with a message that did not get through.
struct ButtonForm: Sendable {
    struct Button: Sendable {
        let value: String
        let label: String
        /// `main` or `plain`.
        let style: String
        /// With what it is about: there are many buttons of one name on a page.
        let name: String
        /// By which the page finds it again when it has changed.
        let key: String
    }

    let mark: String
    /// Where it is sent, from the page that it stands on.
    let action: String
    /// That page: `status` or `alert`.
    let from: String
    let buttons: [Button]

    /// - Parameters:
    ///   - id: Of what it is about.
    ///   - subject: The same in words.
    ///   - labels: What each button says, by what it sends, the likeliest first.
    /// - Returns: nil where somebody may look alone, or where there is nothing to do.
    init?(
        _ labels: [(value: String, label: String)], to action: String, of id: String, _ subject: String, from: String, _ viewer: PageViewer
    ) {
        guard viewer.canAct, !labels.isEmpty else { return nil }
        mark = viewer.mark
        self.action = action
        self.from = from
        buttons = labels.enumerated().map { index, entry in
            Button(
                value: entry.value, label: entry.label, style: index == 0 ? "main" : "plain", name: "\(entry.label): \(subject)",
                key: "\(entry.value)-\(id.suffix(12))")
        }
    }
}
