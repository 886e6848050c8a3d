/// What goes wrong with rows that nothing validates: each of these has been seen in a console's table.
enum Flaw: CaseIterable {
    case rewardMissing, rewardText, rewardWord, rewardNull, rewardBoolean
    case durationDecimal, durationText, durationWithUnit, durationNegative, durationHuge, durationMissing
    case telemetryMissing, telemetryText, chainObject, chainEmpty
    case modelLong, modelHostile, modelMissing

    func apply(to data: inout EventData) {
        switch self {
        case .rewardMissing: data.reward = nil
        case .rewardText: data.reward = "\"0.6\""
        case .rewardWord: data.reward = "\"n/a\""
        case .rewardNull: data.reward = "null"
        case .rewardBoolean: data.reward = "true"
        case .durationDecimal: data.duration = data.duration.map { $0 + ".0" }
        case .durationText: data.duration = data.duration.map { "\"\($0)\"" }
        case .durationWithUnit: data.duration = "\"2.3s\""
        case .durationNegative: data.duration = data.duration.map { "-" + $0 }
        case .durationHuge: data.duration = "9007199254740993"
        case .durationMissing: data.duration = nil
        case .telemetryMissing: data.telemetry = nil
        case .telemetryText: data.telemetry = "\"unavailable\""
        case .chainObject: data.telemetry = #"{"request_chain": {"service": "railway"}}"#
        case .chainEmpty: data.telemetry = #"{"request_chain": []}"#
        case .modelLong: data.model = jsonString(String(repeating: "claude-sonnet-", count: 36))
        case .modelHostile: data.model = jsonString("<!channel> \"quoted\"\n🔥 model")
        case .modelMissing: data.model = nil
        }
    }
}
