extension SlackPayload {
    /// The word with which Slack refuses this message, nil where it takes it.
    ///
    /// The limits are those of Slack's documentation of Block Kit; a message over one of them is lost as a whole, so the
    /// demo's channel is as strict as the real one.
    var refusal: String? {
        let hasText = !(text ?? "").isEmpty
        if !hasText && (blocks ?? []).isEmpty && (attachments ?? []).isEmpty { return "no_text" }
        if (attachments ?? []).count > 100 { return "too_many_attachments" }
        let groups = [blocks ?? []] + (attachments ?? []).map { $0.blocks ?? [] }
        return groups.allSatisfy { $0.count <= 50 && $0.allSatisfy(\.isWithinLimits) } ? nil : "invalid_blocks"
    }
}

extension SlackBlock {
    fileprivate var isWithinLimits: Bool {
        switch type {
        case "header":
            text?.type == "plain_text" && text?.isBetween(1, and: 150) == true
        case "section":
            (text != nil || fields?.isEmpty == false) && text?.isBetween(1, and: 3000) != false && (fields ?? []).count <= 10
                && (fields ?? []).allSatisfy { $0.isBetween(1, and: 2000) } && accessory?.isButtonWithinLimits != false
        case "context":
            (1...10).contains((elements ?? []).count) && (elements ?? []).allSatisfy { $0.text?.isBetween(1, and: 3000) == true }
        case "actions":
            (1...25).contains((elements ?? []).count) && (elements ?? []).allSatisfy(\.isButtonWithinLimits)
        case "divider":
            true
        default:
            false
        }
    }
}

extension SlackElement {
    fileprivate var isButtonWithinLimits: Bool {
        type == "button" && text?.type == "plain_text" && text?.isBetween(1, and: 75) == true && (url ?? "").utf16.count <= 3000
            && (actionID ?? "").utf16.count <= 255 && (style == nil || style == "primary" || style == "danger")
    }
}

extension SlackText {
    fileprivate func isBetween(_ least: Int, and most: Int) -> Bool {
        (least...most).contains(text.utf16.count)
    }
}
