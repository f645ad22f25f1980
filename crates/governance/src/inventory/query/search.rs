//! Looking for a part of a name.

use crate::inventory::view::Inventory;
use crate::inventory::view::rows::Range;
use crate::inventory::view::texts::Text;
use crate::number::{EntitlementNumber, ResourceNumber};

/// A part of a text, without regard to case.
#[derive(Debug, Clone)]
pub(super) struct Search(String);

impl Search {
    /// Nothing to look for finds everything.
    pub(super) fn of(text: Option<&str>) -> Option<Self> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        Some(Self(text.to_lowercase()))
    }

    fn fits(&self, text: &str) -> bool {
        if text.is_ascii() && self.0.is_ascii() {
            let wanted = self.0.as_bytes();
            return text.as_bytes().windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted));
        }
        text.to_lowercase().contains(&self.0)
    }

    /// Whether it is part of a resource's name or id, or of an account's addresses or names to sign in with.
    pub(super) fn fits_resource(&self, inventory: &Inventory, number: ResourceNumber) -> bool {
        let Some(row) = inventory.resource_row(number) else { return false };
        let texts = &inventory.texts;
        let fits = |text: Text| self.fits(texts.get(text));
        let any = |range: Range| range.of(&inventory.words).iter().any(|text| fits(*text));
        fits(row.name)
            || fits(row.id)
            || inventory.account_row(number).is_some_and(|account| any(account.emails) || any(account.logins))
    }

    /// Whether it is part of an entitlement's names or of the name of its resource.
    pub(super) fn fits_entitlement(&self, inventory: &Inventory, number: EntitlementNumber) -> bool {
        let Some(row) = inventory.entitlement_row(number) else { return false };
        let on = inventory.resource_row(ResourceNumber(row.resource)).map_or(Text::EMPTY, |row| row.name);
        [row.name, row.slug, row.id, on].into_iter().any(|text| self.fits(inventory.texts.get(text)))
    }
}
