//! Accounts without an owner, or whose owner is gone (governance ACC-7).

use crate::inventory::matching::{Match, MatchReason, Owners, People, PersonNumber};
use crate::inventory::view::Inventory;
use crate::item::{AccountStatus, AccountType};
use crate::number::ResourceNumber;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Orphans {
    /// Accounts of people, by kind and id.
    pub orphans: Vec<Orphan>,
    /// Accounts of programs and of the application itself: nobody is expected to own them, and somebody should.
    pub machines: Vec<Orphan>,
    /// How many accounts have an owner who is there.
    pub owned: u64,
    /// How many the application tells to be deleted: nobody need own them.
    pub deleted: u64,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// Which.
    pub account: ResourceNumber,
    /// Why it counts as one.
    pub reason: OrphanReason,
}

/// Why an account is an orphan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrphanReason {
    /// Nobody fits; these nearly do.
    NoOwner(Vec<PersonNumber>),
    /// Several people fit, by this.
    SeveralFit(Vec<PersonNumber>, MatchReason),
    /// All owners are gone; they were matched by this.
    OwnerGone(Vec<PersonNumber>, MatchReason),
    /// A person said that nobody owns it.
    Cleared,
    /// A person named an owner whom the list of people does not have.
    OwnerUnknown,
}

impl Orphans {
    /// Finds them.
    pub fn find(inventory: &Inventory, owners: &Owners, people: &People) -> Self {
        let mut found = Self::default();
        for (account, matched) in owners.iter() {
            let Some(row) = inventory.account_row(account) else { continue };
            if row.status == AccountStatus::Deleted {
                found.deleted += 1;
                continue;
            }
            let Some(reason) = reason(matched, people) else {
                found.owned += 1;
                continue;
            };
            let list = match row.account_type {
                AccountType::Human => &mut found.orphans,
                AccountType::Service | AccountType::System => &mut found.machines,
            };
            list.push(Orphan { account, reason });
        }
        found
    }
}

fn reason(matched: &Match, people: &People) -> Option<OrphanReason> {
    let is_gone = |number: &PersonNumber| people.get(*number).is_none_or(|person| person.gone.is_some());
    match matched {
        Match::Owned(owners, reason) if owners.iter().all(is_gone) => {
            Some(OrphanReason::OwnerGone(owners.clone(), *reason))
        }
        Match::Owned(..) => None,
        Match::Ambiguous(several, reason) => Some(OrphanReason::SeveralFit(several.clone(), *reason)),
        Match::Cleared => Some(OrphanReason::Cleared),
        Match::Unknown => Some(OrphanReason::OwnerUnknown),
        Match::Nobody(near) => Some(OrphanReason::NoOwner(near.clone())),
    }
}
