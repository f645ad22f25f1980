//! Lists of grants, direct and inherited.

use std::borrow::Cow;
use std::ops::ControlFlow;

use serde::{Serialize, Serializer};

use super::search::Search;
use super::{Cursor, ListPage, PageRequest, QueryError, Totals};
use crate::inventory::view::rows::Range;
use crate::inventory::view::{EntitlementRef, Inventory, ResourceRef};
use crate::item::AccountStatus;
use crate::number::{EntitlementNumber, ResourceNumber};
use crate::reach::{AccessQuery, Held};

/// Which grants are wanted; all of those that are named have to fit.
#[derive(Debug, Clone, Copy, Default)]
pub struct GrantQuery<'a> {
    /// On resources of this kind.
    pub kind: Option<&'a str>,
    /// On this resource.
    pub resource: Option<ResourceNumber>,
    /// Of this entitlement.
    pub entitlement: Option<EntitlementNumber>,
    /// Held by this one.
    pub principal: Option<ResourceNumber>,
    /// Held by principals of this kind.
    pub principal_kind: Option<&'a str>,
    /// Direct ones, or inherited ones.
    pub held: Option<Held>,
    /// Held by accounts that can be used, or cannot.
    pub status: Option<AccountStatus>,
    /// With this in the names of who holds or of what is held.
    pub search: Option<&'a str>,
}

/// One grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GrantItem {
    /// What is held.
    pub entitlement: EntitlementNumber,
    /// By whom.
    pub principal: ResourceNumber,
    /// How.
    pub held: Held,
}

/// A grant by its names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantView<'a> {
    /// Its id.
    pub id: Cow<'a, str>,
    /// What is held.
    pub entitlement: EntitlementRef<'a>,
    /// By whom.
    pub principal: ResourceRef<'a>,
    /// `direct` or `inherited`.
    #[serde(serialize_with = "held")]
    pub held: Held,
}

impl Inventory {
    /// Grants by entitlement, then by principal. Inherited ones are found anew, so that a list of them takes as long
    /// as they are many.
    ///
    /// # Errors
    /// [`QueryError`] if there is no such kind, or the cursor is none of this list.
    pub fn list_grants(
        &self,
        query: &GrantQuery<'_>,
        request: &PageRequest,
    ) -> Result<ListPage<GrantItem>, QueryError> {
        let kind = self.wanted_kind(query.kind)?;
        let all = Range { start: 0, end: self.entitlements.len() as u32 };
        let mut range = kind.map_or(all, |kind| self.entitlements_of_kind(kind));
        if let Some(resource) = query.resource {
            range = shared(range, self.entitlements_of(resource));
        }
        if let Some(entitlement) = query.entitlement {
            range = shared(range, Range { start: entitlement.0, end: entitlement.0.saturating_add(1) });
        }
        let list = GrantList {
            inventory: self,
            query,
            principal_kind: self.wanted_kind(query.principal_kind)?.map(|kind| kind.0),
            search: Search::of(query.search),
            after: request.after.as_ref().map(|cursor| self.grant_after(cursor)).transpose()?,
            request,
            page: ListPage { items: Vec::new(), next: None, total: None },
            total: 0,
            more: false,
        };
        Ok(list.run(range))
    }

    /// A grant by its names.
    pub fn grant(&self, item: &GrantItem) -> GrantView<'_> {
        GrantView {
            id: self.grant_id(item.entitlement, item.principal),
            entitlement: self.entitlement_ref(item.entitlement),
            principal: self.resource_ref(item.principal),
            held: item.held,
        }
    }

    pub(super) fn grant_after(
        &self,
        cursor: &Cursor,
    ) -> Result<(EntitlementNumber, ResourceNumber), QueryError> {
        let [entitlement, kind, id] = cursor.ids()?;
        let entitlement = self.find_entitlement(entitlement).ok_or(QueryError::Gone)?;
        Ok((entitlement, self.find_resource(kind, id).ok_or(QueryError::Gone)?))
    }
}

