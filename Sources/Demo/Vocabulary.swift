/// What the demo's people ask and its agents answer: enough sentences for texts of any length that read like texts.
enum Vocabulary {
    static let models: [(element: String, weight: Double)] = [
        ("claude-sonnet-4-6", 0.45), ("claude-haiku-4-5", 0.30), ("gpt-5-mini", 0.15), ("llama-3.3-70b", 0.10),
    ]
    static let backends: [(element: String, weight: Double)] = [("railway", 0.7), ("vercel", 0.3)]
    static let agents: [(element: String, weight: Double)] = [
        ("prince_flowers", 0.55), ("research_scout", 0.20), ("code_reviewer", 0.15), ("support_triage", 0.10),
    ]
    static let eventTypes: [(element: String, weight: Double)] = [
        ("chat_interaction", 0.92), ("success", 0.03), ("improvement", 0.02), ("pattern", 0.015), ("failure", 0.01), ("drift", 0.005),
    ]
    static let categories = ["learning", "performance", "security", "ux", "reliability", "cost"]
    static let fallbackReasons: [(element: String, weight: Double)] = [
        ("timeout", 0.45), ("rate_limit", 0.25), ("provider_5xx", 0.15), ("circuit_open", 0.10), ("proxy_unreachable", 0.05),
    ]
    /// Milliseconds: the median answer of each model, and how wide its answers scatter (sigma of the logarithm).
    static func latency(of model: String) -> (median: Double, sigma: Double) {
        switch model {
        case "claude-haiku-4-5": (780, 0.40)
        case "gpt-5-mini": (1150, 0.45)
        case "llama-3.3-70b": (1600, 0.55)
        default: (2100, 0.50)
        }
    }

    static let questions = [
        "Which orders from last week were delivered late, and why?",
        "Summarise the three newest support threads about the mobile app.",
        "Write a query that finds customers with two failed payments in a row.",
        "What changed in the pricing page between Monday and today?",
        "Draft an answer to the customer who asks for a refund after 40 days.",
        "Explain the difference between optimistic and pessimistic locking to a new colleague.",
        "Why does the nightly export take twice as long since the 12th?",
        "List the risks of moving the billing job to the new region.",
        "Review this diff and say what could break in production.",
        "Find papers on retrieval quality that compare dense and sparse indexes.",
        "Turn these notes into an agenda for tomorrow's planning.",
        "Is there a pattern in the errors that the importer reports at noon?",
    ]
    static let sentences = [
        "I looked at the last seven days and grouped them by cause, so that the largest group comes first.",
        "Most of the delay comes from one warehouse; the others are within their usual range.",
        "The numbers below are rounded to whole orders, and returns are not counted.",
        "A query for this needs a window function, because two rows have to be compared with each other.",
        "Before you run it on the live database, try it on a copy and read the plan.",
        "There are two ways to do this, and the second costs less if the list stays short.",
        "The customer is outside the refund period, but the contract lets us make an exception once.",
        "I would answer kindly, name the reason in one sentence, and offer a credit instead.",
        "The export slowed down on the day the index on the account column was dropped.",
        "Nothing in the diff changes the interface, yet the default of one parameter is different now.",
        "If the job moves, the latency to the ledger grows from two to about nineteen milliseconds.",
        "Three of the five papers use the same collection, which makes their figures comparable.",
        "The agenda leaves twenty minutes at the end for what nobody thought of beforehand.",
        "At noon the importer meets a file that another system is still writing.",
        "A retry after one minute would hide the symptom; a rename at the end of the upload would cure it.",
        "Please check the second table, because its source was last refreshed on Tuesday.",
        "The safest order is: add the column, fill it, switch the readers, then the writers.",
        "I could not find a reference for the fourth claim, so I left it out.",
        "Costs fall by a third if the cache holds answers for an hour instead of ten minutes.",
        "In short: yes, but only when the queue is drained first.",
    ]
}
