//! How many calls a sync makes (segment-api D8), and in which order its rows stand.

use engine::Limits;
use sandbox::segment::{SegmentOptions, WorkspaceOptions};

use crate::workspace::Workspace;

fn pages(entries: u64) -> u64 {
    entries.div_ceil(200).max(1)
}

// rule: segment-api D8
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_makes_no_more_calls_than_its_lists_have_pages() {
    let workspace = Workspace::start(SegmentOptions {
        users: 1_250,
        workspace: WorkspaceOptions {
            groups: Some(210),
            group_members: Some(7),
            sources: 410,
            warehouses: 5,
            ..WorkspaceOptions::default()
        },
        ..SegmentOptions::default()
    })
    .await;

    let (report, _) = workspace.sync().await;

    let truth = workspace.sandbox.governance_truth();
    let of = |kind: &str| truth.kinds.iter().find(|found| found.id == kind).unwrap().resources;
    let lists = ["user", "group", "role", "source", "warehouse", "space", "invite"];
    let minimum = lists.iter().map(|kind| pages(of(kind))).sum::<u64>() + 5 + of("group") + 1;
    assert_eq!(report.requests, minimum);
    let log = workspace.sandbox.state();
    assert_eq!(log["calls"], minimum);
    assert_eq!(log["writes"], 0);
}

// rule: baton S-12
#[tokio::test(flavor = "multi_thread")]
async fn rows_stand_in_the_same_order_however_many_calls_are_in_flight() {
    let workspace = Workspace::start(SegmentOptions {
        users: 620,
        workspace: WorkspaceOptions { groups: Some(30), ..WorkspaceOptions::default() },
        ..SegmentOptions::default()
    })
    .await;

    let (_, one) = workspace.sync_with(Limits { per_connection: 1, total: 1 }).await;
    let (_, many) = workspace.sync_with(Limits { per_connection: 8, total: 64 }).await;

    let (one, many) = (one.unwrap(), many.unwrap());
    assert_eq!(one.resources, many.resources);
    assert_eq!(one.entitlements, many.entitlements);
    assert_eq!(one.grants, many.grants);
}
