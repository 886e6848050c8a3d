import CLibPQ

/// Owns a `PGconn`: closed when the handle goes.
struct ConnectionHandle: ~Copyable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit {
        PQfinish(pointer)
    }
}
