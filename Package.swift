// swift-tools-version: 6.2
import PackageDescription

/// House rules for every target: explicit existentials and imports, and a warning is an error.
let house: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")

let package = Package(
    name: "torq-monitor",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Monitoring", targets: ["Monitoring"]),
        .executable(name: "torq-monitor", targets: ["torq-monitor"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: [.defaults, "YAML", "Reloading"]),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        // What swift-configuration reads YAML with: named here because the file's lists and line numbers are read by it directly.
        .package(url: "https://github.com/jpsim/Yams", "5.4.0"..<"7.0.0"),
    ],
    targets: [
        // C libraries of the system, with shims for what Swift cannot call.
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CLibCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // What is ours.
        .target(
            name: "MonitoringSchema", path: "sql", exclude: ["monitoring_schema.sql"], swiftSettings: house, plugins: ["EmbedSQL"]),
        .plugin(name: "EmbedSQL", capability: .buildTool(), dependencies: ["embed-sql"]),
        .executableTarget(name: "embed-sql", path: "Plugins/embed-sql", swiftSettings: house),
        .target(name: "Postgres", dependencies: ["CLibPQ"], swiftSettings: house),
        .target(name: "WebTransport", dependencies: ["CLibCurl", collections], swiftSettings: house),
        .target(name: "Monitoring", dependencies: ["Postgres", "MonitoringSchema", crypto], swiftSettings: house),
        .target(
            name: "Notifications", dependencies: ["Monitoring", "Postgres", "WebTransport", collections, crypto, log, metrics, mustache],
            swiftSettings: house),
        .target(
            name: "MonitorAPI",
            dependencies: [
                "CZlib", "Monitoring", "Notifications", "Postgres", collections, crypto, lifecycle, log, metrics, mustache, hummingbird,
            ],
            swiftSettings: house),
        .target(name: "Demo", dependencies: ["Postgres", crypto, log, mustache, hummingbird], swiftSettings: house),
        .target(
            name: "MonitorService",
            dependencies: [
                "Monitoring", "Notifications", "MonitorAPI", "Demo", "Postgres", "WebTransport",
                configuration, lifecycle, log, metrics, subprocess, hummingbird, yams,
            ], swiftSettings: house),
        .executableTarget(
            name: "torq-monitor",
            dependencies: ["MonitorService", "Monitoring", "MonitoringSchema", "Notifications", "Postgres", argumentParser, log],
            swiftSettings: house),

        // Tests: each against the real thing. TestServer makes databases, TestSupport listens on sockets, Simulation makes
        // histories of events and judges what the detector says to them.
        .target(name: "TestServer", dependencies: ["Postgres", "MonitoringSchema"], path: "Tests/TestServer", swiftSettings: house),
        .target(name: "TestSupport", dependencies: ["TestServer", crypto], path: "Tests/TestSupport", swiftSettings: house),
        .target(name: "Simulation", dependencies: ["Postgres", "Monitoring"], path: "Tests/Simulation", swiftSettings: house),
        .executableTarget(
            name: "detection-benchmark", dependencies: ["Simulation", "TestServer", "Monitoring", "Postgres", argumentParser],
            path: "Tests/DetectionBenchmark", swiftSettings: house),
        .executableTarget(
            name: "delivery-benchmark",
            dependencies: ["Notifications", "WebTransport", "Monitoring", "Postgres", "TestServer", argumentParser, log],
            path: "Sources/DeliveryBenchmark", swiftSettings: house),
        .testTarget(name: "PostgresTests", dependencies: ["Postgres", "TestSupport"], swiftSettings: house),
        .testTarget(name: "WebTransportTests", dependencies: ["WebTransport", "TestSupport"], swiftSettings: house),
        .testTarget(
            name: "MonitoringTests", dependencies: ["Monitoring", "MonitoringSchema", "Postgres", "Simulation", "TestSupport"],
            swiftSettings: house),
        .testTarget(name: "SimulationTests", dependencies: ["Simulation", "Monitoring"], swiftSettings: house),
        .testTarget(
            name: "NotificationsTests", dependencies: ["Notifications", "TestSupport"], exclude: ["Golden"], swiftSettings: house),
        .testTarget(
            name: "MonitorAPITests", dependencies: ["MonitorAPI", "WebTransport", "TestSupport", crypto, lifecycle, metrics],
            swiftSettings: house),
        .testTarget(name: "DemoTests", dependencies: ["Demo", "WebTransport", "TestSupport"], swiftSettings: house),
        .testTarget(
            name: "MonitorServiceTests", dependencies: ["MonitorService", "WebTransport", "TestSupport", subprocess, yams],
            swiftSettings: house),
    ],
    swiftLanguageModes: [.v6]
)
