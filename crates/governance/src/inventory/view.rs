//! An inventory in memory.

mod account_row;
mod builder;
mod find;
mod finding;
mod finish;
mod kind_state;
mod names;
mod numbering;
mod of_file;
mod of_state;
mod parts;
pub(in crate::inventory) mod rows;
pub(in crate::inventory) mod texts;

use std::fmt;

use jiff::Timestamp;

pub use builder::InventoryBuilder;
pub use find::{Candidate, FindError};
pub use finding::FindingView;
pub use kind_state::{KindStanding, KindState};
pub use of_file::FileInventoryError;
pub use of_state::OpenError;
pub use parts::{AccountView, EntitlementRef, EntitlementView, KindView, ResourceRef, ResourceView};

use crate::expansion::Finding;
use crate::number::{EntitlementNumber, ResourceNumber};
use crate::reach::AccessGraph;
use rows::{AccountRow, EmailRow, EntitlementRow, KindRow, NONE, ResourceRow, ToldRow};
use texts::{Text, Texts};

/// Who has what in one application, at one moment.
///
/// Numbers are given in the order of kinds, then ids, so equal inventories give equal answers, whatever order their
/// rows came in. It is only read: any number of questions may be asked at a time.
pub struct Inventory {
    as_of: Timestamp,
    pub(super) texts: Texts,
    pub(super) kinds: Vec<KindRow>,
    kind_states: Vec<KindState>,
    /// By kind, then by id.
    pub(super) resources: Vec<ResourceRow>,
    /// Where the resources of each kind begin, and where the last ones end.
    kind_starts: Vec<u32>,
    /// Resources by what they are called, without case.
    pub(super) resources_by_name: Vec<u32>,
    /// By resource.
    pub(super) accounts: Vec<AccountRow>,
    pub(super) words: Vec<Text>,
    /// By address, without case.
    emails: Vec<EmailRow>,
    /// By resource, then by id.
    pub(super) entitlements: Vec<EntitlementRow>,
    entitlements_by_id: Vec<u32>,
    /// By what they are called, without case.
    pub(super) entitlements_by_name: Vec<u32>,
    /// Ids of grants that are not the usual ones: entitlement, principal, id.
    odd_ids: Vec<(u32, u32, Text)>,
    /// Grants that are told to follow from others: by principal, then by entitlement.
    told: Vec<ToldRow>,
    told_sources: Vec<Text>,
    /// Reported grants. Each principal with told ones holds besides an entitlement of its own, behind the last one
    /// that there is, which brings them.
    pub(super) graph: AccessGraph,
    grants: u64,
    left_out: u64,
    findings: Vec<Finding>,
}

impl Inventory {
    /// When it was true.
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// What was said of its kinds.
    pub fn kind_states(&self) -> &[KindState] {
        &self.kind_states
    }

    /// The kinds that are not as current as the rest: every answer has to name them.
    pub fn not_current(&self) -> impl Iterator<Item = &KindState> {
        self.kind_states.iter().filter(|state| !state.is_current())
    }

    /// Whether an answer may be short or old.
    pub fn is_incomplete(&self) -> bool {
        self.kind_states.iter().any(KindState::is_incomplete)
    }

    /// How many grants were reported, told ones included.
    pub fn reported_grants(&self) -> u64 {
        self.grants
    }

    /// Grants that are not shown: what they are on or who holds them is not listed any more, and one of their kinds
    /// is from an earlier sync.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Grants that should bring others and cannot (baton E-2).
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many resources there are, accounts included.
    pub fn resource_count(&self) -> usize {
        self.resources.len()
    }

    /// How many entitlements there are.
    pub fn entitlement_count(&self) -> usize {
        self.entitlements.len()
    }

    /// All entitlements, by their resources.
    pub fn entitlement_numbers(&self) -> impl Iterator<Item = EntitlementNumber> + use<> {
        (0..self.entitlements.len() as u32).map(EntitlementNumber)
    }

    /// The ways of access through it.
    pub fn graph(&self) -> &AccessGraph {
        &self.graph
    }

    /// What it takes in memory, without an allocator's own books.
    pub fn bytes(&self) -> usize {
        fn of<T>(table: &Vec<T>) -> usize {
            table.capacity() * size_of::<T>()
        }
        let tables = of(&self.kinds)
            + of(&self.resources)
            + of(&self.kind_starts)
            + of(&self.resources_by_name)
            + of(&self.accounts)
            + of(&self.words)
            + of(&self.emails)
            + of(&self.entitlements)
            + of(&self.entitlements_by_id)
            + of(&self.entitlements_by_name)
            + of(&self.odd_ids)
            + of(&self.told)
            + of(&self.told_sources)
            + of(&self.findings)
            + of(&self.kind_states);
        size_of::<Self>() + self.texts.bytes() + tables + self.graph.bytes()
    }

    /// A grant that is told to be inherited, without a way that could be shown.
    pub(super) fn find_told(
        &self,
        entitlement: EntitlementNumber,
        principal: ResourceNumber,
    ) -> Option<&ToldRow> {
        let key = (principal.0, entitlement.0);
        let at = self.told.binary_search_by_key(&key, |row| (row.principal, row.entitlement)).ok()?;
        self.told.get(at)
    }

    /// The ids of the entitlements that a told grant is told to follow from.
    pub(super) fn told_sources(&self, row: &ToldRow) -> impl Iterator<Item = &str> {
        row.sources.of(&self.told_sources).iter().map(|text| self.texts.get(*text))
    }

    /// Whether the number stands for an entitlement; else it brings told grants.
    pub(super) fn is_real(&self, entitlement: EntitlementNumber) -> bool {
        (entitlement.0 as usize) < self.entitlements.len()
    }

    pub(super) fn resource_row(&self, number: ResourceNumber) -> Option<&ResourceRow> {
        self.resources.get(number.0 as usize)
    }

    pub(super) fn entitlement_row(&self, number: EntitlementNumber) -> Option<&EntitlementRow> {
        self.entitlements.get(number.0 as usize)
    }

    pub(super) fn account_row(&self, number: ResourceNumber) -> Option<&AccountRow> {
        let row = self.resource_row(number)?;
        if row.account == NONE { None } else { self.accounts.get(row.account as usize) }
    }
}

impl fmt::Debug for Inventory {
    /// Counts alone: names are those of people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inventory")
            .field("as_of", &self.as_of)
            .field("resources", &self.resources.len())
            .field("entitlements", &self.entitlements.len())
            .field("grants", &self.grants)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
