//! What is kept of each row, as numbers.

use spec::connector_file::governance::Purpose;

use crate::item::{AccountStatus, AccountType};

use super::texts::Text;

/// Stands for no resource, no account.
pub(in crate::inventory) const NONE: u32 = u32::MAX;

/// A kind.
#[derive(Debug, Clone, Copy)]
pub(in crate::inventory) struct KindRow {
    pub(in crate::inventory) id: Text,
    pub(in crate::inventory) name: Text,
    /// Whether its resources are accounts.
    pub(in crate::inventory) is_user: bool,
    /// Whether it has the trait of groups.
    pub(in crate::inventory) is_group: bool,
    /// Whether it has the trait of roles.
    pub(in crate::inventory) is_role: bool,
    /// Its place among the kinds that have a row; [`NONE`] if only others name it.
    pub(in crate::inventory) place: u32,
}

/// A resource.
#[derive(Debug, Clone, Copy)]
pub(in crate::inventory) struct ResourceRow {
    pub(in crate::inventory) kind: u32,
    pub(in crate::inventory) id: Text,
    pub(in crate::inventory) name: Text,
    pub(in crate::inventory) description: Text,
    pub(in crate::inventory) parent: u32,
    pub(in crate::inventory) account: u32,
    pub(in crate::inventory) listed: Listed,
}

/// Whether a list of the application has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inventory) enum Listed {
    /// It has.
    Here,
    /// None has, and a row was made for the grants that name it.
    ForGrants,
    /// Only other rows name it.
    Nowhere,
}

/// What a resource has besides if it is an account.
#[derive(Debug, Clone, Copy)]
pub(in crate::inventory) struct AccountRow {
    pub(in crate::inventory) resource: u32,
    pub(in crate::inventory) emails: Range,
    /// The name to sign in with first, then others.
    pub(in crate::inventory) logins: Range,
    pub(in crate::inventory) employee_ids: Range,
    pub(in crate::inventory) given_name: Text,
    pub(in crate::inventory) family_name: Text,
    pub(in crate::inventory) status: AccountStatus,
    pub(in crate::inventory) status_details: Text,
    pub(in crate::inventory) account_type: AccountType,
    /// Microseconds since 1970.
    pub(in crate::inventory) last_login: Option<i64>,
    pub(in crate::inventory) created_at: Option<i64>,
}

/// Part of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::inventory) struct Range {
    pub(in crate::inventory) start: u32,
    pub(in crate::inventory) end: u32,
}

impl Range {
    pub(in crate::inventory) fn of<T>(self, table: &[T]) -> &[T] {
        table.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// An entitlement.
#[derive(Debug, Clone, Copy)]
pub(in crate::inventory) struct EntitlementRow {
    pub(in crate::inventory) resource: u32,
    pub(in crate::inventory) id: Text,
    pub(in crate::inventory) name: Text,
    pub(in crate::inventory) slug: Text,
    pub(in crate::inventory) description: Text,
    pub(in crate::inventory) purpose: Option<Purpose>,
    pub(in crate::inventory) listed: Listed,
}

/// A grant that is told to follow from others, and does not follow from what is here.
#[derive(Debug, Clone, Copy)]
pub(in crate::inventory) struct ToldRow {
    pub(in crate::inventory) principal: u32,
    pub(in crate::inventory) entitlement: u32,
    /// Ids of the entitlements that it is told to follow from.
    pub(in crate::inventory) sources: Range,
}

/// An address and whose it is.
#[derive(Debug, Clone, Copy)]
pub(in crate::inventory) struct EmailRow {
    pub(in crate::inventory) folded: Text,
    pub(in crate::inventory) account: u32,
}
