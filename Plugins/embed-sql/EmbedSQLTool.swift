import Foundation

/// `embed-sql OUTPUT FILE…`: writes an enum with one list of scripts for each folder that the files lie in, in the order of their names.
///
/// Texts, since the compiler takes minutes for as many bytes in a list of numbers.
@main struct EmbedSQLTool {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst().map { URL(filePath: $0) }
        guard let output = arguments.first else { throw CocoaError(.fileNoSuchFile) }
        let folders = Dictionary(grouping: arguments.dropFirst()) { $0.deletingLastPathComponent().lastPathComponent }
        let lists = try folders.sorted { $0.key < $1.key }.map { folder, files in
            let scripts = try files.sorted { $0.lastPathComponent < $1.lastPathComponent }.map { file in
                "(\"\(file.deletingPathExtension().lastPathComponent)\", \(try literal(String(contentsOf: file, encoding: .utf8)))),\n"
            }
            return "    static let \(folder): [(name: String, sql: String)] = [\n\(scripts.joined())    ]\n"
        }
        try "enum Scripts {\n\(lists.joined())}\n".write(to: output, atomically: true, encoding: .utf8)
    }

    /// A raw literal with more number signs than stand together in the text.
    private static func literal(_ text: String) -> String {
        let longest = text.matches(of: /#+/).map(\.output.count).max() ?? 0
        let signs = String(repeating: "#", count: longest + 1)
        return "\(signs)\"\"\"\n\(text)\n\"\"\"\(signs)"
    }
}
