//! What things are called.

use std::borrow::Cow;

use super::Inventory;
use super::rows::KindRow;
use crate::number::{EntitlementNumber, ResourceNumber};
use crate::reach::AccessPath;

impl Inventory {
    /// The name of a resource; of one without a name its address, then its id.
    pub fn name(&self, resource: ResourceNumber) -> &str {
        let Some(row) = self.resource_row(resource) else { return "" };
        let address = || self.account_row(resource)?.emails.of(&self.words).first().copied();
        self.texts
            .find(row.name)
            .or_else(|| self.texts.find(address()?))
            .unwrap_or_else(|| self.texts.get(row.id))
    }

    /// An entitlement with its resource: `member of Growth`, `admin on Website`.
    pub fn phrase(&self, entitlement: EntitlementNumber) -> String {
        if self.is_real(entitlement) {
            self.entitlement_ref(entitlement).phrase()
        } else {
            "something that is not listed".to_owned()
        }
    }

    /// A way in words: `Ana → member of Growth → admin on Website`. What is only told says so.
    pub fn sentence(&self, path: &AccessPath) -> String {
        let told = |own: EntitlementNumber| {
            let target = path.steps.get(1).and_then(|step| {
                let entered = match step {
                    crate::reach::Step::Entitlement(entitlement) => entitlement,
                    crate::reach::Step::Circle { entered, .. } => entered,
                };
                self.find_told(*entered, path.principal)
            });
            let ids = target.map(|row| self.told_sources(row).collect::<Vec<_>>()).unwrap_or_default();
            let phrase = |id: &&str| {
                self.find_entitlement(id).map_or_else(|| (*id).to_owned(), |found| self.phrase(found))
            };
            let sources: Vec<String> = ids.iter().map(phrase).collect();
            debug_assert!(!self.is_real(own), "only an entitlement of a principal's own brings told grants");
            format!("(told, without a way: {})", sources.join(", "))
        };
        path.sentence(self.name(path.principal), |entitlement| {
            if self.is_real(entitlement) { self.phrase(entitlement) } else { told(entitlement) }
        })
    }

    /// The id of a grant as it was reported; of an inherited one the usual one (baton ID-4).
    pub fn grant_id(&self, entitlement: EntitlementNumber, principal: ResourceNumber) -> Cow<'_, str> {
        let key = (entitlement.0, principal.0);
        if let Ok(at) = self.odd_ids.binary_search_by_key(&key, |(one, two, _)| (*one, *two))
            && let Some((.., id)) = self.odd_ids.get(at)
        {
            return Cow::Borrowed(self.texts.get(*id));
        }
        let entitlement = self.entitlement_row(entitlement).map(|row| self.texts.get(row.id));
        Cow::Owned(format!("{}:{}", entitlement.unwrap_or_default(), self.resource_id(principal)))
    }

    /// Kind and id of a resource, as commands take them: `user:7`.
    pub fn resource_id(&self, resource: ResourceNumber) -> String {
        let row = self.resource_row(resource);
        let (kind, id) = row.map(|row| (self.kind_id(row.kind), self.texts.get(row.id))).unwrap_or_default();
        format!("{kind}:{id}")
    }

    pub(in crate::inventory) fn kind_id(&self, kind: u32) -> &str {
        self.kind_row(kind).map(|kind| self.texts.get(kind.id)).unwrap_or_default()
    }

    pub(in crate::inventory) fn kind_row(&self, kind: u32) -> Option<&KindRow> {
        self.kinds.get(kind as usize)
    }
}
