//! Defects that must be found: each is planted in the connector file, and the comparison has to tell.
//!
//! The four that acceptance 5 names, and where each is caught:
//!
//! | defect | caught by |
//! | --- | --- |
//! | a page is missing | `only_the_first_page` here, for cursors; `directories`: the same for links. Offsets that skip: `connector`, steps of lists |
//! | a permission of a group is lost | `the_role_of_a_group_is_lost`, `members_inherit_nothing`, `absent_permissions_count_as_none` |
//! | the wrong kind of resource | `wrong_kind`; `directories`: `role_of_another_kind` |
//! | a role is revoked on all resources | `change::planted`: `it_goes_on_all_sources`, `what_was_read_is_not_sent` |
//!
//! Beside them: labels that are lost (`labels_lost` here, `labels_are_forgotten` in `change::planted`), names that are
//! others (`product_for_name`), people outside and teams inside (`directories`).

use rstest::rstest;
use sandbox::segment::{SegmentOptions, WorkspaceOptions};

use crate::truth::Inventory;
use crate::workspace::{FILE, Workspace};

/// Takes out or changes one thing, which must be there.
pub(crate) fn changed(from: &str, to: &str) -> String {
    assert!(FILE.contains(from), "the file has no `{from}` any more");
    FILE.replacen(from, to, 1)
}

/// What a list leaves out is taken for nothing, and is not asked for.
fn absent_is_empty() -> String {
    let (when, each) = ("when: '!has(item.permissions)'", "each: item.permissions");
    assert!(FILE.contains(when) && FILE.contains(each));
    let file = FILE.replace(when, "when: 'false'");
    file.replace(each, "each: 'has(item.permissions) ? item.permissions : []'")
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
#[case::the_role_of_a_group_is_lost(
    changed(
        "- <<: *role\n            expand: &members [member]",
        "- <<: *role\n            when: 'false'\n            expand: &members [member]"
    ),
    "missing grant role:"
)]
#[case::absent_permissions_count_as_none(absent_is_empty(), "missing grant ")]
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
        hide_group_permissions_every: 3,
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
