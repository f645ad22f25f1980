//! Single resources.

use std::collections::BTreeSet;

use governance::change::ResourceName;
use governance::{NamedResource, SyncDepth, SyncOutcome, SyncPart};
use protos::c1::connector::v2::Resource;
use rstest::rstest;
use sandbox::directories::{Directory, DirectoryOptions};
use sandbox::governance::GovernanceTruth;

use super::{Chosen, Table, assert_same, calls, ends, everything, expected, key, named, on, options};
use crate::directories::Application;
use crate::rows::Rows;
use crate::workspace::Workspace;

/// What a part that names resources is to give: they, what is listed below them, and who holds something on them.
fn of_named(whole: &Rows, names: &[&str], depth: SyncDepth) -> Table {
    let is_named = |key: &str| names.contains(&key);
    let below = |row: &Resource| {
        // Of what these applications list, all stands below a root or below nothing.
        row.parent_resource_id.as_ref().is_some_and(|of| is_named(&key(Some(of))))
    };
    let reads_grants = depth == SyncDepth::Everything;
    let held: BTreeSet<String> = whole
        .grants
        .iter()
        .filter(|(row, _)| reads_grants && is_named(&ends(row)[0]) && super::reported(row).is_some())
        .map(|(row, _)| ends(row)[1].clone())
        .collect();
    Chosen {
        rows: whole,
        resources: &|row| {
            let key = key(row.id.as_ref());
            is_named(&key) || below(row) || held.contains(&key)
        },
        entitlements: &|row| depth != SyncDepth::ResourcesOnly && is_named(&on(row)),
        grants: &|row| reads_grants && is_named(&ends(row)[0]),
        as_reported: true,
    }
    .table()
}

/// A resource of a kind that a test may name, by its place among those.
fn nth(truth: &GovernanceTruth, kind: &str, place: usize) -> String {
    let of_kind = truth.resources.iter().filter(|row| row.key.kind == kind);
    of_kind.map(|row| format!("{}:{}", row.key.kind, row.key.id)).nth(place).unwrap()
}

