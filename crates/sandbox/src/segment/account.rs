use serde_json::json;

use super::trait_value::{Trait, TraitClass};

/// How many accounts there are: `group_id:acct-0` and on.
pub(super) const COUNT: u64 = 20;

/// The group id of account `number`.
pub(super) fn group_id(number: u64) -> String {
    format!("acct-{number}")
}

/// The number of the account with a group id.
pub(super) fn find(group_id: &str) -> Option<u64> {
    let number: u64 = group_id.strip_prefix("acct-")?.parse().ok()?;
    (number < COUNT && self::group_id(number) == group_id).then_some(number)
}

/// What is known about an account.
pub(super) fn traits(number: u64) -> Vec<Trait> {
    let plan = if number.is_multiple_of(3) { "enterprise" } else { "team" };
    [
        ("name", json!(format!("Account {number} GmbH & Co."))),
        ("plan", json!(plan)),
        ("employees", json!(number * 12 + 5)),
        ("industry", json!("retail")),
    ]
    .into_iter()
    .map(|(name, value)| Trait::new(name, value, TraitClass::Custom))
    .collect()
}
