//! Defects that tests plant to show that they are noticed. Never in the program.

use std::cell::Cell;

thread_local! {
    static PLANTED: Cell<Option<Defect>> = const { Cell::new(None) };
}

/// A defect of the write path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// A write is sent before its intent is durable.
    SendBeforeIntent,
    /// Fencing numbers are not compared, and a lost hold is not noticed.
    ForgetFences,
    /// A status of 500 or more counts as "had no effect".
    Trust500,
}

impl Defect {
    /// The defect that this thread planted, or the one that `TUTELA_DEFECT` names.
    pub(crate) fn chosen() -> Option<Self> {
        PLANTED.get().or_else(|| match std::env::var("TUTELA_DEFECT").as_deref() {
            Ok("send_before_intent") => Some(Self::SendBeforeIntent),
            Ok("forget_fences") => Some(Self::ForgetFences),
            Ok("trust_500") => Some(Self::Trust500),
            Ok(_) | Err(_) => None,
        })
    }

    /// Plants the defect into every [`Writer`](super::Writer) and hold made on this thread from now on.
    pub fn plant(self) {
        PLANTED.set(Some(self));
    }
}
