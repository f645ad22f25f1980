//! What became of each kind, from what became of its lists.

use std::collections::BTreeMap;

use model::IncompleteReason;
use spec::connector_file::governance::Governance;

use crate::listing::{Listed, Listings};
use crate::report::{KindCause, KindReport, KindStatus};
use crate::sync::UnitEnd;

/// What is known of one kind, and what was counted.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) id: String,
    pub(super) end: UnitEnd,
    pub(super) resources: u64,
    pub(super) entitlements: u64,
    pub(super) grants: u64,
    /// Grants that are left out, because the kind of the other side is not shown.
    pub(super) left_out: u64,
}

/// All kinds of a file, and those that only grants name.
#[derive(Debug)]
pub(super) struct Kinds {
    all: Vec<Kind>,
    by_id: BTreeMap<String, usize>,
    /// How many grants name a kind that the file does not have.
    unknown: BTreeMap<String, u64>,
}

impl Kinds {
    /// `ends`: of the lists, by number.
    pub(super) fn new(governance: &Governance, listings: &Listings, ends: &[UnitEnd]) -> Self {
        let mut all: Vec<Kind> = governance
            .resource_types
            .iter()
            .map(|kind| Kind {
                id: kind.id.clone(),
                end: UnitEnd::Complete,
                resources: 0,
                entitlements: 0,
                grants: 0,
                left_out: 0,
            })
            .collect();
        for (listing, end) in listings.iter().zip(ends) {
            let end = match (listing.what, end) {
                // Its resources are known and what can be held on them is not: half of a kind is none.
                (Listed::Entitlements(_) | Listed::Holders(_), UnitEnd::Unavailable { detail })
                    if all.get(listing.of).is_some_and(|kind| kind.end == UnitEnd::Complete) =>
                {
                    UnitEnd::Incomplete {
                        reason: IncompleteReason::Http4xx,
                        status: None,
                        detail: detail.clone(),
                    }
                }
                (_, end) => end.clone(),
            };
            if let Some(kind) = all.get_mut(listing.of) {
                kind.end = std::mem::replace(&mut kind.end, UnitEnd::Complete).and(end);
            }
        }
        let by_id = all.iter().enumerate().map(|(place, kind)| (kind.id.clone(), place)).collect();
        Self { all, by_id, unknown: BTreeMap::new() }
    }

    /// Place of the kind called `id`.
    pub(super) fn find(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut Kind> {
        self.all.get_mut(place)
    }

    /// Whether rows of the kind are shown.
    pub(super) fn is_shown(&self, place: usize) -> bool {
        self.all.get(place).is_some_and(|kind| kind.end == UnitEnd::Complete)
    }

    /// Counts a grant on a kind that the file does not have.
    pub(super) fn note_unknown(&mut self, id: &str) {
        *self.unknown.entry(id.to_owned()).or_default() += 1;
    }

    /// The first required kind that is incomplete.
    pub(super) fn missing_required<'a>(&'a self, governance: &Governance) -> Option<&'a Kind> {
        let kinds = governance.resource_types.iter().zip(&self.all);
        kinds.filter(|(of, kind)| of.required && kind.end != UnitEnd::Complete).map(|(_, kind)| kind).next()
    }

    /// Whether some kind is incomplete; one that is not allowed is not.
    pub(super) fn has_incomplete(&self) -> bool {
        self.all.iter().any(|kind| matches!(kind.end, UnitEnd::Incomplete { .. }))
    }

    /// What is said about each.
    pub(super) fn reports(&self) -> Vec<KindReport> {
        let known = self.all.iter().map(|kind| {
            let (status, reason, cause) = match &kind.end {
                UnitEnd::Complete => (KindStatus::Complete, kind.left_out_text(), None),
                UnitEnd::Incomplete { reason, status, detail } => {
                    let cause = KindCause { reason: *reason, status: *status };
                    (KindStatus::Incomplete, Some(detail.clone()), Some(cause))
                }
                UnitEnd::Unavailable { detail } => {
                    let cause = KindCause { reason: IncompleteReason::Http4xx, status: None };
                    (KindStatus::Unavailable, Some(detail.clone()), Some(cause))
                }
            };
            KindReport {
                kind: kind.id.clone(),
                status,
                reason,
                cause,
                resources: kind.resources,
                entitlements: kind.entitlements,
                grants: kind.grants,
            }
        });
        let unknown = self.unknown.iter().map(|(id, count)| KindReport {
            kind: id.clone(),
            status: KindStatus::Unavailable,
            reason: Some(format!("{count} grants name this kind, which the connector file does not list")),
            cause: None,
            resources: 0,
            entitlements: 0,
            grants: 0,
        });
        known.chain(unknown).collect()
    }
}

impl Kind {
    fn left_out_text(&self) -> Option<String> {
        (self.left_out > 0).then(|| {
            format!("{} grants are not shown, because the kind of who holds them is not", self.left_out)
        })
    }
}
