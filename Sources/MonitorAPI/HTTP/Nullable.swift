/// A field that is written as null where it has no value, rather than left out.
@propertyWrapper
struct Nullable<Value: Encodable & Sendable & Hashable>: Encodable, Sendable, Hashable {
    var wrappedValue: Value?

    init(wrappedValue: Value?) {
        self.wrappedValue = wrappedValue
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let wrappedValue { try container.encode(wrappedValue) } else { try container.encodeNil() }
    }
}
