/// Leave to send one write (architecture law 2).
///
/// A permit names a durable ledger intent. The ledger does not exist yet, so nothing can make
/// one: there is no constructor, no `Default`, no `Clone`, and the field is private. Together
/// with the door, which refuses every write that carries none, this means that no program built
/// on this crate can change anything in a connected application.
///
/// ```compile_fail,E0451
/// let forged = egress::WritePermit { intent: () };
/// ```
///
/// ```compile_fail,E0277
/// fn make<T: Default>() -> T { T::default() }
/// let forged: egress::WritePermit = make();
/// ```
///
/// ```compile_fail,E0277
/// fn twice<T: Clone>(permit: &T) -> T { permit.clone() }
/// fn second(permit: egress::WritePermit) { twice::<egress::WritePermit>(&permit); }
/// ```
///
/// The same code with a type that has what is asked for compiles:
///
/// ```
/// fn make<T: Default>() -> T { T::default() }
/// let honest: egress::RecordingHints = make();
/// ```
#[derive(Debug)]
pub struct WritePermit {
    #[expect(dead_code, reason = "keeps the struct from being built outside; becomes the ledger intent")]
    intent: (),
}

#[cfg(test)]
impl WritePermit {
    /// A permit for tests of this crate: the door must let a permitted write through.
    pub(crate) fn for_tests() -> Self {
        Self { intent: () }
    }
}
