//! Some kinds, and less than everything of each.

use std::collections::BTreeSet;

use governance::{Expansion, KindStatus, SyncDepth, SyncOutcome, SyncPart};
use protos::c1::connector::v2::Entitlement;
use rstest::rstest;

use super::{Chosen, assert_same, calls, ends, everything, expected, key, kind, on, options};
use crate::workspace::Workspace;

fn part(kinds: &[&str], depth: SyncDepth) -> SyncPart {
    SyncPart { kinds: kinds.iter().map(|&kind| kind.to_owned()).collect(), depth, ..SyncPart::default() }
}

// rule: baton S-23, 12.2 sync-resource-types
#[rstest]
#[case::accounts(&["user"], SyncDepth::Everything, &[("workspace", 1), ("users", 3)])]
#[case::a_group_without_its_members(&["group"], SyncDepth::Everything, &[("workspace", 1), ("groups", 1)])]
#[case::members(
    &["user", "group"], SyncDepth::Everything,
    &[("workspace", 1), ("users", 3), ("groups", 1), ("groups/*/users", 8)]
)]
// What people hold through groups is theirs, and the groups are read for it.
#[case::roles_of_accounts(
    &["user", "role"], SyncDepth::Everything,
    &[("workspace", 1), ("users", 3), ("roles", 1), ("groups", 1), ("groups/*/users", 8)]
)]
#[case::roles_of_groups(
    &["group", "role"], SyncDepth::Everything, &[("workspace", 1), ("groups", 1), ("roles", 1)]
)]
// Their entitlements are derived from roles; nobody is there to hold them.
#[case::sources(&["source"], SyncDepth::Everything, &[("workspace", 1), ("sources", 2), ("roles", 1)])]
#[case::invites(&["invite"], SyncDepth::Everything, &[("workspace", 1), ("invites", 1)])]
#[case::the_workspace(&["workspace"], SyncDepth::Everything, &[("workspace", 1)])]
#[case::bare_sources(&["source"], SyncDepth::ResourcesOnly, &[("workspace", 1), ("sources", 2)])]
#[case::bare_accounts_and_groups(
    &["user", "group"], SyncDepth::ResourcesOnly, &[("workspace", 1), ("users", 3), ("groups", 1)]
)]
#[tokio::test(flavor = "multi_thread")]
async fn some_kinds_have_the_rows_of_the_whole_by_the_lists_that_they_need(
    #[case] kinds: &[&str],
    #[case] depth: SyncDepth,
    #[case] lists: &[(&str, u64)],
) {
    let workspace = Workspace::start(options()).await;
    let (_, whole) = workspace.sync().await;
    let before = workspace.calls();

    let (report, rows) = workspace.sync_part(part(kinds, depth)).await;

    assert_eq!(calls(&workspace.sandbox, before), expected(lists));
    assert_eq!(report.requests, lists.iter().map(|(_, count)| count).sum::<u64>());
    assert_eq!(report.outcome, SyncOutcome::Complete, "{report:#?}");
    assert!(report.kinds.iter().all(|kind| kind.status == KindStatus::Complete && kind.reason.is_none()));
    let (whole, rows) = (whole.unwrap(), rows.unwrap());
    let has = |of: &str| kinds.contains(&kind(of));
    // A role narrowed by labels is there where somebody holds it, and nobody is asked who is not wanted.
    let is_known = |row: &Entitlement| {
        let mut held = whole.grants.iter().filter(|(grant, _)| {
            grant.entitlement.as_ref().is_some_and(|of| of.id == row.id) && has(&ends(grant)[1])
        });
        !row.slug.contains('[') || held.next().is_some()
    };
    let chosen = Chosen {
        rows: &whole,
        resources: &|row| has(&key(row.id.as_ref())),
        entitlements: &|row| depth != SyncDepth::ResourcesOnly && has(&on(row)) && is_known(row),
        grants: &|row| depth == SyncDepth::Everything && ends(row).iter().all(|end| has(end)),
        as_reported: false,
    };
    assert_same(&everything(&rows), &chosen.table());
    let types: BTreeSet<&str> = rows.resource_types.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(types, kinds.iter().copied().collect());
}

// rule: baton S-23, P-24
#[tokio::test(flavor = "multi_thread")]
async fn less_of_every_kind_needs_no_list_of_members() {
    let workspace = Workspace::start(options()).await;
    let (report, whole) = workspace.sync().await;
    let members = report.requests - 8;
    let whole = whole.unwrap();

    let (bare, resources) = workspace.sync_part(part(&[], SyncDepth::ResourcesOnly)).await;
    let (without, entitlements) = workspace.sync_part(part(&[], SyncDepth::WithoutGrants)).await;

    assert_eq!((bare.requests, without.requests), (members, members));
    let chosen = |entitlements: &dyn Fn(&Entitlement) -> bool| {
        let (resources, grants) = (&|_: &_| true, &|_: &_| false);
        Chosen { rows: &whole, resources, entitlements, grants, as_reported: false }.table()
    };
    assert_same(&everything(&resources.unwrap()), &chosen(&|_| false));
    // Some entitlements are there only because somebody holds them: a role narrowed by labels.
    let found = everything(&entitlements.unwrap());
    let is_held = |id: &str| {
        whole.grants.iter().any(|(grant, _)| grant.entitlement.as_ref().is_some_and(|of| of.id == id))
    };
    let all = chosen(&|_| true);
    let missing: Vec<_> = all.keys().filter(|id| !found.contains_key(*id)).collect();
    assert!(!missing.is_empty());
    assert!(missing.iter().all(|id| is_held(id.trim_start_matches("entitlement "))), "{missing:?}");
    assert!(found.iter().all(|(id, row)| all.get(id) == Some(row)));
}

// rule: baton P-24: `skip_expand_grants`
#[tokio::test(flavor = "multi_thread")]
async fn grants_that_follow_from_others_are_left_out_where_that_is_asked() {
    let workspace = Workspace::start(options()).await;
    let (whole_report, whole) = workspace.sync().await;

    let left = SyncPart { expansion: Expansion::Left, ..SyncPart::default() };
    let (report, rows) = workspace.sync_part(left).await;

    let (whole, rows) = (whole.unwrap(), rows.unwrap());
    assert!(rows.grants.len() < whole.grants.len());
    assert!(rows.grants.iter().any(|(_, expandable)| expandable.is_some()));
    let all = |as_reported| {
        let (resources, entitlements, grants) = (&|_: &_| true, &|_: &_| true, &|_: &_| true);
        Chosen { rows: &whole, resources, entitlements, grants, as_reported }.table()
    };
    assert_same(&everything(&rows), &all(true));
    // Each grant comes once, also where it waited for its sources.
    for (report, rows) in [(report, rows), (whole_report, whole)] {
        let counted: u64 = report.kinds.iter().map(|kind| kind.grants).sum();
        assert_eq!(counted, rows.grants.len() as u64);
    }
}
