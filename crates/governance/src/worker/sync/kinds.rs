//! Kinds that are switched off (governance CON-27).

use std::collections::BTreeSet;

use c1z::Expansion;
use connector::Connector;

use crate::sync_part::SyncPart;

/// Why nothing is read of a connection all of whose kinds are switched off.
pub(super) const NOTHING: &str =
    "all of its kinds are switched off; switch one of them on, or pause the connection";

/// What is left to be read; nothing if all kinds of the connector file are switched off. The inventory adds by itself
/// what follows from grants, so that no kind is read for what it brings others.
pub(super) fn part(connector: &Connector, off: &BTreeSet<String>) -> Option<SyncPart> {
    let Some(governance) = connector.connection().file.governance.as_deref().filter(|_| !off.is_empty())
    else {
        return Some(SyncPart::default());
    };
    let kinds = governance.resource_types.iter().map(|kind| kind.id.clone());
    let kinds: BTreeSet<String> = kinds.filter(|kind| !off.contains(kind)).collect();
    (!kinds.is_empty()).then(|| SyncPart { kinds, expansion: Expansion::Left, ..SyncPart::default() })
}
