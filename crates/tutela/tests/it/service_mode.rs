//! `baton-segment` as a process that serves a control plane, against the simulated Segment.
#![expect(clippy::indexing_slicing, reason = "helpers of tests stop at what is not there")]

mod cycles;
mod plane;
mod process;
mod served;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use baton::control::{ConnectorLabel, TaskOutcome};
use protos::annotations;
use protos::c1::connector::v2::{GrantAlreadyExists, GrantManagerServiceGrantResponse};
use sandbox::governance::{GovernanceTruth, Origin, TruthGrant};
use sandbox::segment::{SegmentOptions, SegmentSandbox, WorkspaceOptions};
use sandbox::{Fault, FaultRule};
use serde_json::Value;
use store::{BatonTask, BatonTaskState};

use self::plane::Plane;
use self::process::Place;
use crate::segment;

/// Ids of all resources and all grants.
pub(crate) type Ids = [BTreeSet<String>; 2];

fn options() -> SegmentOptions {
    SegmentOptions {
        users: 30,
        workspace: WorkspaceOptions { groups: Some(6), ..WorkspaceOptions::default() },
        ..SegmentOptions::default()
    }
}

fn true_ids(truth: &GovernanceTruth) -> Ids {
    [
        truth.resources.iter().map(|row| format!("{}:{}", row.key.kind, row.key.id)).collect(),
        truth.grants.iter().map(|row| row.id.clone()).collect(),
    ]
}

/// What the control plane knows and the application does not have, and the other way round.
async fn differences(plane: &Plane, sandbox: &SegmentSandbox) -> Vec<String> {
    let (known, truth) = (plane.known().await, true_ids(&sandbox.governance_truth()));
    let pairs = known.iter().zip(&truth);
    pairs.flat_map(|(known, truth)| known.symmetric_difference(truth).cloned().collect::<Vec<_>>()).collect()
}

/// Calls that are never answered.
fn unanswered(sandbox: &SegmentSandbox) -> usize {
    let log = sandbox.log();
    let calls = log["calls"].as_array().unwrap();
    calls.iter().filter(|call| call["fault"].as_str().is_some_and(|fault| fault.starts_with("hold_"))).count()
}

fn count(sandbox: &SegmentSandbox, of: &str) -> u64 {
    sandbox.state()[of].as_u64().unwrap()
}

fn grants(sandbox: &SegmentSandbox) -> BTreeSet<String> {
    let [_, grants] = true_ids(&sandbox.governance_truth());
    grants
}

/// The entitlement of being in the role.
fn role(sandbox: &SegmentSandbox, name: &str) -> String {
    let truth = sandbox.governance_truth();
    let found = truth.resources.iter().find(|row| row.key.kind == "role" && row.display_name == name);
    format!("role:{}:member", found.unwrap().key.id)
}

/// Users that do not hold an entitlement.
fn without(sandbox: &SegmentSandbox, entitlement: &str) -> Vec<String> {
    let truth = sandbox.governance_truth();
    let holds = |id: &str| {
        truth.grants.iter().any(|grant| *grant.entitlement == *entitlement && *grant.principal.id == *id)
    };
    let users = truth.resources.iter().filter(|row| row.key.kind == "user" && !holds(&row.key.id));
    users.map(|row| row.key.id.to_string()).collect()
}

/// Memberships of groups that users hold themselves.
fn memberships(sandbox: &SegmentSandbox) -> Vec<TruthGrant> {
    let truth = sandbox.governance_truth();
    let fits = |grant: &&TruthGrant| {
        grant.origin == Origin::Direct
            && grant.entitlement.starts_with("group:")
            && grant.principal.kind == "user"
    };
    truth.grants.iter().filter(fits).cloned().collect()
}

fn answer(outcome: &TaskOutcome) -> GrantManagerServiceGrantResponse {
    annotations::find(outcome.response.as_slice()).unwrap().unwrap()
}

