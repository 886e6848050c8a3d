import PackagePlugin

/// Makes one Swift file of a target's `.sql` files, anew whenever one of them changes.
@main struct EmbedSQL: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        guard let module = target.sourceModule else { return [] }
        let scripts = module.sourceFiles(withSuffix: "sql").map(\.url).sorted { $0.path < $1.path }
        let output = context.pluginWorkDirectoryURL.appending(path: "Scripts.swift")
        return [
            .buildCommand(
                displayName: "Embedding SQL", executable: try context.tool(named: "embed-sql").url,
                arguments: [output.path] + scripts.map(\.path), inputFiles: scripts, outputFiles: [output])
        ]
    }
}
