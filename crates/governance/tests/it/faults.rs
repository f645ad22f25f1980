//! Lists that fail on the way, and syncs that are broken off.

use std::sync::atomic::{AtomicU64, Ordering};

use engine::Canceller;
use governance::{KindStatus, SyncError, SyncOutcome, SyncProgress};
use rstest::rstest;
use sandbox::segment::{SegmentOptions, WorkspaceOptions};
use sandbox::{Fault, FaultRule, Faults};

use crate::planted::changed;
use crate::truth::Inventory;
use crate::workspace::Workspace;

fn options() -> SegmentOptions {
    SegmentOptions {
        users: 450,
        workspace: WorkspaceOptions { groups: Some(20), ..WorkspaceOptions::default() },
        ..SegmentOptions::default()
    }
}

// acceptance 5
#[rstest]
#[case::all(Faults { rate_429: 0.05, rate_500: 0.05, reset_before: 0.05, reset_after: 0.05, truncated: 0.05, malformed: 0.05, latency: 0.0 }, 1)]
#[case::all_otherwise(Faults { rate_429: 0.05, rate_500: 0.05, reset_before: 0.05, reset_after: 0.05, truncated: 0.05, malformed: 0.05, latency: 0.0 }, 2)]
#[case::truncated(Faults { truncated: 0.3, ..Faults::default() }, 3)]
#[case::malformed(Faults { malformed: 0.3, ..Faults::default() }, 4)]
#[tokio::test(flavor = "multi_thread")]
async fn faults_on_the_way_change_nothing_of_the_result(#[case] faults: Faults, #[case] seed: u64) {
    let workspace = Workspace::start(SegmentOptions { faults, seed, ..options() }).await;

    let (report, rows) = workspace.sync().await;

    assert_eq!(report.outcome, SyncOutcome::Complete, "{report:#?}");
    let truth = workspace.sandbox.governance_truth();
    Inventory::of_rows(&rows.unwrap()).assert_equal(&Inventory::of_truth(&truth));
}

/// Whatever is asked for at `path` fails in the same way, for good.
fn always(path: &str, fault: Fault) -> FaultRule {
    FaultRule { times: u64::MAX, ..FaultRule::first("GET", path, fault) }
}

// rule: segment-api A11
// rule: segment-api D12
#[rstest]
#[case::missing_key(Fault::MissingKey)]
#[case::malformed(Fault::Malformed)]
#[case::truncated(Fault::Truncated)]
#[case::server_error(Fault::Rate500)]
#[case::rate_limited(Fault::Rate429Bare)]
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_fails_for_good_makes_its_kind_incomplete_and_leaves_it_out(#[case] fault: Fault) {
    let workspace = Workspace::start(options()).await;
    workspace.sandbox.set_rules(vec![always("/sources", fault)]);

    let (report, rows) = workspace.sync().await;

    assert_eq!(report.outcome, SyncOutcome::Incomplete, "{report:#?}");
    let sources = report.kinds.iter().find(|kind| kind.kind == "source").unwrap();
    assert_eq!(sources.status, KindStatus::Incomplete);
    assert!(sources.reason.is_some());
    let truth = Inventory::of_truth(&workspace.sandbox.governance_truth());
    Inventory::of_rows(&rows.unwrap()).assert_equal(&truth.without("source"));
}

// What can be held on a source follows from the roles: without them it would be shown as something nobody can hold.
#[tokio::test(flavor = "multi_thread")]
async fn kinds_whose_entitlements_follow_from_a_list_that_failed_are_left_out_with_it() {
    let file = changed("traits: [role]\n        required: true", "traits: [role]");
    let workspace = Workspace::with_file(options(), &file).await;
    workspace.sandbox.set_rules(vec![always("/roles", Fault::Rate500)]);

    let (report, rows) = workspace.sync().await;

    assert_eq!(report.outcome, SyncOutcome::Incomplete, "{report:#?}");
    let mut truth = Inventory::of_truth(&workspace.sandbox.governance_truth()).without("role");
    for kind in ["function", "source", "space", "warehouse"] {
        let found = report.kinds.iter().find(|report| report.kind == kind).unwrap();
        assert_eq!(found.status, KindStatus::Incomplete, "{found:?}");
        assert!(found.reason.as_deref().unwrap().contains("`role`"), "{found:?}");
        truth = truth.without(kind);
    }
    Inventory::of_rows(&rows.unwrap()).assert_equal(&truth);
}

