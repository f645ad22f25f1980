//! From the rows that were taken to an inventory: grants that count, tables sorted, ways found.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use super::builder::{GrantOrigin, GrantRow, InventoryBuilder};
use super::rows::{AccountRow, EmailRow, Listed, NONE, Range, ToldRow};
use super::texts::{Text, folded};
use super::{Inventory, KindState};
use crate::expansion::{Depth, Edge, ExpandableGrant, Finding};
use crate::inventory::InventoryError;
use crate::item::{AccountStatus, AccountType};
use crate::number::{EntitlementNumber, ResourceNumber, ResourceTypeNumber};
use crate::reach::{AccessGraphBuilder, AccessQuery};

/// Stands for a kind that nothing is of: no principal is let through for it.
const NO_KIND: ResourceTypeNumber = ResourceTypeNumber(u32::MAX - 1);

impl InventoryBuilder {
    /// The inventory of all rows that were taken, true at `as_of`.
    ///
    /// # Errors
    /// [`InventoryError::TooLarge`].
    pub fn finish(mut self, as_of: Timestamp) -> Result<Inventory, InventoryError> {
        let left_out = self.take_grants();
        let kind_starts = self.number();
        self.complete_accounts();
        let emails = self.emails()?;
        let (edges, findings) = self.edges();
        let mut graph = self.graph_builder();
        for (source, destination, depth, types) in &edges {
            let (source, destination) = (EntitlementNumber(*source), EntitlementNumber(*destination));
            graph.edge(Edge { source, destination, depth: *depth, principal_types: types });
        }
        let (graph, told) = self.told(graph);
        let sorted = |key: &dyn Fn(u32) -> String, count: usize| {
            let mut order: Vec<u32> = (0..count as u32).collect();
            order.sort_by_cached_key(|number| key(*number));
            order
        };
        let name = |number: u32| {
            let row = self.resources.get(number as usize);
            row.map(|row| folded(self.texts.get(if row.name.is_empty() { row.id } else { row.name })))
                .unwrap_or_default()
        };
        let resources_by_name = sorted(&name, self.resources.len());
        let entitlement_name = |number: u32| {
            let row = self.entitlements.get(number as usize);
            row.map(|row| folded(self.texts.get(if row.name.is_empty() { row.id } else { row.name })))
                .unwrap_or_default()
        };
        let entitlements_by_name = sorted(&entitlement_name, self.entitlements.len());
        let mut entitlements_by_id: Vec<u32> = (0..self.entitlements.len() as u32).collect();
        let id = |number: &u32| self.entitlements.get(*number as usize).map(|row| self.texts.get(row.id));
        entitlements_by_id.sort_unstable_by(|one, two| id(one).cmp(&id(two)));
        let odd = self.grants.iter().filter(|grant| !grant.id.is_empty());
        let mut odd_ids: Vec<(u32, u32, Text)> =
            odd.map(|grant| (grant.entitlement, grant.principal, grant.id)).collect();
        odd_ids.sort_unstable_by_key(|(entitlement, principal, _)| (*entitlement, *principal));
        let grants = self.grants.len() as u64;
        Ok(Inventory {
            as_of,
            kinds: self.kinds,
            kind_states: self.kind_states,
            resources: self.resources,
            kind_starts,
            resources_by_name,
            accounts: self.accounts,
            words: self.words,
            emails,
            entitlements: self.entitlements,
            entitlements_by_id,
            entitlements_by_name,
            odd_ids,
            told,
            told_sources: self.names,
            graph,
            grants,
            left_out,
            findings,
            texts: self.texts.finish(),
        })
    }

    /// Accounts in the order of their resources; one of a kind of accounts that says nothing about itself is one too.
    fn complete_accounts(&mut self) {
        let known = std::mem::take(&mut self.accounts);
        for (number, row) in (0..).zip(&mut self.resources) {
            let is_user = self.kinds.get(row.kind as usize).is_some_and(|kind| kind.is_user);
            let account = match known.get(row.account as usize) {
                Some(account) => *account,
                None if is_user => unknown_account(number),
                None => continue,
            };
            row.account = self.accounts.len() as u32;
            self.accounts.push(account);
        }
    }

