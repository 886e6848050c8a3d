/// An encoder that writes nothing and remembers each key with the type of what was encoded for it.
final class KeyRecorder: Encoder {
    private let reader: SchemaReader
    private(set) var keys: [String: Schema] = [:]
    /// Keys that are left out where there is no value.
    private(set) var optional: Set<String> = []

    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    init(_ reader: SchemaReader) {
        self.reader = reader
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(Keys<Key>(recorder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer { fatalError("a described type is an object") }
    func singleValueContainer() -> any SingleValueEncodingContainer { fatalError("a described type is an object") }

    private func record(_ key: some CodingKey, _ type: Any.Type, isOptional: Bool = false) {
        keys[key.stringValue] = reader.schema(of: type)
        if isOptional { optional.insert(key.stringValue) }
    }

    private struct Keys<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let recorder: KeyRecorder
        var codingPath: [any CodingKey] { [] }

        func encode<T: Encodable>(_ value: T, forKey key: Key) { recorder.record(key, T.self) }
        func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) { recorder.record(key, T.self, isOptional: true) }

        func encode(_ value: Bool, forKey key: Key) { recorder.record(key, Bool.self) }
        func encode(_ value: String, forKey key: Key) { recorder.record(key, String.self) }
        func encode(_ value: Double, forKey key: Key) { recorder.record(key, Double.self) }
        func encode(_ value: Float, forKey key: Key) { recorder.record(key, Double.self) }
        func encode(_ value: Int, forKey key: Key) { recorder.record(key, Int.self) }
        func encode(_ value: Int8, forKey key: Key) { recorder.record(key, Int.self) }
        func encode(_ value: Int16, forKey key: Key) { recorder.record(key, Int.self) }
        func encode(_ value: Int32, forKey key: Key) { recorder.record(key, Int.self) }
        func encode(_ value: Int64, forKey key: Key) { recorder.record(key, Int.self) }
        func encode(_ value: UInt, forKey key: Key) { recorder.record(key, Int.self) }
        func encode(_ value: UInt8, forKey key: Key) { recorder.record(key, Int.self) }
        func encode(_ value: UInt16, forKey key: Key) { recorder.record(key, Int.self) }
        func encode(_ value: UInt32, forKey key: Key) { recorder.record(key, Int.self) }
        func encode(_ value: UInt64, forKey key: Key) { recorder.record(key, Int.self) }
        func encodeIfPresent(_ value: Bool?, forKey key: Key) { recorder.record(key, Bool.self, isOptional: true) }
        func encodeIfPresent(_ value: String?, forKey key: Key) { recorder.record(key, String.self, isOptional: true) }
        func encodeIfPresent(_ value: Double?, forKey key: Key) { recorder.record(key, Double.self, isOptional: true) }
        func encodeIfPresent(_ value: Int?, forKey key: Key) { recorder.record(key, Int.self, isOptional: true) }

        func encodeNil(forKey key: Key) { fatalError("\(key.stringValue): encode an optional, which has a type") }
        func nestedContainer<Inner: CodingKey>(keyedBy type: Inner.Type, forKey key: Key) -> KeyedEncodingContainer<Inner> {
            fatalError("\(key.stringValue): what is nested has a type of its own")
        }
        func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
            fatalError("\(key.stringValue): what is nested has a type of its own")
        }
        func superEncoder() -> any Encoder { recorder }
        func superEncoder(forKey key: Key) -> any Encoder { recorder }
    }
}
