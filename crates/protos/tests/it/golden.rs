//! What the released explorer printed about a real file, read and written again.

use std::path::Path;

use protos::baton::v1::{
    EntitlementListOutput, GrantListOutput, ResourceListOutput, ResourceTypeListOutput, SyncListOutput,
};
use protos::json;

/// The samples lie beside the repository; without them this test has nothing to say.
fn sample(name: &str) -> Option<serde_json::Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/golden/c1z")
        .join(format!("segment-reference.{name}.json"));
    if !path.is_file() {
        println!("skipped: no sample at {}", path.display());
        return None;
    }
    Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

fn is_read_and_written_again<M: prost::Message + prost::Name + Default>(name: &str) {
    let Some(printed) = sample(name) else { return };

    let message: M = json::from_value(&printed).unwrap();

    assert!(message.encoded_len() > 0);
    assert_eq!(json::to_value(&message).unwrap(), printed);
}

#[test]
fn output_of_the_explorer_is_read_and_written_again() {
    is_read_and_written_again::<ResourceTypeListOutput>("resource-types");
    is_read_and_written_again::<ResourceListOutput>("resources");
    is_read_and_written_again::<ResourceListOutput>("principals");
    is_read_and_written_again::<EntitlementListOutput>("entitlements");
    is_read_and_written_again::<GrantListOutput>("grants");
    is_read_and_written_again::<SyncListOutput>("syncs");
}
