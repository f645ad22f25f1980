//! Rows that are made of the last list while it is still being read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use engine::{Canceller, Limits};
use governance::{FileTimes, ReadSync, SinkError, Sync, SyncError, SyncOutcome, SyncReport, SyncSink};
use protos::c1::connector::v2::{Entitlement, Grant, GrantExpandable, Resource, ResourceType};
use sandbox::segment::{SegmentOptions, WorkspaceOptions};
use sandbox::{Fault, FaultRule};

use crate::rows::Rows;
use crate::truth::Inventory;
use crate::workspace::Workspace;

/// Each answer takes it, so that how many there are says what is read last.
const LATENCY: Duration = Duration::from_millis(10);

/// So many users that everything else is read long before them.
fn options() -> SegmentOptions {
    SegmentOptions {
        users: 2_000,
        workspace: WorkspaceOptions { groups: Some(1), ..WorkspaceOptions::default() },
        ..SegmentOptions::default()
    }
}

/// Keeps rows, and says how many resources it saw even if it is never asked for them.
#[derive(Debug, Default)]
struct Watched {
    rows: Rows,
    seen: Arc<AtomicU64>,
}

impl SyncSink for Watched {
    fn resource_type(&mut self, row: &ResourceType) -> Result<(), SinkError> {
        self.rows.resource_type(row)
    }

    fn resource(&mut self, row: &Resource) -> Result<(), SinkError> {
        self.seen.fetch_add(1, Ordering::SeqCst);
        self.rows.resource(row)
    }

    fn entitlement(&mut self, row: &Entitlement) -> Result<(), SinkError> {
        self.rows.entitlement(row)
    }

    fn grant(&mut self, row: &Grant, expandable: Option<&GrantExpandable>) -> Result<(), SinkError> {
        self.rows.grant(row, expandable)
    }
}

type Made = Option<(Rows, SyncReport)>;

/// Reads a workspace to its end, and makes rows as soon as that can be.
async fn read_and_make(begun: Sync) -> (ReadSync, Made) {
    let with_rows = |read: ReadSync| async move { read.assemble(Rows::default()).await };
    begun.read_and(&|_| {}, with_rows).await.unwrap()
}

async fn made_as_of_all_lists(workspace: &Workspace, begun: Sync) {
    let (read, made) = read_and_make(begun).await;

    let (rows, report) = made.expect("one list is left at the end");
    let (again, of_all) = read.assemble(Rows::default()).await.unwrap();
    assert_eq!(report, of_all);
    let truth = workspace.sandbox.governance_truth();
    Inventory::of_rows(&rows).assert_equal(&Inventory::of_truth(&truth));
    let in_order = |rows: Rows| (rows.resource_types, rows.resources, rows.entitlements, rows.grants);
    assert!(in_order(rows) == in_order(again), "other rows, or in another order");
    read.close(&report, None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_made_while_the_last_list_is_read_are_those_made_of_all_lists() {
    let workspace = Workspace::start(options()).await;

    made_as_of_all_lists(&workspace, workspace.begin_soon().await).await;
}

// The list of members of one group is left, and those of others stand before and behind it.
#[tokio::test(flavor = "multi_thread")]
async fn a_unit_in_the_midst_of_its_list_may_be_the_last() {
    let of_groups =
        WorkspaceOptions { groups: Some(6), group_members: Some(40), ..WorkspaceOptions::default() };
    let options =
        SegmentOptions { users: 50, workspace: of_groups, latency: LATENCY, ..SegmentOptions::default() };
    let workspace = Workspace::start(options).await;
    let truth = workspace.sandbox.governance_truth();
    let groups = truth.resources.iter().filter(|resource| resource.key.kind == "group");
    let late = groups.rev().nth(1).unwrap().key.id.clone();
    let path = format!("/groups/{late}/users");
    // Groups are known after everybody else, so that no list of resources is left; then one has its members last.
    let again = |path: &str| FaultRule { times: 11, ..FaultRule::first("GET", path, Fault::Rate500) };
    workspace.sandbox.set_rules(vec![again("/groups"), again(&path)]);

    let limits = Limits { per_connection: 4, ..Limits::default() };
    made_as_of_all_lists(&workspace, workspace.begin_limited(limits).await).await;
}

// Half a list is never a whole one (architecture law 4): not for whoever saw half of it either.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_made_of_a_last_list_that_breaks_off() {
    let workspace = Workspace::start(options()).await;
    let fails = FaultRule { skip: 7, times: u64::MAX, ..FaultRule::first("GET", "/users", Fault::Rate500) };
    workspace.sandbox.set_rules(vec![fails]);

    let (read, made) = read_and_make(workspace.begin_soon().await).await;

    assert!(made.is_none());
    let (report, why) = read.unfinished().expect("users are missing");
    read.close(&report, Some(&why)).await.unwrap();

    // Whoever goes on with it waits until it is read, since what is kept may be read anew.
    workspace.sandbox.set_rules(Vec::new());
    let (read, made) = read_and_make(workspace.begin_soon().await).await;
    assert!(made.is_none());
    let (rows, report) = read.assemble(Rows::default()).await.unwrap();
    read.close(&report, None).await.unwrap();
    assert_eq!(report.outcome, SyncOutcome::Complete, "{report:#?}");
    let truth = workspace.sandbox.governance_truth();
    Inventory::of_rows(&rows).assert_equal(&Inventory::of_truth(&truth));
}

/// Has a call stand still for ever, gives the sync up once rows of many accounts were made, and looks whether somebody goes
/// on with them.
async fn given_up_half_way(workspace: &Workspace, held: FaultRule) {
    workspace.sandbox.set_rules(vec![held]);
    let (canceller, cancellation) = Canceller::new();
    let begun = workspace.begin_with(cancellation).await.unwrap();
    let sink = Watched::default();
    let seen = Arc::clone(&sink.seen);
    let with_rows = |read: ReadSync| async move { read.assemble(sink).await };
    let stop = async {
        while seen.load(Ordering::SeqCst) < 1_000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        canceller.cancel();
    };

    let both = futures::future::join(begun.read_and(&|_| {}, with_rows), stop);
    let (broken, ()) = tokio::time::timeout(Duration::from_mins(1), both).await.unwrap();

    assert!(matches!(broken, Err(SyncError::Stopped { .. })));
    assert_eq!(Arc::strong_count(&seen), 1, "a thread still makes rows");
}

// Rows are made although the list stands still; and when it is given up, nobody goes on with them.
#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_list_that_is_given_up_half_way_are_made_by_nobody() {
    let workspace = Workspace::start(options()).await;
    let held = FaultRule { skip: 7, ..FaultRule::first("GET", "/users", Fault::HoldBefore) };

    given_up_half_way(&workspace, held).await;
}

