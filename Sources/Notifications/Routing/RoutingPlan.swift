/// Who is to be told of an alert, and how: what its routes say at a moment.
struct RoutingPlan: Sendable, Hashable {
    /// One receiver, by the first route that leads to it and is not quiet; where all are, by the first.
    struct Telling: Sendable, Hashable {
        var receiver: String
        /// nil: by itself.
        var group: Group?
        /// Whether its route is quiet now.
        var isMuted = false
    }

    /// What it is told together with.
    struct Group: Sendable, Hashable {
        var key: String
        /// The labels that make it.
        var names: [String] = []
        var wait: Duration
        var interval: Duration
    }

    /// A step to a further receiver.
    struct Step: Sendable, Hashable {
        var telling: Telling
        var after: Duration
    }

    /// Each receiver once, in the order of the routes.
    var tellings: [Telling] = []
    /// Each receiver once; none that is in `tellings`.
    var steps: [Step] = []
    /// How long until a receiver, of either kind, is told again; without those that are told once.
    var repeatIntervals: [String: Duration] = [:]

    /// How a receiver is told, by whichever way; by itself where no route leads there.
    func telling(of receiver: String) -> Telling {
        tellings.first { $0.receiver == receiver } ?? steps.first { $0.telling.receiver == receiver }?.telling
            ?? Telling(receiver: receiver)
    }

    mutating func add(_ telling: Telling, repeatInterval: Duration?) {
        if let place = tellings.firstIndex(where: { $0.receiver == telling.receiver }) {
            // A route that is quiet keeps nobody from hearing by another.
            guard tellings[place].isMuted, !telling.isMuted else { return }
            tellings[place] = telling
        } else {
            tellings.append(telling)
        }
        repeatIntervals[telling.receiver] = repeatInterval
        // Whoever is told at once need not be told later.
        steps.removeAll { $0.telling.receiver == telling.receiver }
    }

    mutating func add(_ step: Step, repeatInterval: Duration?) {
        let name = step.telling.receiver
        guard !tellings.contains(where: { $0.receiver == name }) else { return }
        if let place = steps.firstIndex(where: { $0.telling.receiver == name }) {
            guard steps[place].telling.isMuted, !step.telling.isMuted else { return }
            steps[place] = step
        } else {
            steps.append(step)
        }
        repeatIntervals[name] = repeatInterval
    }
}
