//! From what a person writes to what is meant.

use thiserror::Error;

use super::Inventory;
use super::rows::Range;
use super::texts::{folded, is_folded};
use crate::number::{EntitlementNumber, ResourceNumber, ResourceTypeNumber};
use crate::reach::Target;

/// A text that does not name one thing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FindError {
    /// Nothing is called so.
    #[error(
        "nothing here is called so; {what} is named by `kind:id`, by its id, its name, or an account by its e-mail"
    )]
    Nothing {
        /// What was looked for.
        what: &'static str,
    },
    /// It is a resource, and an entitlement is meant.
    #[error("this is the resource {}; name one of its entitlements", model::visible(id))]
    Resource {
        /// Which.
        id: String,
    },
    /// It is an entitlement, and a resource is meant.
    #[error("this is the entitlement {}, and a resource is meant", model::visible(id))]
    Entitlement {
        /// Which.
        id: String,
    },
    /// Several things are called so.
    #[error("{} are called so; name one by its id", candidates.len())]
    Several {
        /// Their ids, and what else tells them apart; sorted.
        candidates: Vec<Candidate>,
    },
}

/// One of several things that a text may mean.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// What names it alone.
    pub id: String,
    /// What it is called.
    pub name: String,
}

impl Inventory {
    /// The number of a kind.
    pub fn find_kind(&self, id: &str) -> Option<ResourceTypeNumber> {
        let place = self.kinds.iter().position(|kind| self.texts.get(kind.id) == id)?;
        u32::try_from(place).ok().map(ResourceTypeNumber)
    }

    /// The resource of a kind with this id.
    pub fn find_resource(&self, kind: &str, id: &str) -> Option<ResourceNumber> {
        self.resource_of_kind(self.find_kind(kind)?, id)
    }

    /// The entitlement with this id.
    pub fn find_entitlement(&self, id: &str) -> Option<EntitlementNumber> {
        let text =
            |number: &u32| self.entitlement_row(EntitlementNumber(*number)).map(|row| self.texts.get(row.id));
        let at = self.entitlements_by_id.binary_search_by(|number| text(number).cmp(&Some(id))).ok()?;
        self.entitlements_by_id.get(at).copied().map(EntitlementNumber)
    }

    /// The accounts with this address, without regard to case.
    pub fn accounts_by_email(&self, email: &str) -> Vec<ResourceNumber> {
        let email = folded(email);
        let from = self.emails.partition_point(|row| self.texts.get(row.folded) < email.as_str());
        let same = self.emails.get(from..).unwrap_or_default().iter();
        let same = same.take_while(|row| self.texts.get(row.folded) == email);
        let mut found: Vec<ResourceNumber> = same
            .filter_map(|row| self.accounts.get(row.account as usize))
            .map(|account| ResourceNumber(account.resource))
            .collect();
        found.dedup();
        found
    }