/// The path of the members of a group.
fn members(workspace: &Workspace) -> String {
    let truth = workspace.sandbox.governance_truth();
    let group = truth.resources.iter().find(|resource| resource.key.kind == "group").unwrap();
    format!("/groups/{}/users", group.key.id)
}

// Nothing follows from who belongs to a group: whoever makes rows of accounts does not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn rows_are_made_while_lists_are_read_that_nothing_follows_from() {
    let workspace = Workspace::start(options()).await;
    let held = FaultRule::first("GET", &members(&workspace), Fault::HoldBefore);

    given_up_half_way(&workspace, held).await;
}

// Accounts are one page and are read at once; who belongs to which group is known long after.
#[tokio::test(flavor = "multi_thread")]
async fn lists_that_are_still_being_read_are_waited_for_when_their_turn_comes() {
    let of_groups =
        WorkspaceOptions { groups: Some(60), group_members: Some(20), ..WorkspaceOptions::default() };
    let options =
        SegmentOptions { users: 150, workspace: of_groups, latency: LATENCY, ..SegmentOptions::default() };
    let workspace = Workspace::start(options).await;

    let limits = Limits { per_connection: 2, ..Limits::default() };
    made_as_of_all_lists(&workspace, workspace.begin_limited(limits).await).await;
}

// They were made as if it would end well.
#[tokio::test(flavor = "multi_thread")]
async fn rows_made_beside_a_list_that_fails_are_dropped() {
    let workspace = Workspace::start(options()).await;
    let path = members(&workspace);
    let fails = FaultRule { times: u64::MAX, ..FaultRule::first("GET", &path, Fault::Rate500) };
    workspace.sandbox.set_rules(vec![fails]);

    let (read, made) = read_and_make(workspace.begin_soon().await).await;

    assert!(made.is_none());
    let (rows, report) = read.assemble(Rows::default()).await.unwrap();
    assert_eq!(report.outcome, SyncOutcome::Incomplete, "{report:#?}");
    assert!(rows.resource_types.iter().all(|kind| kind.id != "group"));
    read.close(&report, None).await.unwrap();
}

// A list is missing without which there is no result, however the last one ends.
#[tokio::test(flavor = "multi_thread")]
async fn no_file_is_begun_that_could_not_be_a_result() {
    let workspace = Workspace::start(options()).await;
    let fails = FaultRule { times: u64::MAX, ..FaultRule::first("GET", "/roles", Fault::Rate500) };
    workspace.sandbox.set_rules(vec![fails]);
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("sync.c1z");
    std::fs::write(&target, "of yesterday").unwrap();
    let begun = AtomicBool::new(false);
    let with_rows = |read: ReadSync| {
        begun.store(true, Ordering::SeqCst);
        let target = &target;
        async move { read.write(target, FileTimes::Own).await }
    };

    let (read, made) = workspace.begin_soon().await.read_and(&|_| {}, with_rows).await.unwrap();

    assert!(read.unfinished().is_some());
    assert!(made.is_none() && !begun.load(Ordering::SeqCst));
    assert_eq!(std::fs::read(&target).unwrap(), b"of yesterday");
}
