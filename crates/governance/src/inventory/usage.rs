//! When access was used last, and what was not used for a while (governance AUT-2, AUT-7).
//!
//! Two things tell of use: the last login that an application tells with an account, and the events that are kept
//! beside the inventory. Access is called unused only if what can tell of its use was read for all of the time: what
//! was not read is unknown, and is said to be.

mod accounts;
mod evidence;
mod grants;
mod last;

pub(in crate::inventory) use accounts::{Judged, judge};
pub use accounts::{UnusedAccount, UnusedAccountView, UnusedAccounts, UnusedQuery, UseEvidence, UseSource};
pub use evidence::{ActivityEvidence, ActivityStanding, UseWindow};
pub use grants::{UnusedGrant, UnusedGrantView, UnusedGrants, UnusedReason};
pub use last::Usage;

#[cfg(test)]
mod tests;
