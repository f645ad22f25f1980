use egress::{LedgerRef, WritePermit};
use store::Intent;

/// The permit of a durable intent. The only place that makes one (architecture law 2).
pub(super) fn permit(entry: LedgerRef) -> WritePermit {
    WritePermit::for_intent(entry)
}

/// How the permit names the ledger's entry.
pub(super) fn entry(intent: &Intent) -> LedgerRef {
    LedgerRef { id: intent.id().to_string(), fence: intent.fence() }
}
