//! Audit events of the simulated Segment and PagerDuty: all of the span, each once, and what is missing is said.

use std::ops::ControlFlow;
use std::sync::Arc;

use connector::Connector;
use engine::{Concurrency, Limits};
use governance::activity::{
    ActivityError, ActivityEvent, ActivityLog, ActivityOutcome, ActivityReport, ActivitySpan, LastUse,
};
use governance::change::ResourceName;
use jiff::{SignedDuration, Timestamp};
use rstest::rstest;
use sandbox::segment::{SegmentOptions, WorkspaceOptions};
use sandbox::{Fault, FaultRule};
use serde_json::json;
use testkit::TestClock;

use crate::planted::changed;
use crate::workspace::{FILE, HOST, Workspace, connect};

/// Every group was made, and somebody added to it, on a day of its own; the first one too long ago.
const GROUPS: usize = 75;

fn options() -> SegmentOptions {
    SegmentOptions {
        users: 12,
        workspace: WorkspaceOptions { groups: Some(GROUPS), ..WorkspaceOptions::default() },
        ..SegmentOptions::default()
    }
}

/// The same with pages of seven events, so that a few show paging.
async fn workspace() -> Workspace {
    let page = "- { name: endTime, value: <until> }\n          - { name: \"pagination[count]\", value: 200 }";
    assert!(FILE.contains(page));
    Workspace::with_file(options(), &changed(page, &page.replace("200", "7"))).await
}