    fn emails(&mut self) -> Result<Vec<EmailRow>, InventoryError> {
        let mut emails = Vec::new();
        for (account, row) in (0..).zip(&self.accounts) {
            for text in row.emails.of(&self.words) {
                let folded = folded(self.texts.get(*text));
                emails.push(EmailRow { folded: self.texts.add(&folded)?, account });
            }
        }
        emails.sort_unstable_by(|one, two| {
            (self.texts.get(one.folded), one.account).cmp(&(self.texts.get(two.folded), two.account))
        });
        Ok(emails)
    }

    /// Each grant once, by entitlement and principal, and without those that are not to be shown. Says how many
    /// those are.
    fn take_grants(&mut self) -> u64 {
        let mut order: Vec<u32> = (0..self.grants.len() as u32).collect();
        let grants = &self.grants;
        let key =
            |number: &u32| grants.get(*number as usize).map(|grant| (grant.entitlement, grant.principal));
        order.sort_by_key(key);
        let stale = self.stale_kinds();
        let (mut taken, mut left_out): (Vec<GrantRow>, u64) = (Vec::new(), 0);
        for of_one in order.chunk_by(|one, two| key(one) == key(two)) {
            let rows = of_one.iter().filter_map(|number| grants.get(*number as usize));
            let Some(last) = rows.copied().reduce(newer) else { continue };
            if self.is_shown(&last, &stale) {
                taken.push(last);
            } else {
                left_out += 1;
            }
        }
        taken.shrink_to_fit();
        self.grants = taken;
        left_out
    }

    /// The kinds that are not from the last sync.
    fn stale_kinds(&self) -> HashSet<u32> {
        let states = self.kind_states.iter().filter(|state| !KindState::is_current(state));
        let numbers: BTreeMap<&str, u32> =
            (0..).zip(&self.kinds).map(|(number, kind)| (self.texts.get(kind.id), number)).collect();
        states.filter_map(|state| numbers.get(state.kind.as_str()).copied()).collect()
    }

    /// A grant of something that no list has is shown, unless the lists are of different moments: then the newer one
    /// says that it is gone.
    fn is_shown(&self, grant: &GrantRow, stale: &HashSet<u32>) -> bool {
        let entitlement = self.entitlements.get(grant.entitlement as usize);
        let resource = entitlement.and_then(|row| self.resources.get(row.resource as usize));
        let principal = self.resources.get(grant.principal as usize);
        let kinds = [resource, principal].map(|row| row.map_or(NONE, |row| row.kind));
        let has_row = entitlement.is_some_and(|row| row.listed != Listed::Nowhere)
            && [resource, principal].iter().all(|row| row.is_some_and(|row| row.listed != Listed::Nowhere));
        has_row || !kinds.iter().any(|kind| stale.contains(kind))
    }

    #[expect(clippy::type_complexity, reason = "source, destination, depth and types of edges, used once")]
    fn edges(&self) -> (Vec<(u32, u32, Depth, Vec<ResourceTypeNumber>)>, Vec<Finding>) {
        let (mut edges, mut findings) = (Vec::new(), Vec::new());
        for grant in &self.grants {
            if grant.expand.of(&self.names).is_empty() {
                continue;
            }
            let types: Vec<ResourceTypeNumber> = grant
                .expand_types
                .of(&self.names)
                .iter()
                .map(|kind| self.find_kind(self.texts.get(*kind)).map_or(NO_KIND, ResourceTypeNumber))
                .collect();
            for source in grant.expand.of(&self.names) {
                let found = self.entitlement_numbers.get(self.texts.get(*source)).copied();
                let row = found.and_then(|found| self.entitlements.get(found as usize));
                let expandable = ExpandableGrant {
                    entitlement: EntitlementNumber(grant.entitlement),
                    principal: ResourceNumber(grant.principal),
                    source: EntitlementNumber(found.unwrap_or(NONE)),
                    source_resource: row.map(|row| ResourceNumber(row.resource)),
                    depth: if grant.is_shallow { Depth::Shallow } else { Depth::Deep },
                    principal_types: &types,
                };
                match expandable.edge() {
                    Ok(edge) => edges.push((edge.source.0, edge.destination.0, edge.depth, types.clone())),
                    Err(finding) => findings.push(finding),
                }
            }
        }
        findings.sort_unstable();
        findings.dedup();
        (edges, findings)
    }

