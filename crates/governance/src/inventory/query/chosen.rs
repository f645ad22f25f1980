//! Pages of accounts and grants that somebody chose.

use super::page::page;
use super::{Cursor, GrantItem, ListPage, PageRequest, QueryError};
use crate::inventory::view::Inventory;
use crate::number::ResourceNumber;
use crate::reach::Held;

impl Inventory {
    /// A page of these, in their order; each of them is there once.
    ///
    /// # Errors
    /// [`QueryError`] if the cursor is none of this list.
    pub fn page_of(
        &self,
        chosen: &[ResourceNumber],
        request: &PageRequest,
    ) -> Result<ListPage<ResourceNumber>, QueryError> {
        self.resource_page(chosen.iter().copied(), |_| true, request)
    }

    /// A page of these grants, which are held directly, in their order; each of them is there once.
    ///
    /// # Errors
    /// [`QueryError`] if the cursor is none of this list.
    pub fn page_of_grants(
        &self,
        chosen: &[GrantItem],
        request: &PageRequest,
    ) -> Result<ListPage<GrantItem>, QueryError> {
        let after = request.after.as_ref().map(|cursor| self.grant_after(cursor)).transpose()?;
        let after =
            after.map(|(entitlement, principal)| GrantItem { entitlement, principal, held: Held::Directly });
        let cursor = |item: GrantItem| {
            let (entitlement, principal) =
                (self.entitlement_ref(item.entitlement), self.resource_ref(item.principal));
            Cursor::of([entitlement.id, principal.kind, principal.id])
        };
        page(chosen.iter().copied(), |_| true, (after, request), cursor)
    }
}
