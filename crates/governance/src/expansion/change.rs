//! What expansion says about one grant.

use crate::number::{EntitlementNumber, ResourceNumber, ResourceTypeNumber};

/// A grant that is new, or a reported one, with further sources or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangedGrant<'a> {
    /// D.
    pub entitlement: EntitlementNumber,
    /// Who holds it.
    pub principal: ResourceNumber,
    /// The principal's type.
    pub principal_type: ResourceTypeNumber,
    /// Whether there is a row already.
    pub standing: Standing,
    /// Why it is held, by entitlement; empty if nothing changes. Of a grant that was reported with
    /// sources of its own these are added to them.
    pub sources: &'a [GrantSource],
}

/// Whether the application reported the grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standing {
    /// It follows only from other grants: a row of its own, immutable (baton E-6).
    New,
    /// It was reported, and has further sources; its row and annotations stay (baton E-6, E-7).
    Reported,
    /// It was reported, and stays as it is.
    Unchanged,
}

/// One reason for a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GrantSource {
    /// S, or D itself where D was reported as direct.
    pub entitlement: EntitlementNumber,
    /// Whether the principal's grant on that entitlement is direct (`is_direct`).
    pub direct: bool,
}
