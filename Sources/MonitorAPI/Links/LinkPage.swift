/// What the page of a link to one alert shows.
struct LinkPage: Sendable {
    let markHTML = Brand.mark
    let card: AlertCard
    let outcome: LinkOutcome
    /// Whether there is anything to say: what happened, or how things are.
    let hasHeadline: Bool
    let chartHTML: String
    let form: LinkFormFields
    let offersForm: Bool
}
