use protos::c1::connector::v2::ConnectorMetadata;
use serde_json::Value;

/// Writing to the application.
pub(super) const PROVISION: &str = "CAPABILITY_PROVISION";

/// What a Hello says that a connector can do, as JSON.
pub(super) fn json_of(metadata: &ConnectorMetadata) -> String {
    let capabilities = metadata.capabilities.as_ref().and_then(|found| protos::json::to_value(found).ok());
    capabilities.unwrap_or_else(|| Value::Object(serde_json::Map::new())).to_string()
}

/// Whether a connector said that it can do something.
pub(super) fn holds(capabilities: Option<&str>, wanted: &str) -> bool {
    let Some(all) = capabilities.and_then(|text| serde_json::from_str::<Value>(text).ok()) else {
        return false;
    };
    let list = all.get("connectorCapabilities").and_then(Value::as_array);
    list.is_some_and(|list| list.iter().any(|one| one.as_str() == Some(wanted)))
}

/// The kinds of tasks that may be handed to it (baton P-17). A connector that has said nothing yet may
/// ask (P-11), and is given syncs, which every version knows.
pub(super) fn kinds(capabilities: Option<&str>) -> &'static [&'static str] {
    if holds(capabilities, PROVISION) { &["sync_full", "grant", "revoke"] } else { &["sync_full"] }
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
}
