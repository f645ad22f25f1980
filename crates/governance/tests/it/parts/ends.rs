//! What is not there, what may not be read, and what is broken off.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use engine::{Cancellation, Canceller, Limits};
use governance::{KindStatus, SyncError, SyncOutcome, SyncProgress};
use rstest::rstest;
use sandbox::segment::{PlanLimits, RefusedWith, SegmentOptions};
use sandbox::{Fault, FaultRule};

use super::{calls, everything, expected, key, named, options};
use crate::rows::Rows;
use crate::workspace::{Workspace, parts, sync_part};

fn group_of(workspace: &Workspace) -> String {
    let truth = workspace.sandbox.governance_truth();
    let group = truth.resources.iter().find(|row| row.key.kind == "group");
    group.map(|row| format!("group:{}", row.key.id)).unwrap()
}

fn always(path: &str, fault: Fault) -> FaultRule {
    FaultRule { times: u64::MAX, ..FaultRule::first("GET", path, fault) }
}

// One that is not there is skipped; that the application may be looked at at all, its list says.
// rule: baton S-22
#[tokio::test(flavor = "multi_thread")]
async fn a_resource_that_is_not_there_has_no_row_and_the_others_have() {
    let workspace = Workspace::start(options()).await;
    let truth = workspace.sandbox.governance_truth();
    let user = truth.resources.iter().find(|row| row.key.kind == "user").unwrap();
    let user = format!("user:{}", user.key.id);

    let (report, rows) = workspace.sync_part(named(&["user:nobody", &user, "invite:nothing"])).await;

    assert_eq!(report.outcome, SyncOutcome::Complete, "{report:#?}");
    let found: Vec<String> = rows.unwrap().resources.iter().map(|row| key(row.id.as_ref())).collect();
    assert_eq!(found, [user]);
    let lists = [("workspace", 1), ("users/*", 2), ("users", 1), ("invites", 1)];
    assert_eq!(calls(&workspace.sandbox, 0), expected(&lists));
}

// Who is asked for by name and the list share one place for calls in flight.
// rule: architecture law 10
#[tokio::test(flavor = "multi_thread")]
async fn with_one_call_at_a_time_nobody_waits_for_ever_to_know_that_resources_are_not_there() {
    let workspace = Workspace::start(options()).await;
    let limits = Limits { per_connection: 1, total: 1 };
    let parts = parts(&workspace.connector, &workspace.store, (Cancellation::never(), limits));
    let part = named(&["user:no", "user:none", "user:nobody", "user:nothing"]);

    let done = tokio::time::timeout(Duration::from_mins(1), sync_part(parts, part)).await;

    let (report, rows) = done.expect("it waits for itself");
    assert_eq!(report.outcome, SyncOutcome::Complete, "{report:#?}");
    assert!(rows.unwrap().resources.is_empty());
    assert_eq!(calls(&workspace.sandbox, 0), expected(&[("workspace", 1), ("users/*", 4), ("users", 1)]));
}

// rule: segment-api A67; baton S-22
#[rstest]
#[case::not_found(RefusedWith::NotFound)]
#[case::forbidden(RefusedWith::Forbidden)]
#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_the_plan_lacks_is_unavailable_and_not_a_resource_that_is_gone(
    #[case] with: RefusedWith,
) {
    let group = group_of(&Workspace::start(options()).await);
    let plan = PlanLimits { groups: Some(with), ..PlanLimits::default() };
    let workspace = Workspace::start(SegmentOptions { plan, ..options() }).await;

    let (report, rows) = workspace.sync_part(named(&[&group])).await;

    let found = report.kinds.iter().find(|kind| kind.kind == "group").unwrap();
    assert_eq!((found.status, found.resources), (KindStatus::Unavailable, 0), "{report:#?}");
    let rows = rows.unwrap();
    assert_eq!((rows.resources.len(), rows.entitlements.len(), rows.grants.len()), (0, 0, 0));
    assert!(rows.resource_types.iter().all(|row| row.id != "group"));
}

