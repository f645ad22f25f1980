use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use egress::{LedgerRef, WritePermit};
use store::Intent;

use crate::hold::{HoldState, HoldWatch};

/// The permit of a durable intent, good while the task is held. The only place that makes one
/// (architecture law 2).
pub(super) fn permit(entry: LedgerRef, hold: HoldWatch, departure: &Departure) -> WritePermit {
    let departure = departure.clone();
    WritePermit::for_intent(entry).while_held(move || departure.ask(hold.state()))
}

/// How the permit names the ledger's entry.
pub(super) fn entry(intent: &Intent) -> LedgerRef {
    LedgerRef { id: intent.id().to_string(), fence: intent.fence() }
}

/// What the permit said when it was asked, directly before the wire.
#[derive(Debug, Clone, Default)]
pub(super) struct Departure {
    allowed: Arc<AtomicBool>,
    refused: Arc<AtomicBool>,
}

impl Departure {
    fn ask(&self, state: HoldState) -> bool {
        let is_held = state == HoldState::Held;
        let answer = if is_held { &self.allowed } else { &self.refused };
        answer.store(true, Ordering::SeqCst);
        is_held
    }

    /// The write may be out by now.
    pub(super) fn has_left(&self) -> bool {
        self.allowed.load(Ordering::SeqCst)
    }

    /// The write was held back for good.
    pub(super) fn was_refused(&self) -> bool {
        self.refused.load(Ordering::SeqCst)
    }
}
