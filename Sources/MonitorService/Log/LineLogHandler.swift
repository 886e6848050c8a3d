import Foundation
import Logging
import Monitoring

/// Writes a line for each message: the message, which is constant, and its metadata.
struct LineLogHandler: LogHandler {
    enum Form: Sendable {
        case terminal, json
    }

    let label: String
    let form: Form
    let write: @Sendable (String) -> Void
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel: Logger.Level = .info

    init(label: String, form: Form, write: @escaping @Sendable (String) -> Void) {
        self.label = label
        self.form = form
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadata.merging(metadataProvider?.get() ?? [:]) { own, _ in own }
        all.merge(event.metadata ?? [:]) { _, new in new }
        if let error = event.error { all["error"] = "\(error)" }
        write(Self.line(event.level, "\(event.message)", all, label: label, at: Date(), form: form))
    }

    /// A line without its end.
    static func line(
        _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata, label: String, at moment: Date, form: Form
    ) -> String {
        let fields = metadata.sorted { $0.key < $1.key }.map { (key: $0.key, value: "\($0.value)") }
        switch form {
        case .terminal:
            let time = MonitoringJSON.timestamp(moment).dropFirst(11).prefix(8)
            let details = fields.isEmpty ? "" : "  " + fields.map { "\($0.key)=\(quoted($0.value))" }.joined(separator: " ")
            return
                "\(time) \(level.rawValue.uppercased().padding(toLength: 8, withPad: " ", startingAt: 0)) \(printable(message))\(details)"
        case .json:
            var object = Dictionary(fields.map { ($0.key, JSONValue.string($0.value)) }) { _, last in last }
            object["time"] = .string(MonitoringJSON.timestamp(moment))
            object["level"] = .string(level.rawValue)
            object["logger"] = .string(label)
            object["message"] = .string(message)
            return (try? MonitoringJSON.encode(object)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
        }
    }

    private static func quoted(_ value: String) -> String {
        let clean = printable(value)
        return clean.contains(" ") || clean.isEmpty ? "\"\(clean)\"" : clean
    }

    /// Control characters could move a terminal's cursor, or forge a line.
    private static func printable(_ text: String) -> String {
        String(text.map { character in character.unicodeScalars.contains { $0.properties.generalCategory == .control } ? " " : character })
    }
}
