/// The sign of the monitor: a pulse.
enum Brand {
    static let mark =
        #"<svg class="mark" viewBox="0 0 16 16" aria-hidden="true"><path d="M1 9h3.500l2-5.500 3 9 1.800-3.500H15" fill="none" "#
        + #"stroke="currentColor" stroke-width="1.600" stroke-linejoin="round" stroke-linecap="round"/></svg>"#
}
