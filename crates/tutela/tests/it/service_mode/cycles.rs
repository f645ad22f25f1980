//! Acceptance 4: over many tasks, with processes that are killed in each kind of them, the application's own truth
//! says that each change was made once and none was lost.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Write as _;
use std::time::Instant;

use sandbox::governance::{Origin, TruthGrant};
use sandbox::segment::{SegmentOptions, SegmentSandbox, WorkspaceOptions};
use sandbox::{Fault, FaultRule};
use serde_json::json;

use super::process::{Place, Process};
use super::served::{HOST, Served};
use super::{count, memberships, unanswered};
use crate::segment;

/// Tasks in the ordinary suite; `TUTELA_TEST_CYCLES` names another number.
const CYCLES: usize = 20;
/// One of so many tasks has its process killed; coprime to the number of kinds, so that each kind is met.
const KILLED_EACH: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sync,
    Grant,
    Revoke,
}

/// What is to be so at the application in the end, and how it came to that.
struct Ledger {
    held: BTreeSet<String>,
    changes: u64,
    kills: usize,
}

/// What is wrong.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wrongs(Vec<String>);

impl Ledger {
    fn of(sandbox: &SegmentSandbox) -> Self {
        Self { held: names(&memberships(sandbox)), changes: 0, kills: 0 }
    }

    /// Compares with the application's own truth.
    fn wrongs(&self, sandbox: &SegmentSandbox) -> Wrongs {
        let mut wrongs = Vec::new();
        let (writes, held) = (count(sandbox, "writes"), names(&memberships(sandbox)));
        if writes != self.changes {
            wrongs.push(format!("{} changes by {writes} writes", self.changes));
        }
        wrongs.extend(self.held.difference(&held).map(|lost| format!("{lost} is lost")));
        wrongs.extend(held.difference(&self.held).map(|more| format!("{more} was not asked for")));
        Wrongs(wrongs)
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} changes, {} kills", self.changes, self.kills)
    }
}

fn names(grants: &[TruthGrant]) -> BTreeSet<String> {
    grants.iter().map(|grant| grant.id.clone()).collect()
}

fn options() -> SegmentOptions {
    SegmentOptions {
        users: 40,
        workspace: WorkspaceOptions { groups: Some(6), ..WorkspaceOptions::default() },
        ..SegmentOptions::default()
    }
}

/// A membership that nobody has yet.
fn missing(sandbox: &SegmentSandbox) -> TruthGrant {
    let members = memberships(sandbox);
    let held = names(&members);
    let mut pairs = members.iter().flat_map(|on| members.iter().map(move |of| (on, of)));
    let id = |(on, of): (&TruthGrant, &TruthGrant)| format!("{}:user:{}", on.entitlement, of.principal.id);
    let (on, of) = pairs.find(|pair| !held.contains(&id(*pair))).unwrap();
    TruthGrant { id: id((on, of)), principal: of.principal.clone(), origin: Origin::Direct, ..on.clone() }
}

/// The call in which the process of a task is killed: nothing of it was done, or all of it.
fn caught(kind: Kind, fault: Fault) -> FaultRule {
    let (method, skip) = match kind {
        // In the midst of its lists.
        Kind::Sync => ("GET", 6),
        Kind::Grant => ("POST", 0),
        Kind::Revoke => ("DELETE", 0),
    };
    FaultRule { method: Some(method.to_owned()), path: None, skip, times: 1, fault }
}

async fn run(cycles: usize) -> (Ledger, Wrongs) {
    let sandbox = segment::start(options()).await;
    let served = Served::start().await;
    let (url, client_id, client_secret) = served.rotate().await;
    let place = Place::with(&sandbox, (HOST.to_owned(), url), (&client_id, &client_secret));
    let mut process = place.start(&["--provisioning"]);
    served.greeted().await;
    let mut ledger = Ledger::of(&sandbox);
    for cycle in 0..cycles {
        let kind = [Kind::Sync, Kind::Grant, Kind::Revoke][cycle % 3];
        let is_killed = cycle % KILLED_EACH == KILLED_EACH - 1;
        let fault = if ledger.kills.is_multiple_of(2) { Fault::HoldAfter } else { Fault::HoldBefore };
        sandbox.set_rules(if is_killed { vec![caught(kind, fault)] } else { Vec::new() });
        let task = begin(&served, (&sandbox, kind), &mut ledger).await;
        if is_killed {
            ledger.kills += 1;
            let kills = ledger.kills;
            process.kill_when(|| unanswered(&sandbox) == kills).await;
            process = start_again(&place, kills);
        }
        let over = served.over(&task).await;
        assert_eq!(over["state"], "done", "cycle {cycle}, {kind:?}: {over}\n{}", process.log());
        let wrongs = ledger.wrongs(&sandbox);
        assert_eq!(wrongs, Wrongs::default(), "cycle {cycle}, {kind:?}: {}", process.log());
    }
    look(&served, &place).await;
    assert_eq!(process.stop(), 0, "{}", process.log());
    place.assert_no_secret(&process);
    served.end();
    let wrongs = ledger.wrongs(&sandbox);
    (ledger, wrongs)
}