/// The moment at which the simulation stands.
fn now() -> Timestamp {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

fn days_ago(days: i64) -> Timestamp {
    now() - SignedDuration::from_hours(24 * days)
}

fn log(connector: &Connector) -> Result<ActivityLog, ActivityError> {
    let bound = Concurrency::new(Limits::default());
    ActivityLog::new(connector.clone(), bound, Arc::new(TestClock::at(now())))
}

async fn read(workspace: &Workspace, since: Timestamp) -> (ActivityReport, Vec<ActivityEvent>) {
    read_span(&workspace.connector, ActivitySpan { since, until: None }).await.unwrap()
}

async fn read_span(
    connector: &Connector,
    span: ActivitySpan,
) -> Result<(ActivityReport, Vec<ActivityEvent>), ActivityError> {
    let mut events = Vec::new();
    let report = log(connector)?
        .read(span, &mut |event| {
            events.push(event);
            ControlFlow::Continue(())
        })
        .await?;
    Ok((report, events))
}

// rule: segment-api A68
// rule: segment-api D13
#[tokio::test(flavor = "multi_thread")]
async fn all_events_of_the_span_come_once_page_by_page() {
    let workspace = workspace().await;

    let (report, events) = read(&workspace, days_ago(89)).await;

    // All but the two of the first group, which Segment has forgotten.
    let wanted = 2 * (GROUPS - 1);
    assert_eq!(report.outcome, ActivityOutcome::Complete, "{report:?}");
    assert_eq!((report.events, events.len()), (wanted as u64, wanted));
    assert_eq!(report.requests, wanted.div_ceil(7) as u64);
    assert!(events.is_sorted_by(|one, other| one.time >= other.time), "newest first, as it is listed");
    let ids: std::collections::BTreeSet<&str> = events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids.len(), wanted);
    let first = &events[0];
    let (actor, resource) = (first.actor.as_ref().unwrap(), first.resource.as_ref().unwrap());
    assert_eq!((actor.kind.as_str(), resource.kind.as_str()), ("user", "group"));
    assert!(actor.id.is_some() && actor.email.is_some() && resource.display_name.is_some());
    let truth = workspace.sandbox.governance_truth();
    let is_there = |kind: &str, id: &str| {
        truth.resources.iter().any(|found| found.key.kind == kind && &*found.key.id == id)
    };
    assert!(is_there("user", actor.id.as_ref().unwrap()) && is_there("group", &resource.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_span_bounds_what_comes_at_both_ends() {
    let workspace = workspace().await;
    let span = ActivitySpan { since: days_ago(40), until: Some(days_ago(30)) };

    let (report, events) = read_span(&workspace.connector, span).await.unwrap();

    assert_eq!(report.outcome, ActivityOutcome::Complete);
    assert!(!events.is_empty() && events.len() < 30, "{}", events.len());
    assert!(events.iter().all(|event| event.time >= span.since && Some(event.time) <= span.until));
    let turned = ActivitySpan { since: days_ago(3), until: Some(days_ago(4)) };
    let error = read_span(&workspace.connector, turned).await.unwrap_err();
    assert!(matches!(error, ActivityError::EndBeforeBeginning));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_application_does_not_keep_is_said_and_not_asked_for() {
    let workspace = workspace().await;

    let (report, events) = read(&workspace, days_ago(365)).await;

    assert_eq!(report.outcome, ActivityOutcome::Incomplete);
    assert_eq!((report.since, report.read_from), (days_ago(365), days_ago(90)));
    assert!(report.reason.as_deref().unwrap().contains("90 days"), "{report:?}");
    assert_eq!(events.len(), 2 * (GROUPS - 1));
    let before = workspace.calls();
    let long_ago = ActivitySpan { since: days_ago(365), until: Some(days_ago(200)) };
    let (report, events) = read_span(&workspace.connector, long_ago).await.unwrap();
    assert_eq!((report.outcome, events.len()), (ActivityOutcome::Incomplete, 0));
    assert_eq!(workspace.calls(), before, "nothing is asked for");
}

#[rstest]
#[case::limit(Fault::Rate429)]
#[case::limit_without_a_wait(Fault::Rate429Bare)]
#[case::missing_key(Fault::MissingKey)]
#[case::reset(Fault::ResetAfter)]
#[case::truncated(Fault::Truncated)]
#[tokio::test(flavor = "multi_thread")]
async fn faults_on_the_way_change_nothing(#[case] fault: Fault) {
    let workspace = workspace().await;
    let rule = FaultRule { skip: 3, times: 3, ..FaultRule::first("GET", "/audit-events", fault) };
    workspace.sandbox.set_rules(vec![rule]);

    let (report, events) = read(&workspace, days_ago(89)).await;

    assert_eq!(report.outcome, ActivityOutcome::Complete, "{report:?}");
    assert_eq!(events.len(), 2 * (GROUPS - 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_fails_for_good_leaves_what_came_before_and_says_so() {
    let workspace = workspace().await;
    let always = FaultRule { times: u64::MAX, ..FaultRule::first("GET", "/audit-events", Fault::Rate500) };
    workspace.sandbox.set_rules(vec![FaultRule { skip: 2, ..always.clone() }]);

    let (report, events) = read(&workspace, days_ago(89)).await;

    assert_eq!((report.outcome, events.len()), (ActivityOutcome::Incomplete, 14));
    assert!(report.reason.as_deref().unwrap().contains("500"), "{report:?}");
    workspace.sandbox.set_rules(vec![always]);
    let span = ActivitySpan { since: days_ago(89), until: None };
    let error = read_span(&workspace.connector, span).await.unwrap_err();
    assert!(matches!(error, ActivityError::Read(_)), "{error}");
    assert_eq!(error.retry(), store::Retry::Yes);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_not_understood_is_counted_and_not_lost_in_silence() {
    // What is done to ten of the groups gives no action.
    let file = changed(
        "action: item.type",
        "action: 'item.resourceName.startsWith(\"Group 01\") ? null : item.type'",
    );
    let workspace = Workspace::with_file(options(), &file).await;
    let (whole, _) = read(&self::workspace().await, days_ago(89)).await;

    let (report, events) = read(&workspace, days_ago(89)).await;

    assert_eq!(report.not_understood, 20, "{:?}", events.first());
    assert_eq!(report.outcome, ActivityOutcome::Incomplete);
    assert_eq!(report.events + report.not_understood, whole.events);
    assert!(report.reason.as_deref().unwrap().contains("`action`"), "{report:?}");
}

// rule: governance AUT-2
#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_of_accounts_and_resources_is_that_of_the_newest_events() {
    let workspace = workspace().await;
    let (_, events) = read(&workspace, days_ago(89)).await;
    let mut last = LastUse::default();

    for event in &events {
        last.note(event);
    }

    let newest = &events[0];
    let (actor, group) = (newest.actor.as_ref().unwrap(), newest.resource.as_ref().unwrap());
    let account = ResourceName::new("user", actor.id.as_ref().unwrap());
    assert_eq!(last.of_account(&account, []), Some(newest.time));
    let group = ResourceName::new("group", &group.id);
    assert_eq!(last.of_resource(&account, [], &group), Some(newest.time));
    let idle = workspace.sandbox.governance_truth();
    let idle = idle.resources.iter().rfind(|found| found.key.kind == "user").unwrap();
    let idle = ResourceName::new("user", &*idle.key.id);
    assert_ne!(idle, account);
    assert_eq!(last.of_account(&idle, []), None);
    assert_eq!(last.accounts().len(), 1);
    assert_eq!(last.accounts()[0].resources.len(), GROUPS - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_seen_enough_gets_no_more_pages() {
    let workspace = workspace().await;
    let mut seen = 0;
    let mut three = |_event: ActivityEvent| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };

    let span = ActivitySpan { since: days_ago(89), until: None };
    let report = log(&workspace.connector).unwrap().read(span, &mut three).await.unwrap();

    assert_eq!((report.outcome, report.events, report.requests), (ActivityOutcome::Incomplete, 3, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_without_events_are_refused_by_name() {
    let without = FILE.split("\n  activity:").next().unwrap();
    let connector = |file: &str, domain: &str| {
        let secrets = vec![("domain".to_owned(), json!(domain)), ("access_token".to_owned(), json!("T"))];
        connect("segment", file, (HOST, "http://127.0.0.1:9"), secrets)
    };

    let none = log(&connector(without, HOST)).unwrap_err();
    let not_here = log(&connector(FILE, "platform.segmentapis.com")).unwrap_err();

    assert!(matches!(none, ActivityError::NoActivity { .. }), "{none}");
    assert!(not_here.to_string().contains("when: domain"), "{not_here}");
}
