import CLibPQ
import Glibc

/// Threads of our own, for what must not run on the cooperative pool.
enum NativeThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts a detached thread that runs `body` once. False when the system gives no thread.
    ///
    /// - Parameter name: at most 15 bytes, as pthread_setname_np(3) wants it.
    static func start(_ name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
        let box = Unmanaged.passRetained(
            Body {
                // For who looks at `top -H`.
                pthread_setname_np(pthread_self(), name)
                body()
            })
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        guard code == 0 else {
            box.release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}
