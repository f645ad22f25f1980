//! Accounts that somebody should look at: without an owner, of people who left, of strangers.

mod external;
mod leavers;
mod matched;
mod orphans;

pub use external::{External, ExternalAccount, NoDomain, TrustedDomains};
pub use leavers::{Leaver, LeaverAccount, Leavers};
pub use matched::{LeaverAccountView, LeaverView, Matched, NearLeaverView, OwnerView, Ownership, PersonView};
pub use orphans::{Orphan, OrphanReason, Orphans};

#[cfg(test)]
mod tests;
