use std::collections::BTreeSet;

use protos::c1::connector::v2::ConnectorMetadata;
use serde_json::Value;

/// The tasks that are given, each with what a connector must have said that it can do (baton M-3). A connector that
/// has said nothing yet may ask (P-11), and is given syncs, which every version knows.
const TASKS: [(&str, Option<&str>); 5] = [
    ("sync_full", None),
    ("grant", Some("CAPABILITY_PROVISION")),
    ("revoke", Some("CAPABILITY_PROVISION")),
    ("create_account", Some("CAPABILITY_ACCOUNT_PROVISIONING")),
    ("delete_resource", Some("CAPABILITY_RESOURCE_DELETE")),
];

/// What a Hello says that a connector can do, as JSON.
pub(super) fn json_of(metadata: &ConnectorMetadata) -> String {
    let capabilities = metadata.capabilities.as_ref().and_then(|found| protos::json::to_value(found).ok());
    capabilities.unwrap_or_else(|| Value::Object(serde_json::Map::new())).to_string()
}

/// The kinds of tasks that may be handed to a connector that said this (baton P-17).
pub(super) fn kinds(capabilities: Option<&str>) -> Vec<&'static str> {
    let told = capabilities.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let can = |wanted: &str| told.as_ref().is_some_and(|told| holds(told, wanted));
    TASKS.iter().filter(|(_, wanted)| wanted.is_none_or(can)).map(|(kind, _)| *kind).collect()
}

/// The kinds of resources that a connector said it has, without some; nothing, which stands for all, if it lists none or
/// nothing is to be left out.
pub(super) fn kinds_without(capabilities: Option<&str>, off: &BTreeSet<String>) -> Vec<String> {
    let told =
        capabilities.and_then(|text| serde_json::from_str::<Value>(text).ok()).filter(|_| !off.is_empty());
    let kinds = told.as_ref().and_then(|told| told.get("resourceTypeCapabilities")).and_then(Value::as_array);
    let id = |kind: &Value| kind.pointer("/resourceType/id").and_then(Value::as_str).map(str::to_owned);
    kinds.into_iter().flatten().filter_map(id).filter(|kind| !off.contains(kind)).collect()
}

fn holds(told: &Value, wanted: &str) -> bool {
    let has = |told: &Value, name: &str| {
        let list = told.get(name).and_then(Value::as_array);
        list.is_some_and(|list| list.iter().any(|one| one.as_str() == Some(wanted)))
    };
    // Only newer connectors have the list of all; others say it of each type (baton M-3).
    let kinds = told.get("resourceTypeCapabilities").and_then(Value::as_array);
    has(told, "connectorCapabilities")
        || kinds.is_some_and(|kinds| kinds.iter().any(|kind| has(kind, "capabilities")))
}

#[cfg(test)]
mod tests {
    use super::*;

    // rule: baton P-17
    #[test]
    fn kinds_follow_what_was_said() {
        let writes = r#"{"connectorCapabilities":["CAPABILITY_SYNC","CAPABILITY_PROVISION"]}"#;

        assert_eq!(kinds(None), ["sync_full"]);
        assert_eq!(kinds(Some("{}")), ["sync_full"]);
        assert_eq!(kinds(Some("no json")), ["sync_full"]);
        assert_eq!(kinds(Some(writes)), ["sync_full", "grant", "revoke"]);
    }

    // rule: baton M-3, SG-5: a connector without a list of its own
    #[test]
    fn what_can_be_done_with_one_type_can_be_done() {
        let told = |of: &str| {
            format!(
                r#"{{"resourceTypeCapabilities":[{{"capabilities":["CAPABILITY_SYNC"]}},{{"capabilities":["{of}"]}}]}}"#
            )
        };

        assert_eq!(kinds(Some(&told("CAPABILITY_PROVISION"))), ["sync_full", "grant", "revoke"]);
        assert_eq!(kinds(Some(&told("CAPABILITY_RESOURCE_DELETE"))), ["sync_full", "delete_resource"]);
        assert_eq!(kinds(Some(&told("CAPABILITY_ACCOUNT_PROVISIONING"))), ["sync_full", "create_account"]);
        assert_eq!(kinds(Some(&told("CAPABILITY_RESOURCE_CREATE"))), ["sync_full"]);
    }

    // rule: governance CON-27
    #[test]
    fn kinds_that_are_switched_off_are_not_asked_for() {
        let told = r#"{"resourceTypeCapabilities":[{"resourceType":{"id":"user"}},{"resourceType":{"id":"invite"}}]}"#;
        let off = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect();

        assert_eq!(kinds_without(Some(told), &off(&["invite"])), ["user"]);
        assert!(kinds_without(Some(told), &off(&[])).is_empty());
        assert!(kinds_without(None, &off(&["invite"])).is_empty());
    }
}