// rule: baton S-22
#[rstest]
#[case::an_account(&[("user", 7)], SyncDepth::Everything, &[("workspace", 1), ("users/*", 1)])]
#[case::accounts(&[("user", 7), ("user", 401)], SyncDepth::Everything, &[("workspace", 1), ("users/*", 2)])]
// Its members are asked for one by one.
#[case::a_group(
    &[("group", 2)], SyncDepth::Everything,
    &[("workspace", 1), ("groups/*", 1), ("groups/*/users", 1), ("users/*", 12)]
)]
#[case::a_group_without_grants(&[("group", 2)], SyncDepth::WithoutGrants, &[("workspace", 1), ("groups/*", 1)])]
// Who holds a role, only the lists of accounts and groups say.
#[case::a_role(
    &[("role", 0)], SyncDepth::Everything,
    &[("workspace", 1), ("roles", 1), ("users", 3), ("groups", 1)]
)]
#[case::a_role_and_a_group(
    &[("role", 1), ("group", 2)], SyncDepth::Everything,
    &[("workspace", 1), ("roles", 1), ("users", 3), ("groups", 1), ("groups/*/users", 1)]
)]
#[case::a_source(
    &[("source", 210)], SyncDepth::Everything,
    &[("workspace", 1), ("sources", 2), ("roles", 1), ("users", 3), ("groups", 1)]
)]
#[case::a_source_without_grants(
    &[("source", 210)], SyncDepth::WithoutGrants, &[("workspace", 1), ("sources", 2), ("roles", 1)]
)]
#[case::a_bare_source(&[("source", 210)], SyncDepth::ResourcesOnly, &[("workspace", 1), ("sources", 2)])]
#[case::an_invite(&[("invite", 0)], SyncDepth::Everything, &[("workspace", 1), ("invites", 1)])]
// All kinds are listed below it, and nobody asks who is in which group.
#[case::the_workspace(
    &[("workspace", 0)], SyncDepth::Everything,
    &[
        ("workspace", 1), ("users", 3), ("groups", 1), ("roles", 1), ("functions", 5), ("sources", 2),
        ("warehouses", 1), ("spaces", 1), ("invites", 1)
    ]
)]
#[tokio::test(flavor = "multi_thread")]
async fn resources_that_are_named_have_the_rows_of_the_whole_by_the_calls_that_they_need(
    #[case] names: &[(&str, usize)],
    #[case] depth: SyncDepth,
    #[case] lists: &[(&str, u64)],
) {
    let workspace = Workspace::start(options()).await;
    let (_, whole) = workspace.sync().await;
    let truth = workspace.sandbox.governance_truth();
    let names: Vec<String> = names.iter().map(|(kind, place)| nth(&truth, kind, *place)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let before = workspace.calls();

    let (report, rows) = workspace.sync_part(SyncPart { depth, ..named(&names) }).await;

    assert_eq!(calls(&workspace.sandbox, before), expected(lists));
    assert_eq!(report.requests, lists.iter().map(|(_, count)| count).sum::<u64>());
    assert_eq!(report.outcome, SyncOutcome::Complete, "{report:#?}");
    assert_same(&everything(&rows.unwrap()), &of_named(&whole.unwrap(), &names, depth));
}

// Too many of them: the list is read, and the rows are the same.
// rule: baton S-22
#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_read_where_that_takes_fewer_calls() {
    let mut options = options();
    options.workspace.group_members = Some(150);
    let workspace = Workspace::start(options).await;
    let (_, whole) = workspace.sync().await;
    let group = nth(&workspace.sandbox.governance_truth(), "group", 2);
    let before = workspace.calls();

    let (_, rows) = workspace.sync_part(named(&[&group])).await;

    let lists = [("workspace", 1), ("groups/*", 1), ("groups/*/users", 1), ("users", 3)];
    assert_eq!(calls(&workspace.sandbox, before), expected(&lists));
    assert_same(&everything(&rows.unwrap()), &of_named(&whole.unwrap(), &[&group], SyncDepth::Everything));
}

// rule: baton S-22, ID-7: with the parent
#[tokio::test(flavor = "multi_thread")]
async fn what_a_resource_is_below_may_be_said_and_has_to_be_true() {
    let workspace = Workspace::start(options()).await;
    let truth = workspace.sandbox.governance_truth();
    let (user, root) = (nth(&truth, "user", 3), nth(&truth, "workspace", 0));
    let below = |parent: &str| {
        let name = |text: &str| text.parse::<ResourceName>().unwrap();
        let resources = vec![NamedResource { name: name(&user), parent: Some(name(parent)) }];
        SyncPart { resources, ..SyncPart::default() }
    };

    let (_, rows) = workspace.sync_part(below(&root)).await;

    let found: Vec<String> = rows.unwrap().resources.iter().map(|row| key(row.id.as_ref())).collect();
    assert_eq!(found, [user]);
}

// Nested teams, lists for several entitlements, kinds of which two lists are made: another shape.
// rule: baton S-22
#[rstest]
#[case::team("team", 0)]
#[case::inner_team("team", 2)]
#[case::repository("repository", 1)]
#[case::person("user", 3)]
#[case::organization("organization", 0)]
#[tokio::test(flavor = "multi_thread")]
async fn another_application_gives_the_rows_of_the_whole_too(#[case] kind: &str, #[case] place: usize) {
    let options = DirectoryOptions { people: 40, ..DirectoryOptions::default() };
    let application = Application::of(Directory::GitHub, options).await;
    let whole = application.rows().await;
    let name = nth(&application.sandbox.governance_truth(), kind, place);

    let rows = application.rows_of(named(&[&name])).await;

    assert_same(&everything(&rows), &of_named(&whole, &[&name], SyncDepth::Everything));
}
