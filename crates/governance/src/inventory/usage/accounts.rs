//! Accounts that were not used.

use jiff::Timestamp;
use serde::Serialize;

use super::{ActivityStanding, Usage, UseWindow};
use crate::inventory::view::rows::AccountRow;
use crate::inventory::view::{AccountView, Inventory};
use crate::item::AccountStatus;
use crate::number::ResourceNumber;

/// What is to be unused, and how that is known.
#[derive(Debug, Clone, Copy)]
pub struct UnusedQuery<'a> {
    /// The time.
    pub window: UseWindow,
    /// What tells of use.
    pub by: UseSource,
    /// What was there when the time began, if that is known: what came later is too new to be unused.
    pub then: Option<&'a Inventory>,
}

/// What tells of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UseSource {
    /// Logins, and events if they are kept; then all of the time has to be read.
    #[default]
    All,
    /// Logins alone, as for an application whose events cannot be read.
    LastLogin,
}

/// What was found; each account that works is in one of these.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnusedAccounts {
    /// Those that were not used, by kind and id.
    pub unused: Vec<UnusedAccount>,
    /// Those of which nobody can tell: nothing says when they were used, or events of the time were not read.
    pub unknown: Vec<ResourceNumber>,
    /// How many were used.
    pub used: u64,
    /// How many are newer than the time is long.
    pub new: u64,
}

/// One account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnusedAccount {
    /// Which.
    pub account: ResourceNumber,
    /// When it was used last, if that is known.
    pub last_used: Option<Timestamp>,
    /// What says so.
    pub by: UseEvidence,
}

/// What says that an account was not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UseEvidence {
    /// The application tells of an earlier login.
    LastLogin,
    /// All events were read, and none is its.
    Activity,
    /// Both.
    LastLoginAndActivity,
}

/// An account as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnusedAccountView<'a> {
    /// The account.
    pub account: Option<AccountView<'a>>,
    /// When it was used last, if that is known.
    pub last_used: Option<Timestamp>,
    /// What says so.
    pub by: UseEvidence,
}

/// How an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) enum Judged {
    Used,
    New,
    Unused(UnusedAccount),
    Unknown,
}

impl UnusedAccounts {
    /// Finds them among the accounts that work.
    pub fn find(inventory: &Inventory, usage: &Usage, query: &UnusedQuery<'_>) -> Self {
        let mut found = Self::default();
        for row in inventory.accounts.iter().filter(|row| row.status == AccountStatus::Enabled) {
            match judge(inventory, usage, (query, row)) {
                Judged::Used => found.used += 1,
                Judged::New => found.new += 1,
                Judged::Unused(one) => found.unused.push(one),
                Judged::Unknown => found.unknown.push(ResourceNumber(row.resource)),
            }
        }
        found
    }

    /// The one of this account, if it is unused.
    pub fn get(&self, account: ResourceNumber) -> Option<&UnusedAccount> {
        let at = self.unused.binary_search_by_key(&account, |one| one.account).ok()?;
        self.unused.get(at)
    }
}

impl UnusedAccount {
    /// As it is told.
    pub fn view<'a>(&self, inventory: &'a Inventory) -> UnusedAccountView<'a> {
        UnusedAccountView { account: inventory.account(self.account), last_used: self.last_used, by: self.by }
    }
}

pub(in crate::inventory) fn judge(
    inventory: &Inventory,
    usage: &Usage,
    (query, row): (&UnusedQuery<'_>, &AccountRow),
) -> Judged {
    let account = ResourceNumber(row.resource);
    let login = row.last_login.and_then(|last| Timestamp::from_microsecond(last).ok());
    let standing = match query.by {
        UseSource::All => usage.standing(&query.window),
        UseSource::LastLogin => ActivityStanding::None,
    };
    let event = match query.by {
        UseSource::All => usage.last_event(account),
        UseSource::LastLogin => None,
    };
    let last_used = login.max(event);
    if last_used.is_some_and(|last| last >= query.window.since) {
        return Judged::Used;
    }
    if is_new(inventory, (query, row)) {
        return Judged::New;
    }
    let unused = |by| Judged::Unused(UnusedAccount { account, last_used, by });
    // What an earlier sync found says nothing of the logins that followed it.
    let is_told = login.is_some() && is_current(inventory, inventory.resource_ref(account).kind);
    match (standing, is_told) {
        (ActivityStanding::None, true) => unused(UseEvidence::LastLogin),
        (ActivityStanding::Complete | ActivityStanding::AccountsOnly, true) => {
            unused(UseEvidence::LastLoginAndActivity)
        }
        // Where events cannot name such an account, that they do not means nothing (governance AUT-7).
        (ActivityStanding::Complete | ActivityStanding::AccountsOnly, false)
            if inventory
                .resource_row(account)
                .is_some_and(|of| usage.would_name(of.kind, row.emails.start < row.emails.end)) =>
        {
            unused(UseEvidence::Activity)
        }
        (ActivityStanding::Complete | ActivityStanding::AccountsOnly | ActivityStanding::None, false)
        | (ActivityStanding::Incomplete, _) => Judged::Unknown,
    }
}

/// Whether it is known to have come after the time began.
fn is_new(inventory: &Inventory, (query, row): (&UnusedQuery<'_>, &AccountRow)) -> bool {
    if row.created_at.is_some_and(|made| made >= query.window.since.as_microsecond()) {
        return true;
    }
    let names = inventory.resource_ref(ResourceNumber(row.resource));
    query
        .then
        .is_some_and(|then| was_read(then, names.kind) && then.find_resource(names.kind, names.id).is_none())
}

/// Whether an inventory has all of a kind: else what is not in it may have been there.
pub(super) fn was_read(inventory: &Inventory, kind: &str) -> bool {
    inventory.find_kind(kind).is_some() && is_current(inventory, kind)
}

/// Whether what an inventory has of a kind is as current as the rest.
pub(super) fn is_current(inventory: &Inventory, kind: &str) -> bool {
    inventory.not_current().all(|state| state.kind != kind)
}