// Half of the members would pass for all of them.
#[rstest]
#[case::the_list_of_members("/groups/*/users")]
#[case::the_group("/groups/*")]
#[tokio::test(flavor = "multi_thread")]
async fn what_fails_on_the_way_leaves_its_kind_out_and_is_told(#[case] path: &str) {
    let workspace = Workspace::start(options()).await;
    let group = group_of(&workspace);
    workspace.sandbox.set_rules(vec![always(path, Fault::Rate500)]);

    let (report, rows) = workspace.sync_part(named(&[&group])).await;

    let status = |kind: &str| report.kinds.iter().find(|report| report.kind == kind).unwrap().status;
    assert_eq!(status("group"), KindStatus::Incomplete, "{report:#?}");
    assert_eq!(report.outcome, SyncOutcome::Incomplete);
    let rows = rows.unwrap();
    assert_eq!((rows.resources.len(), rows.entitlements.len(), rows.grants.len()), (0, 0, 0));
}

// acceptance 5, for single resources: what was kept is not asked for again
#[rstest]
#[case(1)]
#[case(3)]
#[case(7)]
#[case(13)]
#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_broken_off_goes_on_and_comes_to_the_same(#[case] pages: u64) {
    let workspace = Workspace::start(options()).await;
    let part = named(&[&group_of(&workspace)]);
    let (whole, expected_rows) = workspace.sync_part(part.clone()).await;
    let before = workspace.calls();
    let (canceller, cancellation) = Canceller::new();
    let seen = AtomicU64::new(0);
    let stop = |progress: SyncProgress| {
        if matches!(progress, SyncProgress::Page { .. }) && seen.fetch_add(1, Ordering::SeqCst) + 1 == pages {
            canceller.cancel();
        }
    };

    let broken = workspace.begin_part(part.clone(), cancellation).await.read(&stop).await;
    assert!(matches!(broken, Err(SyncError::Stopped { .. })), "{broken:?}");
    let sync = workspace.begin_part(part, Cancellation::never()).await;
    assert!(sync.is_resumed());
    let read = sync.read(&|_| {}).await.unwrap();
    let (rows, report) = read.assemble(Rows::default()).await.unwrap();
    read.close(&report, None).await.unwrap();

    assert_eq!(everything(&rows), everything(&expected_rows.unwrap()));
    let again = workspace.calls() - before - whole.requests;
    assert!(again <= 8, "{again} calls were made twice");
}

// Whom a list names that broke off is known only later; then others stand where they stood.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_names_more_when_it_is_gone_on_with_is_followed() {
    let workspace = Workspace::start(options()).await;
    let truth = workspace.sandbox.governance_truth();
    let groups = truth.resources.iter().filter(|row| row.key.kind == "group").take(2);
    let groups: Vec<String> = groups.map(|row| format!("group:{}", row.key.id)).collect();
    let part = named(&groups.iter().map(String::as_str).collect::<Vec<_>>());
    let (_, whole) = workspace.sync_part(part.clone()).await;
    let first = groups[0].trim_start_matches("group:");
    workspace.sandbox.set_rules(vec![always(&format!("/groups/{first}/users"), Fault::Rate500)]);

    let read = workspace.begin_part(part.clone(), Cancellation::never()).await.read(&|_| {}).await.unwrap();
    // As if the process had ended here.
    drop(read);
    workspace.sandbox.set_rules(Vec::new());
    let sync = workspace.begin_part(part, Cancellation::never()).await;
    assert!(sync.is_resumed());
    let read = sync.read(&|_| {}).await.unwrap();
    let (rows, report) = read.assemble(Rows::default()).await.unwrap();
    read.close(&report, None).await.unwrap();

    assert_eq!(report.outcome, SyncOutcome::Complete, "{report:#?}");
    assert_eq!(everything(&rows), everything(&whole.unwrap()));
}

// The pages of one part are none of another's.
#[tokio::test(flavor = "multi_thread")]
async fn another_part_does_not_go_on_with_what_this_one_left() {
    let workspace = Workspace::start(options()).await;
    let group = group_of(&workspace);
    let (canceller, cancellation) = Canceller::new();
    let stop = |_: SyncProgress| canceller.cancel();
    let broken = workspace.begin_part(named(&[&group]), cancellation).await.read(&stop).await;
    assert!(matches!(broken, Err(SyncError::Stopped { .. })), "{broken:?}");
    let before = workspace.calls();

    let sync = workspace.begin_part(named(&["user:nobody"]), Cancellation::never()).await;

    assert!(!sync.is_resumed());
    let read = sync.read(&|_| {}).await.unwrap();
    let (rows, report) = read.assemble(Rows::default()).await.unwrap();
    read.close(&report, None).await.unwrap();
    assert!(rows.resources.is_empty());
    let lists = [("workspace", 1), ("users/*", 1), ("users", 1)];
    assert_eq!(calls(&workspace.sandbox, before), expected(&lists));
}
