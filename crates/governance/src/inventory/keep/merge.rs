//! What comes into force: of each kind what was read now, or what was read to its end last.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;
use store::{InventoryChunkId, InventoryKind, InventoryKindStatus, InventoryPart, NewInventoryPart};

use super::sink::Teller;
use crate::inventory::shrink::Measured;

/// What is in force.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Base<'a> {
    pub(super) kinds: &'a [InventoryKind],
    pub(super) parts: &'a [InventoryPart],
}

/// What was read.
#[derive(Debug)]
pub(super) struct Fresh {
    pub(super) teller: Teller,
    pub(super) read_at: Timestamp,
    /// All kinds that are known of now; their times do not count.
    pub(super) kinds: Vec<InventoryKind>,
    pub(super) parts: Vec<(InventoryPart, Vec<InventoryChunkId>)>,
    /// Kinds that come and go by their nature: what is gone of them says nothing.
    pub(super) unsteady: HashSet<String>,
    pub(super) written_bytes: u64,
}

/// What is to be in force.
#[derive(Debug)]
pub(super) struct Merged {
    pub(super) kinds: Vec<InventoryKind>,
    pub(super) parts: Vec<NewInventoryPart>,
    /// Parts that are others than they were, or came, or went: kind and holder.
    pub(super) changed: Vec<(String, String)>,
    /// Whether all that is said of the kinds is what was said, but for their times.
    pub(super) says_same: bool,
    /// How much there was and is, where both are known.
    pub(super) measured: Vec<Measured>,
}

/// What is told of a kind that nobody wants to know of.
const OFF: &str = "switched off for this connection";

impl Fresh {
    /// Whatever was read of these kinds, and whoever of them holds something, is left out (governance CON-27).
    pub(super) fn switch_off(&mut self, off: &BTreeSet<String>) {
        self.kinds.retain(|kind| !off.contains(&kind.kind));
        self.kinds.extend(off.iter().map(|kind| InventoryKind {
            kind: kind.clone(),
            status: InventoryKindStatus::Unavailable,
            as_of: None,
            reason: Some(OFF.to_owned()),
        }));
    }
}

type PartName<'a> = (&'a str, &'a str);

/// Puts what was read over what is in force.
pub(super) fn merge(base: Base<'_>, fresh: &Fresh) -> Merged {
    let of_base: BTreeMap<PartName<'_>, &InventoryPart> =
        base.parts.iter().map(|part| ((part.kind.as_str(), part.holder.as_str()), part)).collect();
    let of_fresh: BTreeMap<PartName<'_>, &(InventoryPart, Vec<InventoryChunkId>)> =
        fresh.parts.iter().map(|new| ((new.0.kind.as_str(), new.0.holder.as_str()), new)).collect();
    let status = |kind: &str| {
        let found = fresh.kinds.iter().find(|known| known.kind == kind);
        found.map_or(InventoryKindStatus::Removed, |known| known.status)
    };
    let names: BTreeSet<PartName<'_>> = of_base.keys().chain(of_fresh.keys()).copied().collect();
    let (mut parts, mut changed, mut measured) = (Vec::new(), Vec::new(), Vec::new());
    for name in names {
        let (before, read) = (of_base.get(&name).copied(), of_fresh.get(&name).copied());
        let new = match standing(name, &status) {
            InventoryKindStatus::Complete => read
                .map(|(part, chunks)| NewInventoryPart { part: part.clone(), chunks: Some(chunks.clone()) }),
            InventoryKindStatus::Incomplete => {
                before.map(|part| NewInventoryPart { part: part.clone(), chunks: None })
            }
            InventoryKindStatus::Unavailable | InventoryKindStatus::Removed => None,
        };
        if before.map(|part| &part.id) != new.as_ref().map(|new| &new.part.id) {
            changed.push((name.0.to_owned(), name.1.to_owned()));
        }
        if is_measured(name, fresh, &status)
            && let Some(before) = before
        {
            measured.extend(measures(before, new.as_ref().map(|new| &new.part)));
        }
        parts.extend(new);
    }
    let kinds = kinds(base, fresh, &of_base);
    let said = |kind: &InventoryKind| (kind.kind.clone(), kind.status, kind.as_of.is_some());
    let says_same = base.kinds.iter().map(said).eq(kinds.iter().map(said));
    Merged { kinds, parts, changed, says_same, measured }
}

/// How far a part is known: as far as the less known of its two ends.
fn standing(
    (kind, holder): PartName<'_>,
    status: &dyn Fn(&str) -> InventoryKindStatus,
) -> InventoryKindStatus {
    let of = |kind: &str| match status(kind) {
        InventoryKindStatus::Complete => 0,
        InventoryKindStatus::Incomplete => 1,
        InventoryKindStatus::Unavailable => 2,
        InventoryKindStatus::Removed => 3,
    };
    let end = if holder.is_empty() || of(kind) >= of(holder) { kind } else { holder };
    status(end)
}

/// Whether it is asked how much of a part is gone. Of a sync of ours it is known why a kind is not there; a file
/// leaves out what its maker could not read.
fn is_measured(name: PartName<'_>, fresh: &Fresh, status: &dyn Fn(&str) -> InventoryKindStatus) -> bool {
    if fresh.unsteady.contains(name.0) || fresh.unsteady.contains(name.1) {
        return false;
    }
    match standing(name, status) {
        InventoryKindStatus::Complete => true,
        InventoryKindStatus::Removed => fresh.teller == Teller::Somebody,
        InventoryKindStatus::Incomplete | InventoryKindStatus::Unavailable => false,
    }
}

fn measures(before: &InventoryPart, now: Option<&InventoryPart>) -> Vec<Measured> {
    let counts = now.map(|now| now.counts).unwrap_or_default();
    let (kind, holder) = (model::visible(&before.kind), model::visible(&before.holder));
    if before.holder.is_empty() {
        vec![
            Measured::new(format!("resources of `{kind}`"), before.counts.resources, counts.resources),
            Measured::new(
                format!("entitlements on `{kind}`"),
                before.counts.entitlements,
                counts.entitlements,
            ),
        ]
    } else {
        let what = format!("grants on `{kind}` that `{holder}` holds");
        vec![Measured::new(what, before.counts.grants, counts.grants)]
    }
}

/// The kinds with the times of what is shown of them; those that are not there any more at the end.
fn kinds(
    base: Base<'_>,
    fresh: &Fresh,
    of_base: &BTreeMap<PartName<'_>, &InventoryPart>,
) -> Vec<InventoryKind> {
    let known = fresh.kinds.iter().map(|kind| InventoryKind {
        as_of: match kind.status {
            InventoryKindStatus::Complete => Some(fresh.read_at),
            InventoryKindStatus::Incomplete => of_base.get(&(kind.kind.as_str(), "")).map(|part| part.as_of),
            InventoryKindStatus::Unavailable | InventoryKindStatus::Removed => None,
        },
        ..kind.clone()
    });
    let is_known = |kind: &&InventoryKind| fresh.kinds.iter().any(|known| known.kind == kind.kind);
    let gone = base.kinds.iter().filter(|kind| !is_known(kind)).filter_map(|kind| {
        // One of which nothing was ever shown has left nothing.
        let as_of = Some(kind.as_of?);
        Some(InventoryKind {
            kind: kind.kind.clone(),
            status: InventoryKindStatus::Removed,
            as_of,
            reason: None,
        })
    });
    known.chain(gone).collect()
}
