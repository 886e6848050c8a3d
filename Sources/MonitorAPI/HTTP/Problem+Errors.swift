import HTTPTypes
import Monitoring
import NIOHTTP1
import Postgres

extension Problem {
    /// What a client is told of an error that a handler threw.
    ///
    /// The database's own words stay here: they may name columns and values.
    init(describing error: any Error) {
        switch error {
        case let problem as Problem:
            self = problem
        case let error as MonitoringError:
            self = Self.monitoring(error)
        case let error as PostgresError where Self.isUnavailability(error):
            self = .unavailable
        case is CancellationError:
            self = .unavailable
        case is HTTPParserError:
            self = Problem(.malformed, "The body is not framed as HTTP has it.", headers: [.connection: "close"])
        default:
            self = Problem(.internalError, "The request could not be served; the log has more under its X-Request-Id.")
        }
    }

    /// The database does not answer, or not in time.
    static let unavailable = Problem(
        .unavailable, "The database does not answer at the moment. Try again in a few seconds.", headers: [.retryAfter: "5"])

    /// More alerts come from elsewhere than are taken in.
    static let busy = Problem(
        .unavailable, "Too many requests with alerts are being served. Send it again in a moment.", headers: [.retryAfter: "1"])

    /// A body that was still not there after a while.
    static let bodyTimeout = Problem(.bodyTimeout, "The body did not arrive within 20 seconds.", headers: [.connection: "close"])

    private static func monitoring(_ error: MonitoringError) -> Problem {
        switch error.code {
        case .alertNotFound: Problem(.notFound, error.message)
        case .transitionForbidden: Problem(.transitionForbidden, error.message)
        case .invalidArgument: Problem(.invalidParameter, error.message)
        case .schemaMismatch:
            Problem(.unavailable, "The database's schema is not the one that this version works with.", headers: [.retryAfter: "30"])
        case .busy: Problem(.unavailable, error.message, headers: [.retryAfter: "30"])
        case .unexpectedValue: Problem(.internalError, "The database holds what this version does not know.")
        }
    }

    private static func isUnavailability(_ error: PostgresError) -> Bool {
        switch error.code {
        case .connectionFailed, .connectionLost, .timedOut, .cancelled, .poolExhausted, .closed: true
        case .server: error.isRetryable
        default: false
        }
    }
}
