import ArgumentParser
import Foundation

/// Who does something, as it is kept and told.
struct Person: ParsableArguments {
    @Option(name: .long, help: "Who does it; default the user that runs this.")
    var by: String?

    /// The API's rule for names.
    func validate() throws {
        guard let by else { return }
        let isPlain = by.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        guard isPlain, by.unicodeScalars.count <= 200, !by.allSatisfy(\.isWhitespace) else {
            throw ValidationError("--by has 1 to 200 characters, none of them a control character")
        }
    }

    /// A container's user may have no name.
    var name: String {
        let user = NSUserName()
        return by ?? (user.isEmpty ? "uid \(geteuid())" : user)
    }
}