/// Queues a task, and writes down what it is to come to.
async fn begin(served: &Served, (sandbox, kind): (&SegmentSandbox, Kind), ledger: &mut Ledger) -> String {
    match kind {
        Kind::Sync => served.queue_sync().await,
        Kind::Grant => {
            let grant = missing(sandbox);
            ledger.changes += 1;
            ledger.held.insert(grant.id.clone());
            served.queue("grant", &grant).await
        }
        Kind::Revoke => {
            let members = memberships(sandbox);
            let grant = members.into_iter().next_back().unwrap();
            ledger.changes += 1;
            ledger.held.remove(&grant.id);
            served.queue("revoke", &grant).await
        }
    }
}

/// Two times of three where the killed one was, so that it finds what that one left; else as on another machine.
fn start_again(place: &Place, kills: usize) -> Process {
    if kills.is_multiple_of(3) {
        let elsewhere = format!("temp-{kills}");
        std::fs::create_dir(place.program.folder().join(&elsewhere)).unwrap();
        return place.start(&["--provisioning", "--c1z-temp-dir", &elsewhere]);
    }
    place.start(&["--provisioning"])
}

/// Status, last sync and log, as the console shows them.
async fn look(served: &Served, place: &Place) {
    let status = served.of_connector("GET", "", None).await;
    assert_eq!(status["label"], "Connected", "{status}");
    assert_eq!(status["last_error"], json!(null), "{status}");
    assert!(status["completed_at"].is_string() && status["version"].is_string(), "{status}");
    let syncs = served.of_connector("GET", "/sync?limit=1", None).await;
    assert!(syncs.to_string().contains("\"done\""), "{syncs}");
    let log = served.of_connector("GET", "/log?limit=100", None).await.to_string();
    assert!(log.contains("handed out") && log.contains("done"), "{log}");
    place.assert_not_in(&log);
}

// acceptance 4; rule: baton P-21, P-22, P-23, P-25
#[tokio::test(flavor = "multi_thread")]
async fn tasks_of_a_connector_that_is_killed_and_replaced_are_each_done_once() {
    let cycles = std::env::var("TUTELA_TEST_CYCLES").ok().and_then(|text| text.parse().ok());
    let cycles = cycles.unwrap_or(CYCLES);
    let begun = Instant::now();

    let (ledger, wrongs) = run(cycles).await;

    assert_eq!(wrongs, Wrongs::default());
    assert_eq!(ledger.kills, cycles / KILLED_EACH);
    let figures = format!("{cycles} tasks, {ledger}, {:.1} s", begun.elapsed().as_secs_f64());
    writeln!(std::io::stderr(), "{figures}").unwrap();
}

/// What is looked for is seen: a change that is sent without looking, and again when its end was not heard, and one
/// that is lost.
#[tokio::test(flavor = "multi_thread")]
async fn planted_defect_a_change_that_is_sent_twice_or_lost_is_seen() {
    let sandbox = segment::start(options()).await;
    let mut ledger = Ledger::of(&sandbox);
    let user = &memberships(&sandbox)[0].principal.id;
    ledger.changes = 1;

    send_without_looking(&sandbox, user).await;
    let once = ledger.wrongs(&sandbox);
    send_without_looking(&sandbox, user).await;
    let twice = ledger.wrongs(&sandbox);
    ledger.changes = 2;
    ledger.held.insert("group:g:member:user:nobody".to_owned());
    let lost = ledger.wrongs(&sandbox);

    assert_eq!(once, Wrongs::default());
    assert_eq!(twice.0, ["1 changes by 2 writes"]);
    assert_eq!(lost.0, ["group:g:member:user:nobody is lost"]);
}

/// What a connector would do that does not ask first.
#[expect(clippy::disallowed_types, reason = "the simulator is called as a careless connector would call it")]
async fn send_without_looking(sandbox: &SegmentSandbox, user: &str) {
    let role = super::role(sandbox, "Tracking Plan Admin");
    let role = role.split(':').nth(1).unwrap();
    let truth = sandbox.governance_truth();
    let workspace = truth.resources.iter().find(|row| row.key.kind == "workspace").unwrap();
    let workspace = &*workspace.key.id;
    let body =
        json!({"permissions": [{"roleId": role, "resources": [{"id": workspace, "type": "WORKSPACE"}]}]});
    let request = reqwest::Client::new()
        .post(format!("{}/users/{user}/permissions", sandbox.url()))
        .header("host", "api.segmentapis.com")
        .header("authorization", format!("Bearer {}", sandbox.description().tokens.access_token))
        .header("content-type", "application/json")
        .body(body.to_string());
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}
