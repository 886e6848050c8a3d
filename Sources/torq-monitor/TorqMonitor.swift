@main
struct TorqMonitor {
    static func main() {}
}
