import Foundation
import Logging

/// The alerts that a line of the log concerns.
enum AlertIDs {
    /// So many at most are named: a burst's message may tell of a thousand.
    static let most = 50

    /// The id in lower case; of several, with commas between.
    static func metadata(_ ids: [UUID]) -> Logger.MetadataValue {
        .string(ids.prefix(most).map { $0.uuidString.lowercased() }.joined(separator: ","))
    }
}
