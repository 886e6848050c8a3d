internal import CLibCurl

/// Runs transfers on a multi handle. Lives and dies on the loop's thread.
final class TransferDriver {
    private let multi: MultiHandle
    private let configuration: WebTransportConfiguration
    private let policy: AddressPolicy
    private let desk: CallDesk
    private var transfers: [CallDesk.CallID: Transfer] = [:]
    private var byHandle: [UnsafeMutableRawPointer: CallDesk.CallID] = [:]
    private var pool: [EasyHandle] = []

    init(_ multi: MultiHandle, _ configuration: WebTransportConfiguration, _ policy: AddressPolicy, _ desk: CallDesk) {
        self.multi = multi
        self.configuration = configuration
        self.policy = policy
        self.desk = desk
    }

    var isIdle: Bool { transfers.isEmpty }

    func start(_ id: CallDesk.CallID, _ request: PreparedRequest) {
        // Its abort may have come before it.
        guard desk.isWanted(id) else { return ended(id, .failure(WebTransportError(.cancelled))) }
        guard let easy = pool.popLast() ?? EasyHandle() else { return ended(id, .failure(WebTransportError(.other))) }
        let transfer = Transfer(easy, request, guardsAddresses: policy == .publicOnly && configuration.proxy == nil)
        guard transfer.configure(configuration), multi.add(easy) else {
            recycle(transfer)
            return ended(id, .failure(WebTransportError(.other)))
        }
        transfers[id] = transfer
        byHandle[easy.raw] = id
    }

    func abort(_ id: CallDesk.CallID) {
        guard let transfer = transfers[id] else { return }
        let outcome = transfer.outcome(CURLE_ABORTED_BY_CALLBACK)
        remove(id, transfer)
        ended(id, outcome)
    }

    /// Moves all transfers on, and tells the desk of those that are over.
    func perform() {
        multi.perform()
        var ended: [(id: CallDesk.CallID, outcome: CallDesk.Outcome)] = []
        while let (handle, result) = multi.nextDone() {
            guard let id = byHandle[handle], let transfer = transfers[id] else { continue }
            ended.append((id, transfer.outcome(result)))
            remove(id, transfer)
        }
        if !ended.isEmpty { desk.transfersEnded(ended) }
    }

    /// Ends all that is left and frees the handles.
    func end() {
        for id in transfers.keys.sorted() { abort(id) }
        for easy in pool { easy.cleanup() }
        pool = []
    }

    private func ended(_ id: CallDesk.CallID, _ outcome: CallDesk.Outcome) {
        desk.transfersEnded([(id, outcome)])
    }

    private func remove(_ id: CallDesk.CallID, _ transfer: Transfer) {
        multi.remove(transfer.easy)
        transfers[id] = nil
        byHandle[transfer.easy.raw] = nil
        recycle(transfer)
    }

    private func recycle(_ transfer: Transfer) {
        transfer.easy.reset()
        transfer.freeHeaders()
        pool.append(transfer.easy)
    }
}
