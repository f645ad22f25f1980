/// What a call does to the other side (architecture law 2).
///
/// Decided once, from the connector file, when a request is built; the door only obeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Looks and changes nothing: may be sent at any time and tried again.
    Read,
    /// Changes something: needs a permit and is never sent twice blindly.
    Write,
}
