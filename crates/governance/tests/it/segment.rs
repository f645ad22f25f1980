//! The whole of a simulated workspace (acceptance 1).

use governance::{KindStatus, SyncOutcome};
use sandbox::segment::SegmentOptions;

use crate::truth::{Inventory, available};
use crate::workspace::Workspace;

// rule: segment-api D2, D3, D4, D5
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_has_everything_that_the_workspace_has_and_nothing_else() {
    let workspace = Workspace::start(SegmentOptions::default()).await;

    let (report, rows) = workspace.sync().await;

    assert_eq!(report.outcome, SyncOutcome::Complete, "{report:#?}");
    let truth = workspace.sandbox.governance_truth();
    let rows = rows.unwrap();
    let differences = Inventory::of_rows(&rows).differences(&Inventory::of_truth(&truth));
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences[..differences.len().min(20)].join("\n"));
    for kind in &truth.kinds {
        let found = report.kinds.iter().find(|report| report.kind == kind.id).unwrap();
        assert_eq!(found.status, KindStatus::Complete);
        let counted = (found.resources, found.entitlements, found.grants);
        assert_eq!(counted, (kind.resources, kind.entitlements, kind.grants), "{}", kind.id);
    }
    assert_eq!(available(&truth).len(), rows.resource_types.len());
}
