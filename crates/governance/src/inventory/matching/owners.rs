//! Accounts and their owners.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::key::{self, PlusSuffix};
use super::people::{People, PeopleIndex};
use super::person::PersonNumber;
use crate::change::ResourceName;
use crate::inventory::view::Inventory;
use crate::inventory::view::rows::AccountRow;
use crate::number::ResourceNumber;

/// How accounts are matched.
#[derive(Debug, Clone, Default)]
pub struct MatchSettings {
    /// By what.
    pub mode: Mode,
    /// Whether suffixes tell addresses apart.
    pub suffix: PlusSuffix,
    /// What was said by hand, by account.
    pub assigned: BTreeMap<ResourceName, Assigned>,
}

/// By what accounts are matched (governance ACC-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Addresses, and names to sign in with.
    #[default]
    Narrow,
    /// Then also by first and last name.
    Broad,
}

/// What a person said about an account's owner (governance ACC-6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assigned {
    /// These own it, by their addresses.
    Owners(Vec<String>),
    /// Nobody does.
    Cleared,
}

/// Whose an account is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// These people's: several only if it was said by hand.
    Owned(Vec<PersonNumber>, MatchReason),
    /// It may be any of these people's, so it is nobody's.
    Ambiguous(Vec<PersonNumber>, MatchReason),
    /// A person said that it is nobody's.
    Cleared,
    /// A person said whose it is, and no list has them.
    Unknown,
    /// Nobody fits. These have an address with the same local part at another domain.
    Nobody(Vec<PersonNumber>),
}

/// Why somebody is taken for the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchReason {
    /// A person said so.
    ByHand,
    /// One of the addresses.
    Email,
    /// A name to sign in with.
    UserName,
    /// First and last name.
    FullName,
}

/// All accounts of an inventory with their owners.
#[derive(Debug)]
pub struct Owners {
    matches: BTreeMap<ResourceNumber, Match>,
}

impl Owners {
    /// Matches every account.
    pub fn find(inventory: &Inventory, people: &People, settings: &MatchSettings) -> Self {
        let index = people.index(settings.suffix);
        let matching = Matching { inventory, index: &index, settings };
        let matches = inventory.accounts.iter().map(|account| {
            let number = ResourceNumber(account.resource);
            (number, matching.of(number, account))
        });
        Self { matches: matches.collect() }
    }

    /// Whose an account is; none if there is no such account.
    pub fn get(&self, account: ResourceNumber) -> Option<&Match> {
        self.matches.get(&account)
    }

    /// All of them, by account.
    pub fn iter(&self) -> impl Iterator<Item = (ResourceNumber, &Match)> {
        self.matches.iter().map(|(account, found)| (*account, found))
    }
}

struct Matching<'a> {
    inventory: &'a Inventory,
    index: &'a PeopleIndex,
    settings: &'a MatchSettings,
}

impl Matching<'_> {
    fn of(&self, number: ResourceNumber, account: &AccountRow) -> Match {
        if let Some(assigned) = self.assigned(number) {
            return self.by_hand(assigned);
        }
        let emails = self.emails(account);
        let names = self.user_names(account);
        let steps: [(MatchReason, &dyn Fn() -> BTreeSet<PersonNumber>); 3] = [
            (MatchReason::Email, &|| all(&self.index.by_email, &emails)),
            (MatchReason::UserName, &|| {
                let mut found = all(&self.index.by_user_name, &names);
                // Many applications let people sign in with their address.
                let suffix = self.settings.suffix;
                let addresses: Vec<String> =
                    names.iter().filter_map(|name| key::email(name, suffix)).collect();
                found.extend(all(&self.index.by_email, &addresses));
                found
            }),
            (MatchReason::FullName, &|| match self.settings.mode {
                Mode::Narrow => BTreeSet::new(),
                Mode::Broad => all(&self.index.by_full_name, &self.full_names(number, account)),
            }),
        ];
        for (reason, step) in steps {
            let found: Vec<PersonNumber> = step().into_iter().collect();
            match found.len() {
                0 => {}
                1 => return Match::Owned(found, reason),
                _ => return Match::Ambiguous(found, reason),
            }
        }
        Match::Nobody(self.near(&emails, &names))
    }

    fn assigned(&self, number: ResourceNumber) -> Option<&Assigned> {
        if self.settings.assigned.is_empty() {
            return None;
        }
        let names = self.inventory.resource_ref(number);
        self.settings.assigned.get(&ResourceName::new(names.kind, names.id))
    }

    fn by_hand(&self, assigned: &Assigned) -> Match {
        let Assigned::Owners(addresses) = assigned else { return Match::Cleared };
        // What was said names a person exactly, whatever suffixes are to accounts.
        let addresses: Vec<String> =
            addresses.iter().filter_map(|address| key::email(address, PlusSuffix::Kept)).collect();
        let found: Vec<PersonNumber> = all(&self.index.by_whole_email, &addresses).into_iter().collect();
        if found.is_empty() { Match::Unknown } else { Match::Owned(found, MatchReason::ByHand) }
    }

    fn emails(&self, account: &AccountRow) -> Vec<String> {
        let texts = account.emails.of(&self.inventory.words).iter();
        texts.filter_map(|text| key::email(self.inventory.texts.get(*text), self.settings.suffix)).collect()
    }

    fn user_names(&self, account: &AccountRow) -> Vec<String> {
        let texts = account.logins.of(&self.inventory.words).iter();
        texts.filter_map(|text| key::user_name(self.inventory.texts.get(*text))).collect()
    }

    fn full_names(&self, number: ResourceNumber, account: &AccountRow) -> Vec<String> {
        let texts = &self.inventory.texts;
        let structured = format!("{} {}", texts.get(account.given_name), texts.get(account.family_name));
        let shown = self.inventory.name(number);
        key::full_name(&structured).or_else(|| key::full_name(shown)).into_iter().collect()
    }

    /// Those with the same local part at another domain (governance ACC-10).
    fn near(&self, emails: &[String], names: &[String]) -> Vec<PersonNumber> {
        let addresses = names.iter().filter_map(|name| key::email(name, self.settings.suffix));
        let locals: Vec<String> =
            emails.iter().cloned().chain(addresses).map(|email| key::parts(&email).0.to_owned()).collect();
        all(&self.index.by_local_part, &locals).into_iter().collect()
    }
}

fn all(index: &BTreeMap<String, Vec<PersonNumber>>, keys: &[String]) -> BTreeSet<PersonNumber> {
    keys.iter().filter_map(|key| index.get(key)).flatten().copied().collect()
}
