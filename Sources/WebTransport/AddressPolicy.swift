/// Which addresses a request may connect to, judged on the address of the connection and not on the name in the URL.
public enum AddressPolicy: Sendable, Hashable {
    /// Public unicast addresses only: what a user typed in must not reach a private network, this machine or a cloud's metadata service.
    case publicOnly
    /// Any address, for receivers that the operator allowed to be internal.
    case any
}
