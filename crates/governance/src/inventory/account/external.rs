//! Accounts of strangers: those whose address is at a domain that nobody named as trusted (governance ACC-8).

use thiserror::Error;

use crate::inventory::matching::domain;
use crate::inventory::view::Inventory;
use crate::item::AccountStatus;
use crate::number::ResourceNumber;

/// The company's own domains, with all below them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedDomains(Vec<String>);

/// A text that is no domain.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no domain; write it as in `example.com`, without `@` and `*`")]
pub struct NoDomain(String);

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct External {
    /// Accounts of strangers, by kind and id.
    pub external: Vec<ExternalAccount>,
    /// Accounts without any address: nobody can tell.
    pub without_address: Vec<ResourceNumber>,
    /// How many accounts are at trusted domains.
    pub trusted: u64,
}

/// An account of a stranger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalAccount {
    /// Which.
    pub account: ResourceNumber,
    /// The domain of its address.
    pub domain: String,
}

impl TrustedDomains {
    /// These, without regard to case.
    ///
    /// # Errors
    /// [`NoDomain`] if one of them is none.
    pub fn new<'a>(domains: impl IntoIterator<Item = &'a str>) -> Result<Self, NoDomain> {
        let domain = |text: &'a str| {
            let plain = text.trim().trim_end_matches('.').to_lowercase();
            let is_part = |part: &str| {
                !part.is_empty() && part.chars().all(|found| found.is_alphanumeric() || found == '-')
            };
            if plain.split('.').all(is_part) {
                Ok(plain)
            } else {
                Err(NoDomain(model::visible(text).into_owned()))
            }
        };
        domains.into_iter().map(domain).collect::<Result<_, _>>().map(Self)
    }

    fn has(&self, domain: &str) -> bool {
        self.0.iter().any(|trusted| {
            domain.strip_suffix(trusted.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }
}

impl External {
    /// Finds them among the accounts that are not deleted. The primary address decides; an account without one by
    /// the name to sign in with, if that is an address.
    pub fn find(inventory: &Inventory, trusted: &TrustedDomains) -> Self {
        let mut found = Self::default();
        for row in inventory.accounts.iter().filter(|row| row.status != AccountStatus::Deleted) {
            let account = ResourceNumber(row.resource);
            let words = row.emails.of(&inventory.words).iter().chain(row.logins.of(&inventory.words));
            let address = words.map(|text| inventory.texts.get(*text)).find_map(domain);
            match address {
                None => found.without_address.push(account),
                Some(domain) if trusted.has(&domain) => found.trusted += 1,
                Some(domain) => found.external.push(ExternalAccount { account, domain }),
            }
        }
        found
    }
}
