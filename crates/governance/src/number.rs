//! Numbers that stand for ids, so that a million grants are pairs of numbers and not of texts.
//!
//! Whoever reads the rows hands the numbers out, for each kind from 0 and without gaps: tables
//! here are as long as the greatest number. Results are sorted by number, so equal inventories
//! give equal results as long as they are numbered in the same order (that of the rows, or of ids).

/// Stands for an entitlement id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntitlementNumber(pub u32);

/// Stands for a resource: the pair of its type and its id (baton ID-1). Principals are resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceNumber(pub u32);

/// Stands for a resource type id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceTypeNumber(pub u32);
