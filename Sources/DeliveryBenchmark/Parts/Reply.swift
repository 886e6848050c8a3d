/// What a receiver does with a request.
enum Reply: Sendable {
    /// An empty answer; further headers are whole lines with their ends.
    case status(Int, headers: String = "")
    /// Nothing, for as long as the other side waits.
    case hang
    /// Resets the connection.
    case reset
    /// A proper head, and then a byte a second.
    case drip
    /// An answer of so many bytes.
    case large(Int)

    /// What an arrival is recorded with.
    var status: Int {
        switch self {
        case .status(let status, _): status
        case .large: 200
        case .hang, .reset, .drip: 0
        }
    }
}