    /// Whom a person means: by kind and id, by e-mail, by the name to sign in with, by id, by name; the first of
    /// these that fits anything decides.
    ///
    /// # Errors
    /// [`FindError`] if nothing fits, or several do.
    pub fn resolve_principal(&self, text: &str) -> Result<ResourceNumber, FindError> {
        let ways: [&dyn Fn() -> Vec<ResourceNumber>; 5] = [
            &|| self.by_kind_and_id(text),
            &|| self.accounts_by_email(text),
            &|| self.by_login(text),
            &|| self.by_id(text),
            &|| self.by_name(text),
        ];
        let found = ways.iter().map(|way| way()).find(|found| !found.is_empty()).unwrap_or_default();
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(FindError::Nothing { what: "a principal" }),
            several => Err(FindError::Several { candidates: self.resource_candidates(several) }),
        }
    }

    /// What a person wants to reach: an entitlement by its id, a resource by kind and id or by id, then whatever is
    /// called so.
    ///
    /// # Errors
    /// [`FindError`] if nothing fits, or several do.
    pub fn resolve_target(&self, text: &str) -> Result<Target, FindError> {
        if let Some(entitlement) = self.find_entitlement(text) {
            return Ok(Target::Entitlement(entitlement));
        }
        let ways: [&dyn Fn() -> Vec<ResourceNumber>; 3] =
            [&|| self.by_kind_and_id(text), &|| self.by_id(text), &|| self.by_name(text)];
        let found = ways.iter().map(|way| way()).find(|found| !found.is_empty()).unwrap_or_default();
        match found.as_slice() {
            [one] => return Ok(Target::Resource(*one)),
            [] => {}
            several => return Err(FindError::Several { candidates: self.resource_candidates(several) }),
        }
        let wanted = folded(text);
        let mut found = self.entitlement_numbers().filter(|number| {
            let row = self.entitlement_row(*number);
            row.is_some_and(|row| is_folded(self.texts.get(row.name), &wanted))
        });
        match (found.next(), found.next()) {
            (None, _) => Err(FindError::Nothing { what: "an entitlement or a resource" }),
            (Some(one), None) => Ok(Target::Entitlement(one)),
            (Some(one), Some(two)) => {
                let all = [one, two].into_iter().chain(found);
                let mut candidates: Vec<Candidate> = all
                    .map(|number| Candidate {
                        id: self.entitlement_ref(number).id.to_owned(),
                        name: self.phrase(number),
                    })
                    .collect();
                candidates.sort_unstable();
                Err(FindError::Several { candidates })
            }
        }
    }

    /// The entitlement that a person means, as [`Inventory::resolve_target`] reads it.
    ///
    /// # Errors
    /// [`FindError`] if nothing fits, several do, or a resource does.
    pub fn resolve_entitlement(&self, text: &str) -> Result<EntitlementNumber, FindError> {
        match self.resolve_target(text)? {
            Target::Entitlement(found) => Ok(found),
            Target::Resource(found) => Err(FindError::Resource { id: self.resource_id(found) }),
        }
    }

    /// The resource that a person means, as [`Inventory::resolve_target`] reads it.
    ///
    /// # Errors
    /// [`FindError`] if nothing fits, several do, or an entitlement does.
    pub fn resolve_resource(&self, text: &str) -> Result<ResourceNumber, FindError> {
        match self.resolve_target(text)? {
            Target::Resource(found) => Ok(found),
            Target::Entitlement(found) => {
                Err(FindError::Entitlement { id: self.entitlement_ref(found).id.to_owned() })
            }
        }
    }

    pub(in crate::inventory) fn resource_candidates(&self, numbers: &[ResourceNumber]) -> Vec<Candidate> {
        let candidate = |number: &ResourceNumber| Candidate {
            id: self.resource_id(*number),
            name: self.name(*number).to_owned(),
        };
        let mut candidates: Vec<Candidate> = numbers.iter().map(candidate).collect();
        candidates.sort_unstable();
        candidates
    }

    /// The numbers of a kind's resources.
    pub(in crate::inventory) fn kind_range(&self, kind: ResourceTypeNumber) -> Range {
        let at = |place: u32| self.kind_starts.get(place as usize).copied().unwrap_or_default();
        if (kind.0 as usize) < self.kinds.len() {
            Range { start: at(kind.0), end: at(kind.0 + 1) }
        } else {
            Range::default()
        }
    }

    fn resource_of_kind(&self, kind: ResourceTypeNumber, id: &str) -> Option<ResourceNumber> {
        let range = self.kind_range(kind);
        let rows = range.of(&self.resources);
        let at = rows.binary_search_by(|row| self.texts.get(row.id).cmp(id)).ok()?;
        Some(ResourceNumber(range.start + at as u32))
    }

    fn by_kind_and_id(&self, text: &str) -> Vec<ResourceNumber> {
        text.split_once(':').and_then(|(kind, id)| self.find_resource(kind, id)).into_iter().collect()
    }

    fn by_id(&self, text: &str) -> Vec<ResourceNumber> {
        let kinds = (0..self.kinds.len() as u32).map(ResourceTypeNumber);
        kinds.filter_map(|kind| self.resource_of_kind(kind, text)).collect()
    }

    fn by_login(&self, text: &str) -> Vec<ResourceNumber> {
        let wanted = folded(text);
        let has = |logins: Range| {
            let mut logins = logins.of(&self.words).iter();
            logins.any(|login| is_folded(self.texts.get(*login), &wanted))
        };
        let accounts = self.accounts.iter().filter(|account| has(account.logins));
        accounts.map(|account| ResourceNumber(account.resource)).collect()
    }

    fn by_name(&self, text: &str) -> Vec<ResourceNumber> {
        let wanted = folded(text);
        let name = |number: &u32| {
            let row = self.resource_row(ResourceNumber(*number));
            row.map(|row| folded(self.texts.get(if row.name.is_empty() { row.id } else { row.name })))
                .unwrap_or_default()
        };
        let from = self.resources_by_name.partition_point(|number| name(number) < wanted);
        let same = self.resources_by_name.get(from..).unwrap_or_default().iter();
        same.take_while(|number| name(number) == wanted).copied().map(ResourceNumber).collect()
    }
}
