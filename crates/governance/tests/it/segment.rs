//! The whole of a simulated workspace (acceptance 1): every shape of access, and what the plan leaves out.

use governance::{KindStatus, SyncOutcome};
use rstest::rstest;
use sandbox::segment::{PageBorders, PlanLimits, RefusedWith, SegmentOptions, WorkspaceOptions};

use crate::planted::changed;
use crate::truth::{Inventory, available};
use crate::workspace::Workspace;

/// A workspace in which nothing is as simple as it could be.
fn awkward() -> SegmentOptions {
    SegmentOptions {
        users: 430,
        workspace: WorkspaceOptions {
            groups: Some(12),
            group_members: Some(230),
            sources: 220,
            nameless_users_every: 5,
            owner_group: Some(1),
            ..WorkspaceOptions::default()
        },
        ..SegmentOptions::default()
    }
}

// rule: segment-api D2
// rule: segment-api D3
// rule: segment-api D4
// rule: segment-api D5
// rule: segment-api D6
// rule: segment-api D7
// rule: segment-api A26
// rule: segment-api A57
// rule: segment-api A60
// rule: segment-api A61
// rule: segment-api A63
// rule: baton SG-4
// rule: baton SG-10
// rule: baton SG-11
// rule: baton SG-12
#[rstest]
#[case::as_it_comes(SegmentOptions::default())]
#[case::awkward(awkward())]
#[case::another_seed(SegmentOptions { seed: 7, ..awkward() })]
#[case::hidden_permissions(SegmentOptions { hide_permissions_every: 3, hide_group_permissions_every: 2, ..awkward() })]
#[case::entries_come_twice(SegmentOptions { page_borders: PageBorders::Repeated, ..awkward() })]
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_has_everything_that_the_workspace_has_and_nothing_else(#[case] options: SegmentOptions) {
    let workspace = Workspace::start(options).await;

    let (report, rows) = workspace.sync().await;

    assert_eq!(report.outcome, SyncOutcome::Complete, "{report:#?}");
    let truth = workspace.sandbox.governance_truth();
    let rows = rows.unwrap();
    Inventory::of_rows(&rows).assert_equal(&Inventory::of_truth(&truth));
    for kind in &truth.kinds {
        let found = report.kinds.iter().find(|report| report.kind == kind.id).unwrap();
        assert_eq!(found.status, KindStatus::Complete);
        let counted = (found.resources, found.entitlements, found.grants);
        assert_eq!(counted, (kind.resources, kind.entitlements, kind.grants), "{}", kind.id);
    }
    assert_eq!(available(&truth).len(), rows.resource_types.len());
}

// rule: segment-api A67
// rule: segment-api D12
#[rstest]
#[case::groups(PlanLimits { groups: Some(RefusedWith::NotFound), ..PlanLimits::default() }, "group")]
#[case::warehouses(PlanLimits { warehouses: Some(RefusedWith::Forbidden), ..PlanLimits::default() }, "warehouse")]
#[case::spaces(PlanLimits { spaces: Some(RefusedWith::Unauthorized), ..PlanLimits::default() }, "space")]
#[case::functions(PlanLimits { functions: Some(RefusedWith::Forbidden), ..PlanLimits::default() }, "function")]
#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_the_plan_lacks_is_unavailable_and_not_empty(
    #[case] plan: PlanLimits,
    #[case] kind: &str,
) {
    let workspace = Workspace::start(SegmentOptions { plan, ..awkward() }).await;

    let (report, rows) = workspace.sync().await;

    let rows = rows.unwrap();
    let found = report.kinds.iter().find(|report| report.kind == kind).unwrap();
    assert_eq!((found.status, found.resources, found.grants), (KindStatus::Unavailable, 0, 0), "{found:?}");
    assert_eq!(report.outcome, SyncOutcome::Complete, "{report:#?}");
    assert!(rows.resource_types.iter().all(|row| row.id != kind));
    let truth = workspace.sandbox.governance_truth();
    Inventory::of_rows(&rows).assert_equal(&Inventory::of_truth(&truth));
}

/// Functions whose first type the application refuses: with 422, which the file says is not allowed.
fn one_type_refused() -> String {
    let file = changed("values: [DESTINATION,", "values: [NO_SUCH_TYPE,");
    let of_functions = "unavailable: *not_allowed\n          when: has(item.id)";
    assert!(file.contains(of_functions));
    file.replacen(of_functions, "unavailable: [422]\n          when: has(item.id)", 1)
}

// Some types were read and some were not: half of a kind would pass for the whole.
// rule: segment-api D12
#[tokio::test(flavor = "multi_thread")]
async fn a_kind_of_which_one_part_is_not_allowed_is_incomplete_and_left_out() {
    let workspace = Workspace::with_file(awkward(), &one_type_refused()).await;

    let (report, rows) = workspace.sync().await;

    let found = report.kinds.iter().find(|report| report.kind == "function").unwrap();
    assert_eq!((found.status, found.resources), (KindStatus::Incomplete, 0), "{found:?}");
    assert_eq!(report.outcome, SyncOutcome::Incomplete);
    let truth = Inventory::of_truth(&workspace.sandbox.governance_truth());
    Inventory::of_rows(&rows.unwrap()).assert_equal(&truth.without("function"));
}

// rule: governance 31.4
// rule: segment-api A3
#[rstest]
#[case(RefusedWith::Unauthorized)]
#[case(RefusedWith::Forbidden)]
#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_a_member_leaves_a_sync_unfinished_and_is_told_what_is_missing(
    #[case] member_refused_with: RefusedWith,
) {
    let workspace =
        Workspace::start(SegmentOptions { member_refused_with, ..SegmentOptions::default() }).await;
    let token = workspace.sandbox.description().tokens.member_token.clone();
    let workspace = workspace.with_token(&token);

    let read = workspace.begin().await.unwrap().read(&|_| {}).await.unwrap();

    let (report, error) = read.unfinished().expect("users and roles cannot be read");
    assert_eq!(report.outcome, SyncOutcome::Unfinished);
    assert!(error.contains("Workspace Owner"), "{error}");
    assert!(!error.contains(&token), "{error}");
}

// rule: segment-api A7
#[tokio::test(flavor = "multi_thread")]
async fn grants_on_a_kind_that_no_list_has_are_reported_and_not_lost() {
    let options = WorkspaceOptions { unknown_kinds_every: 4, ..WorkspaceOptions::default() };
    let workspace =
        Workspace::start(SegmentOptions { workspace: options, ..SegmentOptions::default() }).await;

    let (report, rows) = workspace.sync().await;

    let truth = workspace.sandbox.governance_truth();
    assert!(!truth.unplaced.is_empty());
    let journey = report.kinds.iter().find(|kind| kind.kind == "journey").unwrap();
    assert_eq!(journey.status, KindStatus::Unavailable);
    assert!(journey.reason.as_deref().unwrap().starts_with(&truth.unplaced.len().to_string()), "{journey:?}");
    Inventory::of_rows(&rows.unwrap()).assert_equal(&Inventory::of_truth(&truth));
}
