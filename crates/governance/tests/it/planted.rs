//! Defects that must be found: each is planted in the connector file, and the comparison has to tell.

use rstest::rstest;
use sandbox::segment::{SegmentOptions, WorkspaceOptions};

use crate::truth::Inventory;
use crate::workspace::{FILE, Workspace};

/// Takes out or changes one thing, which must be there.
fn changed(from: &str, to: &str) -> String {
    assert!(FILE.contains(from), "the file has no `{from}` any more");
    FILE.replacen(from, to, 1)
}

// acceptance 5: a missing page, lost permissions of groups, the wrong kind of resource, lost labels
#[rstest]
#[case::only_the_first_page(
    changed(
        "pagination: &pages\n              strategy: cursor\n              configuration: { cursor_param: \"pagination[cursor]\", field: data.pagination.next }",
        "pagination: &pages\n              strategy: cursor\n              configuration: { cursor_param: \"pagination[cursor]\", field: data.pagination.previous }"
    ),
    "resource user:"
)]
#[case::members_inherit_nothing(
    changed("expand: &members [member]", "expand: &members []"),
    "missing grant role:"
)]
#[case::wrong_kind(changed("type: inner.type.lowerAscii()", "type: '\"function\"'"), "extra grant function:")]
#[case::labels_lost(
    changed(
        "when: inner.type == \"WORKSPACE\" && (!has(inner.labels) || inner.labels == null || size(inner.labels) == 0)",
        "when: inner.type == \"WORKSPACE\""
    ),
    "extra grant role:"
)]
#[case::product_for_name(
    changed("? item.settings.name : item.metadata.name", "? item.metadata.name : item.metadata.name"),
    "resource warehouse:"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_planted_defect_is_told(#[case] file: String, #[case] told: &str) {
    let options = SegmentOptions {
        users: 450,
        workspace: WorkspaceOptions { groups: Some(20), ..WorkspaceOptions::default() },
        ..SegmentOptions::default()
    };
    let workspace = Workspace::with_file(options, &file).await;

    let (_, rows) = workspace.sync().await;

    let truth = Inventory::of_truth(&workspace.sandbox.governance_truth());
    let differences = Inventory::of_rows(&rows.unwrap()).differences(&truth);
    assert!(
        differences.iter().any(|line| line.starts_with(told)),
        "{:#?}",
        &differences[..differences.len().min(5)]
    );
}