    fn graph_builder(&self) -> AccessGraphBuilder {
        let mut graph = AccessGraphBuilder::new();
        for (number, row) in (0..).zip(&self.resources) {
            graph.resource(ResourceNumber(number), ResourceTypeNumber(row.kind));
        }
        for (number, row) in (0..).zip(&self.entitlements) {
            graph.entitlement(EntitlementNumber(number), ResourceNumber(row.resource));
        }
        for grant in self.grants.iter().filter(|grant| grant.origin == GrantOrigin::Direct) {
            graph.grant(EntitlementNumber(grant.entitlement), ResourceNumber(grant.principal));
        }
        graph
    }

    /// Adds the told grants that do not follow from what is here. They are no direct ones, so each hangs on an
    /// entitlement of its principal's own: whoever walks from them does so as from an inherited one.
    fn told(&mut self, graph: AccessGraphBuilder) -> (crate::reach::AccessGraph, Vec<ToldRow>) {
        let mut told: Vec<ToldRow> = Vec::new();
        for grant in &self.grants {
            if let GrantOrigin::Told(sources) = grant.origin {
                let (principal, entitlement) = (grant.principal, grant.entitlement);
                told.push(ToldRow { principal, entitlement, sources });
            }
        }
        if told.is_empty() {
            return (graph.build(), told);
        }
        told.sort_unstable_by_key(|row| (row.principal, row.entitlement));
        let without = graph.clone().build();
        let mut kept = Vec::new();
        for of_one in told.chunk_by(|one, two| one.principal == two.principal) {
            let Some(first) = of_one.first() else { continue };
            let query = AccessQuery { principal: ResourceNumber(first.principal), limit: usize::MAX };
            let found = without.access(&query);
            let reached: HashSet<u32> = found.items.iter().map(|access| access.entitlement.0).collect();
            kept.extend(of_one.iter().filter(|row| !reached.contains(&row.entitlement)).copied());
        }
        if kept.is_empty() {
            return (without, kept);
        }
        drop(without);
        let mut graph = graph;
        let own = self.entitlements.len() as u32..;
        for (own, of_one) in own.zip(kept.chunk_by(|one, two| one.principal == two.principal)) {
            let own = EntitlementNumber(own);
            for row in of_one {
                graph.grant(own, ResourceNumber(row.principal));
                let destination = EntitlementNumber(row.entitlement);
                graph.edge(Edge { source: own, destination, depth: Depth::Deep, principal_types: &[] });
            }
        }
        (graph.build(), kept)
    }
}

/// Which of two rows of one grant counts: the later one, except that a direct one is not undone by another id's told one.
fn newer(known: GrantRow, row: GrantRow) -> GrantRow {
    let undone =
        known.id != row.id && known.origin == GrantOrigin::Direct && row.origin != GrantOrigin::Direct;
    if undone { known } else { row }
}

fn unknown_account(resource: u32) -> AccountRow {
    AccountRow {
        resource,
        emails: Range::default(),
        logins: Range::default(),
        employee_ids: Range::default(),
        given_name: Text::EMPTY,
        family_name: Text::EMPTY,
        status: AccountStatus::Enabled,
        status_details: Text::EMPTY,
        account_type: AccountType::Human,
        last_login: None,
        created_at: None,
    }
}
