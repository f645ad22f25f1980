//! Rows that are made of the last list while it is still being read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use governance::{ReadSync, SinkError, SyncError, SyncOutcome, SyncReport, SyncSink};
use protos::c1::connector::v2::{Entitlement, Grant, GrantExpandable, Resource, ResourceType};
use sandbox::segment::{SegmentOptions, WorkspaceOptions};
use sandbox::{Fault, FaultRule};

use crate::rows::Rows;
use crate::truth::Inventory;
use crate::workspace::Workspace;

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

/// Reads a workspace to its end; the number is of the resources that were seen meanwhile.
async fn read_and_make(workspace: &Workspace) -> (ReadSync, Made, u64) {
    let sink = Watched::default();
    let seen = Arc::clone(&sink.seen);
    let with_rows = |read: ReadSync| async move {
        let (sink, report) = read.assemble(sink).await?;
        Ok::<_, SyncError>((sink.rows, report))
    };
    let (read, made) = workspace.begin_soon().await.read_and(&|_| {}, with_rows).await.unwrap();
    (read, made, seen.load(Ordering::SeqCst))
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_made_while_the_last_list_is_read_are_those_made_of_all_lists() {
    let workspace = Workspace::start(options()).await;

    let (read, made, _) = read_and_make(&workspace).await;

    let (rows, report) = made.expect("users are read when all else is");
    let (again, of_all) = read.assemble(Rows::default()).await.unwrap();
    assert_eq!(report, of_all);
    assert_eq!(report.requests, workspace.calls());
    let truth = workspace.sandbox.governance_truth();
    Inventory::of_rows(&rows).assert_equal(&Inventory::of_truth(&truth));
    let in_order = |rows: Rows| (rows.resource_types, rows.resources, rows.entitlements, rows.grants);
    assert!(in_order(rows) == in_order(again), "other rows, or in another order");
    read.close(&report, None).await.unwrap();
}

// Half a list is never a whole one (architecture law 2): not for whoever saw half of it either.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_made_of_a_last_list_that_breaks_off() {
    let workspace = Workspace::start(options()).await;
    let fails = FaultRule { skip: 7, times: u64::MAX, ..FaultRule::first("GET", "/users", Fault::Rate500) };
    workspace.sandbox.set_rules(vec![fails]);

    let (read, made, seen) = read_and_make(&workspace).await;

    assert!(made.is_none());
    assert!(seen >= 1_000, "{seen} resources were seen: rows were not made meanwhile");
    let (report, why) = read.unfinished().expect("users are missing");
    read.close(&report, Some(&why)).await.unwrap();

    // Whoever goes on with it waits until it is read, since what is kept may be read anew.
    workspace.sandbox.set_rules(Vec::new());
    let (read, made, _) = read_and_make(&workspace).await;
    assert!(made.is_none());
    let (rows, report) = read.assemble(Rows::default()).await.unwrap();
    read.close(&report, None).await.unwrap();
    assert_eq!(report.outcome, SyncOutcome::Complete, "{report:#?}");
    let truth = workspace.sandbox.governance_truth();
    Inventory::of_rows(&rows).assert_equal(&Inventory::of_truth(&truth));
}