#[track_caller]
fn assert_done(task: &BatonTask) {
    assert_eq!((task.state, &task.error), (BatonTaskState::Done, &None), "{task:?}");
}

// acceptance 4, with the control plane in this process; rule: baton C-6, C-7, C-17, P-11, P-23
#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_serves_syncs_grants_revokes_and_stops_in_order() {
    let sandbox = segment::start(options()).await;
    let plane = Plane::start().await;
    let office = Place::new(&sandbox, &plane).await;
    let mut process = office.start(&["--provisioning", "--file", "passed-over.c1z"]);
    let entitlement = role(&sandbox, "Tracking Plan Admin");
    let user = without(&sandbox, &entitlement).remove(0);
    let membership = memberships(&sandbox).remove(0);

    let sync = plane.queue_sync().await;
    assert_done(&plane.over(&sync).await.task);
    let unlike = differences(&plane, &sandbox).await;
    let grant = plane.queue_grant(&entitlement, &user).await;
    let granted = plane.over(&grant).await;
    let again = plane.queue_grant(&entitlement, &user).await;
    let again = plane.over(&again).await;
    let revoke = plane.queue_revoke(&membership).await;
    assert_done(&plane.over(&revoke).await.task);

    assert_eq!(unlike, Vec::<String>::new());
    assert_done(&granted.task);
    assert_done(&again.task);
    let made = answer(&granted);
    assert_eq!(made.grants[0].id, format!("{entitlement}:user:{user}"));
    assert!(!annotations::contains::<GrantAlreadyExists>(&made.annotations));
    assert!(annotations::contains::<GrantAlreadyExists>(&answer(&again).annotations));
    assert_eq!(count(&sandbox, "writes"), 2);
    let held = grants(&sandbox);
    assert!(held.contains(&format!("{entitlement}:user:{user}")) && !held.contains(&membership.id));
    let status = plane.status().await;
    assert_eq!(status.label, ConnectorLabel::Connected);
    assert!(plane.log().await.contains("hello from baton-segment"), "{}", plane.log().await);

    assert_eq!(process.stop(), 0, "{}", process.log());
    assert_eq!(process.stdout(), "");
    assert!(!office.program.folder().join("passed-over.c1z").exists());
    assert_eq!(office.left(), Vec::<String>::new(), "{}", process.log());
    office.assert_no_secret(&process);
    for line in process.log().lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        assert!(record["ts"].is_f64() && record["level"].is_string() && record["msg"].is_string(), "{line}");
    }
}

// rule: baton P-22: a task whose end was lost is handed out again, and nothing is written a second time
#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_lost_repeats_the_task_and_not_the_write() {
    let sandbox = segment::start(options()).await;
    let plane = Plane::start().await;
    let office = Place::new(&sandbox, &plane).await;
    let mut process = office.start(&["--provisioning"]);
    let entitlement = role(&sandbox, "Tracking Plan Admin");
    let user = without(&sandbox, &entitlement).remove(0);
    let membership = memberships(&sandbox).remove(0);
    plane.faults.lose_finish.store(1, Ordering::SeqCst);

    let grant = plane.queue_grant(&entitlement, &user).await;
    let granted = plane.over(&grant).await;
    plane.faults.lose_finish.store(1, Ordering::SeqCst);
    let revoke = plane.queue_revoke(&membership).await;
    let revoked = plane.over(&revoke).await;

    for outcome in [&granted, &revoked] {
        assert_done(&outcome.task);
        assert_eq!(outcome.task.attempts, 2);
    }
    assert_eq!(plane.faults.lost.load(Ordering::SeqCst), 2);
    assert_eq!(count(&sandbox, "writes"), 2);
    let held = grants(&sandbox);
    assert!(held.contains(&format!("{entitlement}:user:{user}")) && !held.contains(&membership.id));
    assert_eq!(process.stop(), 0);
}