struct GrantList<'a> {
    inventory: &'a Inventory,
    query: &'a GrantQuery<'a>,
    principal_kind: Option<u32>,
    search: Option<Search>,
    after: Option<(EntitlementNumber, ResourceNumber)>,
    request: &'a PageRequest,
    page: ListPage<GrantItem>,
    total: u64,
    more: bool,
}

impl GrantList<'_> {
    fn run(mut self, mut range: Range) -> ListPage<GrantItem> {
        let inventory = self.inventory;
        if let (Some((entitlement, _)), Totals::Left) = (self.after, self.request.totals) {
            range.start = range.start.max(entitlement.0);
        }
        let entitlements = (range.start..range.end).map(EntitlementNumber);
        if let Some(principal) = self.query.principal {
            let found = inventory.graph.access(&AccessQuery { principal, limit: usize::MAX });
            let mut found = found.items;
            found.sort_unstable_by_key(|access| access.entitlement);
            for access in found {
                let entitlement = access.entitlement;
                if range.start <= entitlement.0 && entitlement.0 < range.end {
                    let item = GrantItem { entitlement, principal, held: access.held };
                    if self.take(item).is_break() {
                        break;
                    }
                }
            }
        } else if self.query.held == Some(Held::Directly) {
            for entitlement in entitlements {
                let mut direct = inventory.graph.direct_holders(entitlement);
                let taken = direct.try_for_each(|principal| {
                    self.take(GrantItem { entitlement, principal, held: Held::Directly })
                });
                if taken.is_break() {
                    break;
                }
            }
        } else {
            let mut search = inventory.graph.holder_search();
            for entitlement in entitlements {
                let mut items: Vec<GrantItem> = search
                    .of(entitlement)
                    .iter()
                    .map(|holder| GrantItem { entitlement, principal: holder.principal, held: holder.held })
                    .collect();
                items.sort_unstable();
                if items.into_iter().try_for_each(|item| self.take(item)).is_break() {
                    break;
                }
            }
        }
        self.page.total = (self.request.totals == Totals::Counted).then_some(self.total);
        if self.more {
            self.page.next = self.page.items.last().map(|item| {
                let (entitlement, principal) =
                    (inventory.entitlement_ref(item.entitlement), inventory.resource_ref(item.principal));
                Cursor::of([entitlement.id, principal.kind, principal.id])
            });
        }
        self.page
    }

    fn take(&mut self, item: GrantItem) -> ControlFlow<()> {
        if !self.is_wanted(&item) {
            return ControlFlow::Continue(());
        }
        self.total += 1;
        if self.after.is_some_and(|after| (item.entitlement, item.principal) <= after) {
            return ControlFlow::Continue(());
        }
        if self.page.items.len() < self.request.limit {
            self.page.items.push(item);
            return ControlFlow::Continue(());
        }
        self.more = true;
        if self.request.totals == Totals::Left { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn is_wanted(&self, item: &GrantItem) -> bool {
        let inventory = self.inventory;
        let status = self.query.status;
        self.query.held.is_none_or(|held| item.held == held)
            && self
                .principal_kind
                .is_none_or(|kind| inventory.resource_row(item.principal).is_some_and(|row| row.kind == kind))
            && status.is_none_or(|status| {
                inventory.account_row(item.principal).is_some_and(|account| account.status == status)
            })
            && self.search.as_ref().is_none_or(|search| {
                search.fits_resource(inventory, item.principal)
                    || search.fits_entitlement(inventory, item.entitlement)
            })
    }
}

/// How a grant is held, in a word.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over so")]
pub(super) fn held<S: Serializer>(held: &Held, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match held {
        Held::Directly => "direct",
        Held::Inherited => "inherited",
    })
}

fn shared(one: Range, other: Range) -> Range {
    let start = one.start.max(other.start);
    Range { start, end: one.end.min(other.end).max(start) }
}
