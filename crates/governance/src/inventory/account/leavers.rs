//! Accounts of people who left that still work, and what they hold.

use std::collections::BTreeMap;

use crate::inventory::matching::{Match, MatchReason, Owners, People, PersonNumber};
use crate::inventory::query::{AccessItem, WhatQuery};
use crate::inventory::view::Inventory;
use crate::item::AccountStatus;
use crate::number::ResourceNumber;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leavers {
    /// Those who have accounts that work, in the order of the list of people.
    pub leavers: Vec<Leaver>,
    /// Accounts that work and may be of somebody who left: several people fit and so nobody was chosen, or nobody fits
    /// and the local part is the same at another domain. With those who left.
    pub near: Vec<(ResourceNumber, Vec<PersonNumber>)>,
    /// How many people left and have no account that works for certain.
    pub without_access: u64,
}

/// One who left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaver {
    /// Who.
    pub person: PersonNumber,
    /// Their accounts that work.
    pub accounts: Vec<LeaverAccount>,
}

/// An account of one who left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaverAccount {
    /// Which.
    pub account: ResourceNumber,
    /// Why it is taken for theirs.
    pub reason: MatchReason,
    /// All that it holds, directly or not.
    pub holds: Vec<AccessItem>,
}

impl Leavers {
    /// Finds them. An account of several people counts if all of them left.
    pub fn find(inventory: &Inventory, owners: &Owners, people: &People) -> Self {
        let is_gone = |number: &PersonNumber| people.get(*number).is_some_and(|person| person.gone.is_some());
        let mut found = Self::default();
        let mut of_person: BTreeMap<PersonNumber, Vec<LeaverAccount>> = BTreeMap::new();
        for (account, matched) in owners.iter() {
            let works =
                inventory.account_row(account).is_some_and(|row| row.status == AccountStatus::Enabled);
            match matched {
                Match::Owned(of, reason) if works && of.iter().all(is_gone) => {
                    let holds = inventory.what(&WhatQuery { principal: account, limit: usize::MAX }).items;
                    for person in of {
                        let one = LeaverAccount { account, reason: *reason, holds: holds.clone() };
                        of_person.entry(*person).or_default().push(one);
                    }
                }
                Match::Nobody(near) | Match::Ambiguous(near, _) if works => {
                    let gone: Vec<PersonNumber> =
                        near.iter().copied().filter(|person| is_gone(person)).collect();
                    if !gone.is_empty() {
                        found.near.push((account, gone));
                    }
                }
                Match::Owned(..)
                | Match::Ambiguous(..)
                | Match::Cleared
                | Match::Unknown
                | Match::Nobody(_) => {}
            }
        }
        let gone = people.iter().filter(|(_, person)| person.gone.is_some()).count();
        found.without_access = gone.saturating_sub(of_person.len()) as u64;
        found.leavers = of_person.into_iter().map(|(person, accounts)| Leaver { person, accounts }).collect();
        found
    }
}
