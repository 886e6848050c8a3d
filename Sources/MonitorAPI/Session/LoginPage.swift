/// What the page shows on which people sign in.
struct LoginPage: Sendable {
    let markHTML = Brand.mark
    let next: String
    let notice: String
    let hasNotice: Bool
    let fault: String
    let hasFault: Bool
    let name: String
    let maximumName = ActionOrder.maximumName

    init(next: String, notice: String?, fault: String?, name: String) {
        self.next = next
        self.notice = notice ?? ""
        hasNotice = notice != nil
        self.fault = fault ?? ""
        hasFault = fault != nil
        self.name = name
    }
}