// acceptance 4, 5: SIGKILL in each kind of task, before and after what was sent had its effect
#[tokio::test(flavor = "multi_thread")]
async fn who_takes_the_place_of_a_killed_process_makes_each_change_once() {
    let sandbox = segment::start(options()).await;
    let plane = Plane::start().await;
    let office = Place::new(&sandbox, &plane).await;
    let entitlement = role(&sandbox, "Tracking Plan Admin");
    let mut users = without(&sandbox, &entitlement);
    let mut members = memberships(&sandbox);
    let mut process = office.start(&["--provisioning"]);
    let mut given = BTreeSet::new();

    for (number, fault) in [Fault::HoldBefore, Fault::HoldAfter].into_iter().enumerate() {
        let (user, membership) = (users.remove(0), members.remove(0));
        sandbox.set_rules(vec![held("POST", fault), held("DELETE", fault)]);
        let grant = plane.queue_grant(&entitlement, &user).await;
        process.kill_when(|| unanswered(&sandbox) == 2 * number + 1).await;
        process = office.start(&["--provisioning"]);
        assert_done(&plane.over(&grant).await.task);
        let revoke = plane.queue_revoke(&membership).await;
        process.kill_when(|| unanswered(&sandbox) == 2 * number + 2).await;
        process = office.start(&["--provisioning"]);
        assert_done(&plane.over(&revoke).await.task);

        given.insert(format!("{entitlement}:user:{user}"));
        assert_eq!(count(&sandbox, "writes"), 2 * (number as u64 + 1), "{fault:?}: {}", process.log());
    }

    assert_eq!(process.stop(), 0);
    assert_eq!(office.left(), Vec::<String>::new());
    assert!(given.is_subset(&grants(&sandbox)), "{given:?}");
    let ids = |of: Vec<TruthGrant>| of.into_iter().map(|grant| grant.id).collect::<BTreeSet<String>>();
    assert_eq!(ids(memberships(&sandbox)), ids(members), "what was not taken is there, and nothing else");
}

/// The first call of this method.
fn held(method: &str, fault: Fault) -> FaultRule {
    FaultRule { method: Some(method.to_owned()), path: None, skip: 0, times: 1, fault }
}

// rule: baton C-17, P-21, P-27: stopped or killed in a sync, whoever is given the task again goes on with its pages
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_is_given_back_or_killed_goes_on_in_the_next_process_on_the_machine() {
    let sandbox = segment::start(options()).await;
    let plane = Plane::start().await;
    let office = Place::new(&sandbox, &plane).await;
    let mut process = office.start(&[]);
    let whole = plane.queue_sync().await;
    assert_done(&plane.over(&whole).await.task);
    let minimum = count(&sandbox, "calls");
    let middle = |skip| FaultRule { skip, ..held("GET", Fault::HoldBefore) };

    sandbox.set_rules(vec![middle(8)]);
    let sync = plane.queue_sync().await;
    until(|| unanswered(&sandbox) == 1).await;
    assert_eq!(process.stop(), 0, "{}", process.log());
    assert_eq!(plane.task(&sync).await.state, BatonTaskState::Queued, "{}", process.log());
    sandbox.set_rules(vec![middle(4)]);
    process = office.start(&[]);
    process.kill_when(|| unanswered(&sandbox) == 2).await;
    process = office.start(&[]);
    let over = plane.over(&sync).await;

    assert_done(&over.task);
    assert_eq!(over.task.attempts, 3);
    assert_eq!(differences(&plane, &sandbox).await, Vec::<String>::new());
    let calls = count(&sandbox, "calls") - minimum;
    assert!(calls <= minimum + 6, "{calls} calls in place of {minimum}");
    // The pages of a task that nobody gave again are not gone on with, and not kept.
    assert_eq!(process.stop(), 0);
    assert_eq!(office.left(), Vec::<String>::new());
}

async fn until(is_so: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed().as_secs() < 60, "it does not come to that");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

