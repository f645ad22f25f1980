//! Whose an account is (governance §7).
//!
//! An account is matched to a person by its addresses, then by the names its owner signs in with, then, if that is
//! wanted, by first and last name. The first of these that fits anybody decides, and the match says which it was.
//! Where it fits several people nobody is chosen: a wrong owner is worse than none. What a person said by hand
//! always holds, also that there is no owner.

mod assigned;
mod csv;
mod key;
mod owners;
mod people;
mod person;

pub use assigned::{AssignedError, AssignedOwners};
pub use csv::PeopleError;
pub use key::PlusSuffix;
pub(in crate::inventory) use key::domain;
pub use owners::{Assigned, Match, MatchReason, MatchSettings, Mode, Owners};
pub use people::People;
pub use person::{Gone, Person, PersonNumber};

#[cfg(test)]
mod tests;
