//! What became of each kind, from what became of its lists.

use std::collections::BTreeMap;

use model::IncompleteReason;
use spec::connector_file::governance::{EntitlementSource, Governance};

use crate::listing::{Listed, Listings};
use crate::plan::{KindDepth, Plan};
use crate::report::{KindCause, KindReport, KindStatus};
use crate::sync::UnitEnd;

/// Kinds that only grants name are told by their word, so many of them and so long; the rest together.
const MOST_UNKNOWN: usize = 50;
const LONGEST_WORD: usize = 64;
const OTHER: &str = "(other)";

/// What is known of one kind, and what was counted.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) id: String,
    pub(super) depth: KindDepth,
    pub(super) end: UnitEnd,
    pub(super) resources: u64,
    pub(super) entitlements: u64,
    pub(super) grants: u64,
    /// Grants that are left out, because the kind of the other side is not shown.
    pub(super) left_out: u64,
    /// Grants on it by a rule that does not name the kind under `types`.
    pub(super) unplaced: u64,
    /// Resources that only a grant names.
    pub(super) stubs: u64,
    /// Circles of entitlements on it: whoever holds one of them holds all.
    pub(super) circles: u64,
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
    /// `ends`: of the lists, by number; none for those that were not to be read.
    pub(super) fn new(
        governance: &Governance,
        (listings, plan): (&Listings, &Plan),
        ends: &[Option<UnitEnd>],
    ) -> Self {
        let mut all: Vec<Kind> = governance
            .resource_types
            .iter()
            .enumerate()
            .map(|(place, kind)| Kind {
                id: kind.id.clone(),
                depth: plan.depth(place),
                end: UnitEnd::Complete,
                resources: 0,
                entitlements: 0,
                grants: 0,
                left_out: 0,
                unplaced: 0,
                stubs: 0,
                circles: 0,
            })
            .collect();
        for (listing, end) in listings.iter().zip(ends) {
            let Some(end) = end else { continue };
            let end = match (listing.what, end) {
                // Its resources are known and what can be held on them is not: half of a kind is none.
                (Listed::Entitlements(_) | Listed::Holders(_), end)
                    if all.get(listing.of).is_some_and(|kind| kind.end == UnitEnd::Complete) =>
                {
                    end.clone().of_part()
                }
                (_, end) => end.clone(),
            };
            if let Some(kind) = all.get_mut(listing.of) {
                kind.end = std::mem::replace(&mut kind.end, UnitEnd::Complete).and(end);
            }
        }
        without_origins(governance, &mut all);
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
        self.all.get(place).is_some_and(|kind| kind.is_read() && kind.end == UnitEnd::Complete)
    }

    /// Whether anybody asked for the kind.
    pub(super) fn is_read(&self, place: usize) -> bool {
        self.all.get(place).is_some_and(Kind::is_read)
    }

    /// Counts a grant on a kind that the file does not have there.
    pub(super) fn note_unplaced(&mut self, id: &str) {
        if let Some(kind) = self.find(id).and_then(|place| self.all.get_mut(place)) {
            kind.unplaced += 1;
            return;
        }
        // The word comes from the application: it is shown as far as it can be one.
        let is_word =
            id.len() <= LONGEST_WORD && id.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
        let is_new = is_word && !self.unknown.contains_key(id);
        let word = if !is_word || (is_new && self.unknown.len() >= MOST_UNKNOWN) { OTHER } else { id };
        *self.unknown.entry(word.to_owned()).or_default() += 1;
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
        let known = self.all.iter().filter(|kind| kind.is_read()).map(|kind| {
            let (status, reason, cause) = match &kind.end {
                UnitEnd::Complete => (KindStatus::Complete, kind.note(), None),
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

/// A kind whose entitlements are derived from one that is not shown would be shown without them.
fn without_origins(governance: &Governance, all: &mut [Kind]) {
    // What is derived may be derived from again: as often as there are kinds is enough.
    for _ in 0..all.len() {
        let shown: Vec<bool> = all.iter().map(|kind| kind.end == UnitEnd::Complete).collect();
        for (of, kind) in governance.resource_types.iter().zip(all.iter_mut()) {
            let mut origins = of.entitlements.iter().filter_map(|entitlements| match &entitlements.source {
                EntitlementSource::Derived { of, .. } => Some(of),
                EntitlementSource::Static | EntitlementSource::Listed { .. } => None,
            });
            let place = |id: &String| governance.resource_types.iter().position(|kind| kind.id == *id);
            let is_missing = |id: &&String| place(id).is_some_and(|place| shown.get(place) == Some(&false));
            if kind.end == UnitEnd::Complete
                && kind.depth == KindDepth::Access
                && let Some(missing) = origins.find(is_missing)
            {
                let detail = format!("`{missing}`, which its entitlements are derived from, is not shown");
                kind.end = UnitEnd::Incomplete { reason: IncompleteReason::Upstream, status: None, detail };
            }
        }
    }
}

impl Kind {
    fn is_read(&self) -> bool {
        self.depth != KindDepth::Unread
    }

    /// What is to be known of a kind that was read to its end: counts, nobody.
    fn note(&self) -> Option<String> {
        let left_out = (self.left_out > 0).then(|| {
            format!("{} grants are not shown, because the kind of who holds them is not", self.left_out)
        });
        let unplaced = (self.unplaced > 0).then(|| {
            format!(
                "{} grants are not shown, because their rule does not name this kind under `types`",
                self.unplaced
            )
        });
        let stubs = (self.stubs > 0).then(|| {
            format!("{} of them are known only because grants name them, and shown by their id", self.stubs)
        });
        let circles = (self.circles > 0).then(|| {
            format!(
                "circles of entitlements that bring each other: {}; who holds one of a circle holds all",
                self.circles
            )
        });
        let notes: Vec<String> = left_out.into_iter().chain(unplaced).chain(stubs).chain(circles).collect();
        (!notes.is_empty()).then(|| notes.join("; "))
    }
}
