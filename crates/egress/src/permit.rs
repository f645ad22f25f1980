use std::fmt;

/// The entry of the write-ahead ledger that a write stands under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRef {
    /// Id of the entry.
    pub id: String,
    /// The sender's fencing number at the time.
    pub fence: i64,
}

/// Leave to send one write (architecture law 2).
///
/// A permit names a durable intent of the ledger. It is used up by the one call it is given to: there
/// is no `Default`, no `Clone`, and the fields are private. Together with the door, which refuses every
/// write that carries none, this means that nothing is changed in a connected application that the
/// ledger does not know of.
///
/// ```compile_fail,E0451
/// # let entry = egress::LedgerRef { id: "led_1".into(), fence: 1 };
/// let forged = egress::WritePermit { entry, holds: None };
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
pub struct WritePermit {
    entry: LedgerRef,
    holds: Option<Box<dyn Fn() -> bool + Send + Sync>>,
}

impl WritePermit {
    /// The permit of an intent that is durable in the ledger.
    ///
    /// The type cannot check that it is. That is why exactly one place calls this, right after the
    /// ledger has said that the intent is durable (`engine`, `write`), and why a test counts the places
    /// in the sources of the workspace.
    #[must_use]
    pub fn for_intent(entry: LedgerRef) -> Self {
        Self { entry, holds: None }
    }

    /// The same permit, good only while `holds` says so: while its holder still has the task.
    ///
    /// The door asks directly before the request goes out, after every wait, so that a process that
    /// was stopped meanwhile does not send what another one took over.
    #[must_use]
    pub fn while_held(mut self, holds: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.holds = Some(Box::new(holds));
        self
    }

    /// Whether it may still be used.
    pub fn holds(&self) -> bool {
        self.holds.as_ref().is_none_or(|holds| holds())
    }

    /// The ledger's entry.
    pub fn entry(&self) -> &LedgerRef {
        &self.entry
    }
}

impl fmt::Debug for WritePermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WritePermit").field("entry", &self.entry).finish_non_exhaustive()
    }
}

#[cfg(test)]
impl WritePermit {
    /// A permit for tests of this crate: the door must let a permitted write through.
    pub(crate) fn for_tests() -> Self {
        Self { entry: LedgerRef { id: "led_test".to_owned(), fence: 1 }, holds: None }
    }
}