// rule: baton P-27; issue 6, "Decided here": nothing half-read is uploaded
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_lacks_a_kind_uploads_nothing_and_the_next_one_is_whole() {
    let sandbox = segment::start(options()).await;
    let plane = Plane::start().await;
    let office = Place::new(&sandbox, &plane).await;
    let mut process = office.start(&[]);
    let broken =
        FaultRule { path: Some("/warehouses".to_owned()), times: 100, ..held("GET", Fault::Malformed) };
    sandbox.set_rules(vec![broken]);

    let lacking = plane.queue_sync().await;
    let lacking = plane.over(&lacking).await.task;
    let status = plane.status().await;
    sandbox.set_rules(Vec::new());
    let whole = plane.queue_sync().await;
    let whole = plane.over(&whole).await.task;

    assert_eq!(lacking.state, BatonTaskState::Failed, "{lacking:?}");
    assert!(lacking.error.as_deref().unwrap().contains("nothing was uploaded"), "{lacking:?}");
    assert_eq!(status.label, ConnectorLabel::Error);
    assert_done(&whole);
    assert_eq!(differences(&plane, &sandbox).await, Vec::<String>::new());
    assert_eq!(process.stop(), 0);
}

// rule: baton C-18, P-17, M-15: health, and a process that may change nothing
#[tokio::test(flavor = "multi_thread")]
async fn health_is_told_and_without_provisioning_nothing_can_be_changed() {
    let sandbox = segment::start(options()).await;
    let plane = Plane::start().await;
    let office = Place::new(&sandbox, &plane).await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut process = office.start(&["--health-check", "--health-check-port", &port]);
    let asks = |endpoint: &str| {
        let ask = ["baton", "segment", "health-check", "--endpoint", endpoint, "--health-check-port", &port];
        office.program.run(&ask)
    };

    let sync = plane.queue_sync().await;
    assert_done(&plane.over(&sync).await.task);
    let answers = ["health", "ready", "live"].map(|endpoint| asks(endpoint).code);
    let user = memberships(&sandbox).remove(0);
    let refused = plane.try_grant(&user.entitlement, &user.principal.id).await;
    let ended = process.stop();
    let silent = asks("live");

    assert_eq!(answers, [0, 0, 0], "{}", process.log());
    assert!(refused.unwrap_err().to_string().contains("grant"));
    assert_eq!(ended, 0);
    silent.expect(14).complains(&["nobody tells health"]);
    assert_eq!(count(&sandbox, "writes"), 0);
}

// rule: baton P-2, P-11, C-5, C-15
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_not_known_ends_with_its_code_and_a_broken_secret_before_anything_is_sent() {
    let sandbox = segment::start(options()).await;
    let plane = Plane::start().await;
    let office = Place::new(&sandbox, &plane).await;
    let fresh = baton::credential::FreshCredential::random(&plane::HOST.parse().unwrap(), &model::RandomIds);
    let unknown = Place::with(
        &sandbox,
        (plane::HOST.to_owned(), format!("http://{}", plane.address)),
        (fresh.client_id.as_str(), fresh.client_secret.expose()),
    );

    let mut refused = unknown.start(&[]);
    let mut broken = office.start(&["--client-secret", "secret-token:canary"]);
    let mut without = office.start(&["--client-secret", ""]);
    let mut one_too_many = office.start(&["--storage-engine", "pebble"]);

    assert_eq!(refused.ended(), 16, "{}", refused.log());
    assert_eq!(broken.ended(), 3, "{}", broken.log());
    assert!(!broken.log().contains("canary"), "{}", broken.log());
    assert_eq!(without.ended(), 3, "{}", without.log());
    assert_eq!(one_too_many.ended(), 12, "{}", one_too_many.log());
    unknown.assert_no_secret(&refused);
    assert_eq!(count(&sandbox, "calls"), 0);
    assert_eq!((unknown.left(), office.left()), (Vec::new(), Vec::new()));
}
