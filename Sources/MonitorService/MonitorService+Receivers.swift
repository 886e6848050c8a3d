import Foundation
import Logging
public import Notifications
import WebTransport

extension MonitorService {
    /// The receivers that messages would go to, by name: those of the configuration, or the log where it has none.
    ///
    /// - Throws: What `run` would refuse the configuration for.
    public func receivers() throws -> [Receiver] {
        try notificationConfiguration().receivers.values.sorted { $0.name < $1.name }
    }

    /// Sends a marked message to one receiver. It needs no database.
    ///
    /// - Throws: What `run` would refuse the configuration for, and where there is no receiver of that name. What the receiver does is
    ///   no error.
    public func testReceiver(named name: String) async throws -> ReceiverTestOutcome {
        let configuration = try notificationConfiguration()
        let transport = WebTransport()
        do {
            let outcome = try await ReceiverTest(configuration: configuration, transport: transport).run(receiver: name)
            await transport.close()
            return outcome
        } catch {
            await transport.close()
            throw error
        }
    }

    /// Changes a message in Slack after somebody pressed a button in it. That it failed is logged: what was done is done.
    func updateSlackMessage(_ address: String, body: [UInt8]) async {
        let transport = WebTransport()
        do {
            let response = try await transport.send(
                WebRequest(
                    method: "POST", url: address, headers: [(name: "Content-Type", value: "application/json; charset=utf-8")], body: body,
                    connectTimeout: .seconds(5), timeout: .seconds(10), addresses: .publicOnly))
            if !(200..<300).contains(response.status) {
                logger.warning("a message in Slack was not changed", metadata: ["status": "\(response.status)"])
            }
        } catch {
            logger.warning("a message in Slack was not changed", metadata: ["error": "\(error.code)"])
        }
        await transport.close()
    }
}
