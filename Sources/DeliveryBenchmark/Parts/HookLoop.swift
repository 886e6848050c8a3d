import Foundation
import Glibc

/// The thread of a receiver: its connections, until the other end of `stopping` is closed.
struct HookLoop {
    private struct Connection {
        let socket: Int32
        var buffer: [UInt8] = []
        /// Bytes of an answer still to be sent.
        var owed = 0
        var isDripping = false
        var isDeaf = false
    }

    private let listener: Int32
    private let stopping: Int32
    private let record: HookReceiver.Record
    private let reply: @Sendable (Int, Double) -> Reply
    private var connections: [Int32: Connection] = [:]
    private var number = 0
    private var scratch = [UInt8](repeating: 0, count: 256 * 1024)
    private var news: [Arrival] = []
    private var nextDrip = 0.0

    init(listener: Int32, stopping: Int32, record: HookReceiver.Record, reply: @escaping @Sendable (Int, Double) -> Reply) {
        self.listener = listener
        self.stopping = stopping
        self.record = record
        self.reply = reply
    }

    mutating func run() {
        defer { for socket in connections.keys { close(socket) } }
        while true {
            var polled = [pollfd(fd: stopping, events: Int16(POLLIN), revents: 0), pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
            for (socket, connection) in connections {
                polled.append(pollfd(fd: socket, events: Int16(connection.owed > 0 ? POLLOUT : POLLIN), revents: 0))
            }
            poll(&polled, nfds_t(polled.count), connections.values.contains { $0.isDripping } ? 200 : -1)
            guard polled[0].revents == 0 else { return }
            if polled[1].revents != 0 { acceptAll() }
            for entry in polled.dropFirst(2) where entry.revents != 0 { serve(entry.fd) }
            drip()
            publish()
        }
    }

    private mutating func acceptAll() {
        while true {
            let socket = accept(listener, nil, nil)
            guard socket >= 0 else { return }
            _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
            _ = fcntl(socket, F_SETFL, O_NONBLOCK)
            var yes: Int32 = 1
            setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
            connections[socket] = Connection(socket: socket)
        }
    }

    private mutating func serve(_ socket: Int32) {
        // Taken out, so that its buffer has one owner.
        guard var connection = connections.removeValue(forKey: socket) else { return }
        let isOpen = connection.owed > 0 ? pay(&connection) : read(&connection)
        if isOpen { connections[socket] = connection } else { close(socket) }
    }

    private mutating func read(_ connection: inout Connection) -> Bool {
        let count = recv(connection.socket, &scratch, scratch.count, 0)
        guard count > 0 else { return count < 0 && (errno == EAGAIN || errno == EINTR) }
        let at = Moment.now
        // What hangs or drips says nothing more, whatever comes.
        if connection.isDeaf { return true }
        connection.buffer.append(contentsOf: scratch[..<count])
        while !connection.isDeaf, connection.owed == 0, let request = connection.buffer.withUnsafeBytes(HookRequest.init) {
            connection.buffer.removeFirst(request.length)
            number += 1
            let reply = reply(number, at)
            news.append(Arrival(at: at, id: request.id, alert: request.alert, digest: request.digest, status: reply.status))
            guard answer(reply, &connection) else { return false }
        }
        return true
    }

    private mutating func answer(_ reply: Reply, _ connection: inout Connection) -> Bool {
        switch reply {
        case .status(200, ""):
            return send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", connection.socket)
        case .status(let status, let headers):
            return send("HTTP/1.1 \(status) Status\r\n\(headers)Content-Length: 0\r\n\r\n", connection.socket)
        case .hang:
            connection.isDeaf = true
            return true
        case .reset:
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(connection.socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
            return false
        case .drip:
            connection.isDeaf = true
            connection.isDripping = true
            return send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", connection.socket)
        case .large(let bytes):
            connection.owed = bytes
            return send("HTTP/1.1 200 OK\r\nContent-Length: \(bytes)\r\n\r\n", connection.socket)
        }
    }

    /// Goes on with a large answer.
    private func pay(_ connection: inout Connection) -> Bool {
        let count = scratch.withUnsafeBytes {
            Glibc.send(connection.socket, $0.baseAddress, min($0.count, connection.owed), Int32(MSG_NOSIGNAL))
        }
        if count > 0 { connection.owed -= count }
        return count > 0 || errno == EAGAIN
    }

    private mutating func drip() {
        let now = Moment.now
        guard now >= nextDrip else { return }
        nextDrip = now + 1
        for (socket, connection) in connections where connection.isDripping && !send(".", socket) {
            close(socket)
            connections[socket] = nil
        }
    }

    /// An answer is short enough for the socket's buffer.
    private func send(_ text: String, _ socket: Int32) -> Bool {
        var text = text
        return text.withUTF8 { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) == $0.count }
    }

    private mutating func publish() {
        guard !news.isEmpty else { return }
        let time = Moment.ofThread
        record.change { content in
            content.arrivals.append(contentsOf: news)
            for arrival in news where (200..<300).contains(arrival.status) {
                if let alert = arrival.alert { content.alerts.insert(alert) }
            }
            content.processorTime = time
        }
        news.removeAll(keepingCapacity: true)
    }
}
