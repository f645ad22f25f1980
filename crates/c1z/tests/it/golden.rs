use std::path::PathBuf;

use c1z::{Explorer, Filter, Limits, Reader, RunChoice};
use protos::baton::v1::{EntitlementListOutput, GrantListOutput, ResourceListOutput, ResourceTypeListOutput};
use serde_json::Value;

/// The reference files, where the folder with them is beside the repository.
fn reference(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/c1z").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}

fn expected(name: &str) -> Value {
    let path = reference(&format!("segment-reference.{name}.json")).unwrap();
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// baton T-2, X-1 to X-5: the file of a connector of January 2025, as the released explorer prints it.
#[test]
fn the_reference_file_is_told_as_the_released_explorer_tells_it() {
    let Some(path) = reference("segment-reference.c1z") else { return };
    let reader = Reader::open(&path, None, &Limits::default()).unwrap();
    let run = reader.run(&RunChoice::Newest { now: "2026-11-26T00:00:00Z".parse().unwrap() }).unwrap();
    let explorer = Explorer::new(&reader, run);
    let all = Filter::default();

    let types = ResourceTypeListOutput {
        resource_types: explorer.resource_types(&all).collect::<Result<_, _>>().unwrap(),
    };
    assert_eq!(protos::json::to_value(&types).unwrap(), expected("resource-types"));
    let resources =
        ResourceListOutput { resources: explorer.resources(&all).collect::<Result<_, _>>().unwrap() };
    assert_eq!(protos::json::to_value(&resources).unwrap(), expected("resources"));
    let entitlements = EntitlementListOutput {
        entitlements: explorer.entitlements(&all).collect::<Result<_, _>>().unwrap(),
    };
    assert_eq!(protos::json::to_value(&entitlements).unwrap(), expected("entitlements"));
    let grants = GrantListOutput { grants: explorer.grants(&all).collect::<Result<_, _>>().unwrap() };
    assert_eq!(protos::json::to_value(&grants).unwrap(), expected("grants"));
    let principals =
        ResourceListOutput { resources: explorer.principals(&all).collect::<Result<_, _>>().unwrap() };
    assert_eq!(protos::json::to_value(&principals).unwrap(), expected("principals"));
    assert_eq!(protos::json::to_value(&c1z::syncs(&reader)).unwrap(), expected("syncs"));
}

/// The counts that the released explorer draws as a table.
#[test]
fn the_reference_file_is_counted_by_type() {
    let Some(path) = reference("segment-reference.c1z") else { return };
    let drawn = std::fs::read_to_string(reference("segment-reference.stats.json").unwrap()).unwrap();
    let expected: Vec<(String, u64)> = drawn.lines().filter_map(counted).collect();
    let reader = Reader::open(&path, None, &Limits::default()).unwrap();

    let counts = Explorer::new(&reader, &reader.runs()[0]).counts().unwrap();

    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected);
}

/// A line `name | count`, with colours.
fn counted(line: &str) -> Option<(String, u64)> {
    let plain: String = line
        .split('\u{1b}')
        .map(|part| {
            part.strip_prefix('[').and_then(|rest| rest.split_once('m')).map_or(part, |(_, text)| text)
        })
        .collect();
    let (name, count) = plain.split_once('|')?;
    Some((name.trim().to_owned(), count.trim().parse().ok()?))
}

/// The known defects of the connector that wrote it: permissions on resources are typed `function`.
#[test]
fn the_dangling_grants_of_the_reference_file_are_named_with_their_cause() {
    let Some(path) = reference("segment-reference.c1z") else { return };
    let reader = Reader::open(&path, None, &Limits::default()).unwrap();

    let findings = Explorer::new(&reader, &reader.runs()[0]).check().unwrap();

    assert_eq!(findings.grants.len(), 12);
    assert_eq!(
        findings.grants[0].id,
        "function:3ubsb6iM0jOviINLN3mFJp:source_read_only:user:V6iVHxvP8zYOh6ZdsQWnWH"
    );
    assert!(findings.grants.iter().all(|grant| grant.cause == "entitlement missing, resource missing"));
    assert_eq!((findings.entitlements.len(), findings.resources.len()), (0, 0));
}
