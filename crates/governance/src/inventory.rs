//! What was read of an application: kept, and ready to be asked.
//!
//! [`Inventory`] is what was true at one moment, in memory. It is made of rows ([`InventoryBuilder`] takes them like
//! a file does), is never changed, and is shared by all who ask.

mod account;
mod diff;
mod error;
mod history;
mod keep;
mod load;
mod matching;
mod part;
mod query;
mod shrink;
mod usage;
mod view;
#[cfg(test)]
mod world;

pub use account::{
    External, ExternalAccount, Leaver, LeaverAccount, LeaverAccountView, LeaverView, Leavers, Matched,
    NearLeaverView, NoDomain, Orphan, OrphanReason, Orphans, OwnerView, Ownership, PersonView,
    TrustedDomains,
};
pub use diff::{Change, ChangeCounts, Difference, DifferenceRow, FieldChange, RowKind};
pub use error::InventoryError;
pub use history::{At, State, confirm, dismiss, find_state, forget, list_states};
pub(crate) use keep::keep_reading;
pub use keep::{KeepError, KeepRequest, Kept, keep_file};
pub use load::{LoadError, load, load_parts};
pub use matching::{
    Assigned, AssignedError, AssignedOwners, Gone, Match, MatchReason, MatchSettings, Mode, Owners, People,
    PeopleError, Person, PersonNumber, PlusSuffix,
};
pub use query::{
    AccessItem, AccessView, AccountQuery, AccountSort, Cursor, EntitlementQuery, GrantItem, GrantQuery,
    GrantView, ListPage, PageRequest, QueryError, ResourceQuery, Sort, Totals, UnusedFilter, Use, UseKnown,
    WayStep, WayView, WhatQuery, WhoQuery, WhyQuery,
};
pub use shrink::{Measured, Shrink, ShrinkGuard};
pub use usage::{
    ActivityEvidence, ActivityStanding, UnusedAccount, UnusedAccountView, UnusedAccounts, UnusedGrant,
    UnusedGrantView, UnusedGrants, UnusedQuery, UnusedReason, Usage, UseEvidence, UseSource, UseWindow,
};
pub use view::{
    AccountView, Candidate, EntitlementRef, EntitlementView, FileInventoryError, FindError, FindingView,
    Inventory, InventoryBuilder, KindStanding, KindState, KindView, OpenError, ResourceRef, ResourceView,
};
