import ArgumentParser
import Foundation
import Glibc
import WebTransport

/// The transport alone: POSTs of 2 KB to nginx, beside a loop in C over the same libcurl.
struct TransportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "transport", abstract: "The transport alone against nginx.")

    @OptionGroup var common: CommonOptions

    @Option(help: "Requests of a round.")
    var requests = 60_000

    @Option(help: "Requests at the same time.")
    var inFlight = 64

    @Option(help: "Rounds; the median is told.")
    var rounds = 3

    @Option(parsing: .upToNextOption, help: "http, https.")
    var scheme = ["http", "https"]

    @Option(
        help: ArgumentHelp(
            "The floor's program, built from deploy/benchmarks/transport-floor.c; without it there is no floor.", valueName: "path"))
    var floor: String?

    private struct Round: Sendable {
        var rate: Double
        var time: ProcessorTime
        var nginx: ProcessorTime
        var milliseconds: [Double]
    }

    func validate() throws {
        guard (100...10_000_000).contains(requests), (1...1024).contains(inFlight), (1...50).contains(rounds),
            scheme.allSatisfy({ ["http", "https"].contains($0) })
        else { throw ValidationError("--requests 100 to 10000000, --in-flight 1 to 1024, --rounds 1 to 50, --scheme http or https") }
    }

    func run() async throws {
        var figures = Figures("transport, POST of 2 KB, \(inFlight) in flight")
        let measured = try await Cleanup.shared.withFolder { folder in
            try await Nginx.run(folder) { nginx, worker in try await measure(nginx, worker, folder) }
        }
        for part in measured ?? [] { part(&figures) }
        if measured == nil { figures.remark("nginx or openssl is not installed: skipped") }
        if floor == nil { figures.remark("no --floor was named: no floor") }
        try common.tell(figures)
    }

    private func measure(
        _ nginx: Nginx, _ worker: ProcessFile, _ folder: String
    ) async throws -> [@Sendable (inout Figures) -> Void] {
        var parts: [@Sendable (inout Figures) -> Void] = []
        for scheme in scheme {
            let url = "\(scheme)://127.0.0.1:\(scheme == "http" ? nginx.port : nginx.securePort)/hook"
            var own: [Round] = []
            var floors: [Round] = []
            // In turns, so that both meet the same machine.
            for _ in 0..<rounds {
                own.append(try await product(url, nginx, worker))
                if let floor { floors.append(try await Self.floor(floor, url, nginx, worker, requests: requests, inFlight, folder)) }
            }
            let requests = requests
            parts.append { [own, floors] figures in
                let goal = scheme == "http" ? 20_000.0 : 10_000.0
                let rate = Sample(own.map(\.rate)).quantile(0.5)
                figures.add(.product, "\(scheme), requests a second, median of \(own.count)", rate, "/s", goal: .atLeast(goal))
                let each = Sample(own.map { $0.time.total / Double(requests) * 1e6 }).quantile(0.5)
                figures.add(.product, "\(scheme), CPU each", each, "µs", goal: .atMost(60))
                if let last = own.last {
                    figures.add(.product, scheme, last.time, per: requests)
                    figures.add(.product, "\(scheme), send to answer", last.milliseconds, "ms")
                    figures.add(.surroundings, "\(scheme), nginx, CPU each", last.nginx.total / Double(requests) * 1e6, "µs")
                }
                guard !floors.isEmpty else { return }
                let rateOfFloor = Sample(floors.map(\.rate)).quantile(0.5)
                figures.add(.floor, "\(scheme), multi_poll in C, requests a second", rateOfFloor, "/s")
                let eachOfFloor = Sample(floors.map { $0.time.total / Double(requests) * 1e6 }).quantile(0.5)
                figures.add(.floor, "\(scheme), multi_poll in C, CPU each", eachOfFloor, "µs")
                // 20,000 over 35,000, and 10,000 over 17,000: what the goals are on any machine.
                figures.add(
                    .product, "\(scheme), rate over the floor's", rate / rateOfFloor, "", goal: .atLeast(scheme == "http" ? 0.57 : 0.59))
            }
        }
        return parts
    }

    private func product(_ url: String, _ nginx: Nginx, _ worker: ProcessFile) async throws -> Round {
        let transport = WebTransport(WebTransportConfiguration(maxConnections: inFlight, caFile: nginx.certificate))
        let body = [UInt8](repeating: 0x61, count: 2048)
        let request = WebRequest(
            method: "POST", url: url, headers: [("Content-Type", "application/json"), ("webhook-id", UUID().uuidString)], body: body,
            addresses: .any)
        // Connections are open before the clock runs.
        _ = try await Self.send(request, transport, count: inFlight * 4, inFlight)
        let before = (Moment.now, ProcessorTime.own, worker.processorTime())
        let milliseconds = try await Self.send(request, transport, count: requests, inFlight)
        let after = (Moment.now, ProcessorTime.own, worker.processorTime())
        await transport.close()
        return Round(
            rate: Double(requests) / (after.0 - before.0), time: after.1 - before.1, nginx: after.2 - before.2, milliseconds: milliseconds)
    }

    private static func send(_ request: WebRequest, _ transport: WebTransport, count: Int, _ inFlight: Int) async throws -> [Double] {
        try await withThrowingTaskGroup(of: [Double].self) { group in
            for lane in 0..<inFlight {
                group.addTask {
                    var milliseconds: [Double] = []
                    for _ in stride(from: lane, to: count, by: inFlight) {
                        let start = Moment.now
                        let response = try await transport.send(request)
                        guard response.status == 200 else { throw Failure("nginx answered \(response.status)") }
                        milliseconds.append((Moment.now - start) * 1e3)
                    }
                    return milliseconds
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
    }

    /// The floor's program prints seconds, and user and system time in seconds.
    private static func floor(
        _ program: String, _ url: String, _ nginx: Nginx, _ worker: ProcessFile, requests: Int, _ inFlight: Int, _ folder: String
    ) async throws -> Round {
        let before = worker.processorTime()
        let log = "\(folder)/floor-\(UUID().uuidString).log"
        let output = try await ChildProcess.run(
            program, [url, "\(requests)", "\(inFlight)", nginx.certificate], log: log, within: 300)
        let numbers = output.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
        guard numbers.count == 3 else { throw Failure("the floor's program said: \(output)") }
        return Round(
            rate: Double(requests) / numbers[0], time: ProcessorTime(user: numbers[1], system: numbers[2]),
            nginx: worker.processorTime() - before, milliseconds: [])
    }
}