// rule: segment-api A11
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_its_key_is_asked_for_again() {
    let workspace = Workspace::start(options()).await;
    workspace.sandbox.set_rules(vec![
        FaultRule::first("GET", "/users", Fault::MissingKey),
        FaultRule { skip: 2, ..FaultRule::first("GET", "/groups", Fault::MissingKey) },
    ]);

    let (report, rows) = workspace.sync().await;

    assert_eq!(report.outcome, SyncOutcome::Complete, "{report:#?}");
    let truth = workspace.sandbox.governance_truth();
    Inventory::of_rows(&rows.unwrap()).assert_equal(&Inventory::of_truth(&truth));
}

#[rstest]
#[case::users("/users")]
#[case::roles("/roles")]
#[tokio::test(flavor = "multi_thread")]
async fn without_users_or_roles_there_is_no_result_and_the_same_sync_goes_on(#[case] path: &str) {
    let workspace = Workspace::start(options()).await;
    workspace.sandbox.set_rules(vec![FaultRule { skip: 0, ..always(path, Fault::Rate500) }]);

    let (report, rows) = workspace.sync().await;

    assert_eq!(report.outcome, SyncOutcome::Unfinished);
    assert!(rows.is_none());
    workspace.sandbox.set_rules(Vec::new());
    let before = workspace.calls();
    let (report, rows) = workspace.sync().await;
    assert_eq!(report.outcome, SyncOutcome::Complete, "{report:#?}");
    let truth = workspace.sandbox.governance_truth();
    Inventory::of_rows(&rows.unwrap()).assert_equal(&Inventory::of_truth(&truth));
    // Groups and their members were read before, and are not again.
    assert!(workspace.calls() - before < 10, "{} calls", workspace.calls() - before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_whose_pages_were_destroyed_is_begun_anew() {
    let workspace = Workspace::start(options()).await;
    workspace.sandbox.set_rules(vec![always("/users", Fault::Rate500)]);
    let (unfinished, _) = workspace.sync().await;
    assert_eq!(unfinished.outcome, SyncOutcome::Unfinished);
    let connection = "segment".parse().unwrap();
    let first = workspace.store.sync_find_latest(&connection).await.unwrap().unwrap();
    workspace.store.run_forget(&first.run, store::Actor::system()).await.unwrap();
    workspace.sandbox.set_rules(Vec::new());

    let (report, rows) = workspace.sync().await;

    assert_eq!(report.outcome, SyncOutcome::Complete, "{report:#?}");
    let truth = workspace.sandbox.governance_truth();
    Inventory::of_rows(&rows.unwrap()).assert_equal(&Inventory::of_truth(&truth));
}

// What cannot be read again is no end of a list: half of it would pass for all.
#[tokio::test(flavor = "multi_thread")]
async fn pages_that_are_destroyed_before_rows_are_made_of_them_give_no_result() {
    let workspace = Workspace::start(options()).await;
    let read = workspace.begin_soon().await.read(&|_| {}).await.unwrap();
    workspace.store.run_forget(read.sync().id(), store::Actor::system()).await.unwrap();

    let rows = read.assemble(crate::rows::Rows::default()).await;

    let error = rows.map(|_| "rows").unwrap_err();
    assert!(matches!(error, SyncError::Store(store::StoreError::Forgotten { .. })), "{error}");
}

// rule: baton T-8
#[rstest]
#[case(1)]
#[case(2)]
#[case(7)]
#[case(16)]
#[case(30)]
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_is_broken_off_at_a_page_goes_on_behind_it(#[case] pages: u64) {
    let workspace = Workspace::start(options()).await;
    let (whole, _) = workspace.sync().await;
    let before = workspace.calls();

    let (canceller, cancellation) = Canceller::new();
    let seen = AtomicU64::new(0);
    let stop = |progress: SyncProgress| {
        if matches!(progress, SyncProgress::Page { .. }) && seen.fetch_add(1, Ordering::SeqCst) + 1 == pages {
            canceller.cancel();
        }
    };
    let broken = workspace.begin_with(cancellation).await.unwrap().read(&stop).await;
    assert!(matches!(broken, Err(SyncError::Stopped { .. })), "{broken:?}");
    let sync = workspace.begin_soon().await;
    assert!(sync.is_resumed());
    let read = sync.read(&|_| {}).await.unwrap();
    let (rows, report) = read.assemble(crate::rows::Rows::default()).await.unwrap();
    read.close(&report, None).await.unwrap();

    let truth = workspace.sandbox.governance_truth();
    Inventory::of_rows(&rows).assert_equal(&Inventory::of_truth(&truth));
    // At most the calls that were in flight are made twice: no page that was kept is.
    let again = workspace.calls() - before - whole.requests;
    assert!(again <= 8 + 8, "{again} calls were made twice");
}
