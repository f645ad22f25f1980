//! Lists of accounts.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::lists::Sort;
use super::search::Search;
use super::{ListPage, PageRequest, QueryError};
use crate::inventory::usage::{Judged, UnusedQuery, Usage, judge};
use crate::inventory::view::Inventory;
use crate::inventory::view::rows::AccountRow;
use crate::inventory::view::texts::folded;
use crate::item::{AccountStatus, AccountType};
use crate::number::ResourceNumber;

/// Which accounts are wanted; all of those that are named have to fit.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccountQuery<'a> {
    /// Of this kind.
    pub kind: Option<&'a str>,
    /// That can be used, or cannot.
    pub status: Option<AccountStatus>,
    /// Of people, or of programs.
    pub account_type: Option<AccountType>,
    /// By the last login that the application tells.
    pub used: Option<Use>,
    /// By all that tells of their use.
    pub unused: Option<UnusedFilter<'a>>,
    /// With this in their name, address, name to sign in with, or id.
    pub search: Option<&'a str>,
    /// In which order.
    pub sort: AccountSort,
}

/// When an account was used last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// The application says when, and it was before this.
    Before(Timestamp),
    /// The application does not say: it was never used, or nobody knows.
    Unknown,
}

/// Which accounts are wanted by their use.
#[derive(Debug, Clone, Copy)]
pub struct UnusedFilter<'a> {
    /// What kept events tell.
    pub usage: &'a Usage,
    /// In which time, and what tells of use.
    pub query: UnusedQuery<'a>,
    /// Those that were not used, or those of which nobody can tell.
    pub wanted: UseKnown,
}

/// Whether it is known that an account was not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UseKnown {
    /// It was not.
    Unused,
    /// Nobody can tell.
    Unknown,
}

/// The order of a list of accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccountSort {
    /// By name, without regard to case.
    #[default]
    Name,
    /// By kind, then by id.
    Id,
    /// By the primary address; those without one last.
    Email,
    /// Used last first; those of which nobody knows last.
    LastLogin,
}

impl Inventory {
    /// Accounts.
    ///
    /// # Errors
    /// [`QueryError`] if there is no such kind, or the cursor is none of this list.
    pub fn list_accounts(
        &self,
        query: &AccountQuery<'_>,
        request: &PageRequest,
    ) -> Result<ListPage<ResourceNumber>, QueryError> {
        let kind = self.wanted_kind(query.kind)?;
        let search = Search::of(query.search);
        let is_wanted = |number: ResourceNumber| {
            let (Some(row), Some(account)) = (self.resource_row(number), self.account_row(number)) else {
                return false;
            };
            let is_used = query.used.is_none_or(|used| match (used, account.last_login) {
                (Use::Before(time), Some(last)) => last < time.as_microsecond(),
                (Use::Unknown, last) => last.is_none(),
                (Use::Before(_), None) => false,
            });
            kind.is_none_or(|kind| row.kind == kind.0)
                && query.status.is_none_or(|status| account.status == status)
                && query.account_type.is_none_or(|of| account.account_type == of)
                && is_used
                && query.unused.is_none_or(|unused| unused.fits(self, account))
                && search.as_ref().is_none_or(|search| search.fits_resource(self, number))
        };
        let by_key = |mut accounts: Vec<ResourceNumber>, key: &dyn Fn(ResourceNumber) -> SortKey| {
            accounts.sort_by_cached_key(|number| key(*number));
            accounts
        };
        let all = || self.accounts().collect::<Vec<_>>();
        let order: Box<dyn Iterator<Item = ResourceNumber>> = match query.sort {
            AccountSort::Name => self.resource_order(Sort::Name),
            AccountSort::Id => self.resource_order(Sort::Id),
            AccountSort::Email => Box::new(by_key(all(), &|number| self.email_key(number)).into_iter()),
            AccountSort::LastLogin => Box::new(by_key(all(), &|number| self.login_key(number)).into_iter()),
        };
        self.resource_page(order, is_wanted, request)
    }

    /// All accounts, by kind and id.
    pub fn accounts(&self) -> impl Iterator<Item = ResourceNumber> + '_ {
        self.accounts.iter().map(|account| ResourceNumber(account.resource))
    }

    fn email_key(&self, number: ResourceNumber) -> SortKey {
        let first = self.account_row(number).and_then(|row| row.emails.of(&self.words).first().copied());
        let email = first.map(|text| folded(self.texts.get(text)));
        (email.is_none(), email.unwrap_or_default(), Reverse(0))
    }

    fn login_key(&self, number: ResourceNumber) -> SortKey {
        let last = self.account_row(number).and_then(|row| row.last_login);
        (last.is_none(), String::new(), Reverse(last.unwrap_or_default()))
    }
}

impl UnusedFilter<'_> {
    fn fits(&self, inventory: &Inventory, account: &AccountRow) -> bool {
        match judge(inventory, self.usage, (&self.query, account)) {
            Judged::Unused(_) => self.wanted == UseKnown::Unused,
            Judged::Unknown => self.wanted == UseKnown::Unknown,
            Judged::Used | Judged::New => false,
        }
    }
}

/// Whether nothing is known, then the text, then the time, newest first.
type SortKey = (bool, String, Reverse<i64>);
