//! `tutela governance sync` against the simulated Segment (acceptance 1, 3, 5).

use std::collections::BTreeSet;
use std::path::Path;

use model::{Clock as _, SystemClock};
use protos::c1::connector::v2::{Entitlement, Grant, Resource};
use sandbox::governance::GovernanceTruth;
use sandbox::segment::{SegmentOptions, SegmentSandbox, WorkspaceOptions};
use serde_json::Value;

use crate::program::{Program, Ran};
use crate::segment;

const SYNC: [&str; 8] =
    ["governance", "sync", "--connection", "segment", "-f", "sync.c1z", "--format", "json"];

fn options() -> SegmentOptions {
    SegmentOptions {
        users: 430,
        workspace: WorkspaceOptions { groups: Some(10), ..WorkspaceOptions::default() },
        ..SegmentOptions::default()
    }
}

fn of_owner(program: &Program, sandbox: &SegmentSandbox) {
    segment::access_project(program, sandbox, "read");
}

fn calls(sandbox: &SegmentSandbox) -> u64 {
    sandbox.state().get("calls").and_then(Value::as_u64).unwrap()
}

fn reply(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

/// Ids of everything in a file: resources, entitlements, grants.
fn ids(path: &Path) -> [BTreeSet<String>; 3] {
    let reader = c1z::Reader::open(path, None, &c1z::Limits::default()).unwrap();
    let run = reader.run(&c1z::RunChoice::Newest { now: SystemClock.now() }).unwrap();
    let everything = c1z::Filter::default();
    let mut found = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
    for row in reader.rows::<Resource>(run, &everything) {
        let id = row.unwrap().id.unwrap();
        found[0].insert(format!("{}:{}", id.resource_type, id.resource));
    }
    found[1].extend(reader.rows::<Entitlement>(run, &everything).map(|row| row.unwrap().id));
    found[2].extend(reader.rows::<Grant>(run, &everything).map(|row| row.unwrap().id));
    found
}

fn true_ids(truth: &GovernanceTruth) -> [BTreeSet<String>; 3] {
    [
        truth.resources.iter().map(|row| format!("{}:{}", row.key.kind, row.key.id)).collect(),
        truth.entitlements.iter().map(|row| row.id.to_string()).collect(),
        truth.grants.iter().map(|row| row.id.clone()).collect(),
    ]
}

// acceptance 1
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_writes_exactly_what_the_workspace_has_and_says_so() {
    let (program, sandbox) = (Program::new(), segment::start(options()).await);
    of_owner(&program, &sandbox);

    let ran = program.run(&SYNC);

    assert_eq!(ran.code, 0, "{ran:?}");
    let truth = sandbox.governance_truth();
    assert_eq!(ids(&program.folder().join("sync.c1z")), true_ids(&truth));
    let reply = reply(&ran);
    assert_eq!((&reply["connection"], &reply["outcome"]), (&"segment".into(), &"complete".into()));
    assert_eq!(reply["sync_id"].as_str().unwrap().len(), 27);
    assert_eq!(reply["file"], "sync.c1z");
    assert_eq!(reply["requests"], calls(&sandbox));
    for kind in &truth.kinds {
        let told = reply["kinds"].as_array().unwrap().iter().find(|told| told["kind"] == kind.id).unwrap();
        let counts = ["resources", "entitlements", "grants"].map(|name| told[name].as_u64().unwrap());
        assert_eq!(
            (told["status"].as_str().unwrap(), counts),
            ("complete", [kind.resources, kind.entitlements, kind.grants])
        );
    }
    // Neither the token nor what a source writes with is anywhere.
    let token = &sandbox.description().tokens.access_token;
    for (path, bytes) in program.files() {
        let is_project = path.ends_with("tutela.yml");
        assert!(
            is_project || !bytes.windows(token.len()).any(|part| part == token.as_bytes()),
            "{}",
            path.display()
        );
    }
}

// acceptance 3
#[tokio::test(flavor = "multi_thread")]
async fn the_same_workspace_at_the_same_moment_is_the_same_file() {
    let sandbox = segment::start(options()).await;
    let write = || {
        let program = Program::new().with_environment("SOURCE_DATE_EPOCH", "1767225600");
        of_owner(&program, &sandbox);
        let ran = program.run(&SYNC);
        assert_eq!(ran.code, 0, "{ran:?}");
        (std::fs::read(program.folder().join("sync.c1z")).unwrap(), reply(&ran)["sync_id"].clone())
    };

    let (one, other) = (write(), write());

    assert!(one.0 == other.0, "the files differ");
    assert_eq!(one.1, other.1);
}

// rule: governance 31.4
#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_a_member_gives_no_file_and_a_message_that_names_the_missing_level() {
    let (program, sandbox) = (Program::new(), segment::start(options()).await);
    let token = sandbox.description().tokens.member_token.clone();
    segment::access_project_with_token(&program, &sandbox, ("read", &token));

    let ran = program.run(&SYNC);

    assert_eq!(ran.code, 1, "{ran:?}");
    let reply = reply(&ran);
    assert_eq!(reply["outcome"], "unfinished");
    assert!(reply["error"].as_str().unwrap().contains("Workspace Owner"), "{reply}");
    assert_eq!(reply["file"], Value::Null);
    assert!(!program.folder().join("sync.c1z").exists());
    assert!(!ran.stdout.contains(&token) && !ran.stderr.contains(&token));
}

// acceptance 5: killed at any page, nothing that was kept is read again
#[cfg(all(unix, feature = "kill-points"))]
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_is_killed_at_a_page_goes_on_behind_it_and_leaves_no_file_before() {
    for (point, passing) in [
        ("sync.before_page", 1),
        ("sync.page", 1),
        ("sync.page", 5),
        ("sync.before_page", 12),
        ("sync.page", 19),
    ] {
        let (program, sandbox) = (Program::new(), segment::start(options()).await);
        of_owner(&program, &sandbox);
        let killed =
            program.command(&SYNC).env("TUTELA_KILL_AT", format!("{point}:{passing}")).output().unwrap();
        assert_eq!(killed.status.code(), None, "{point}:{passing}");
        assert!(!program.folder().join("sync.c1z").exists());
        let at_the_kill = calls(&sandbox);

        let ran = program.run(&SYNC);

        assert_eq!(ran.code, 0, "{point}:{passing}: {ran:?}");
        assert_eq!(ids(&program.folder().join("sync.c1z")), true_ids(&sandbox.governance_truth()));
        let whole = Program::new();
        of_owner(&whole, &sandbox);
        let before = calls(&sandbox);
        whole.run(&SYNC);
        let minimum = calls(&sandbox) - before;
        // Twice at most what was in flight or not yet kept when it was killed.
        let again = before - minimum;
        assert!(again <= 16, "{point}:{passing}: {again} calls twice, {at_the_kill} before the kill");
    }
}

const KEEP: [&str; 6] = ["governance", "sync", "--connection", "segment", "--format", "json"];

fn with_users(users: usize) -> SegmentOptions {
    SegmentOptions { users, ..options() }
}

// rule: architecture §4
#[tokio::test(flavor = "multi_thread")]
async fn without_a_file_a_sync_makes_the_inventory_and_the_same_again_changes_nothing() {
    let (program, sandbox) = (Program::new(), segment::start(options()).await);
    of_owner(&program, &sandbox);

    let (first, again) = (program.run(&KEEP), program.run(&KEEP));

    assert_eq!((first.code, again.code), (0, 0), "{first:?} {again:?}");
    let (first, again) = (reply(&first), reply(&again));
    assert_eq!((&first["file"], &first["sync_id"]), (&Value::Null, &Value::Null));
    assert!(first["inventory"]["changed_parts"].as_u64().unwrap() > 10, "{first}");
    assert_eq!(again["inventory"]["changed_parts"], 0, "{again}");
    assert_eq!(first["inventory"]["state"], again["inventory"]["state"]);
    assert_eq!(first["inventory"]["held"], Value::Null);
    assert!(!program.folder().join("sync.c1z").exists());
    let table = program.run(&KEEP[..4]);
    assert!(table.stdout.contains("the inventory of `segment` is up to date, as it was"), "{table:?}");
}

// rule: governance CON-24
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_lost_half_is_refused_until_it_is_taken_as_it_is() {
    let program = Program::new();
    let (many, few) = (segment::start(options()).await, segment::start(with_users(40)).await);
    of_owner(&program, &many);
    let before = reply(&program.run(&KEEP));
    of_owner(&program, &few);

    let held = program.run(&SYNC);
    let taken = program.run(&[&KEEP[..], &["--accept-shrink"]].concat());

    assert_eq!(held.code, 4, "{held:?}");
    let said = reply(&held);
    let why = said["inventory"]["held"].as_str().unwrap();
    assert!(why.contains("where the one before had"), "{why}");
    assert!(held.stderr.contains(why) && held.stderr.contains("--accept-shrink"), "{held:?}");
    assert_ne!(said["inventory"]["state"], before["inventory"]["state"]);
    assert_eq!(
        ids(&program.folder().join("sync.c1z")),
        true_ids(&few.governance_truth()),
        "the file is whole"
    );
    assert_eq!(taken.code, 0, "{taken:?}");
    assert!(reply(&taken)["inventory"]["changed_parts"].as_u64().unwrap() > 0);
    assert_eq!(program.run(&KEEP).code, 0, "the next is measured by what was taken");
}

// rule: architecture §4, law 3
#[cfg(all(unix, feature = "kill-points"))]
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_is_killed_while_it_is_kept_leaves_the_inventory_that_was() {
    let (first, later) = (segment::start(with_users(300)).await, segment::start(options()).await);
    // What is kept by then, and whether it is in force.
    for (point, is_in_force) in [("sync.chunks", false), ("sync.before_state", false), ("sync.state", true)] {
        let program = Program::new();
        of_owner(&program, &first);
        let before = reply(&program.run(&KEEP));
        of_owner(&program, &later);
        let killed = program.command(&KEEP).env("TUTELA_KILL_AT", format!("{point}:1")).output().unwrap();
        assert_eq!(killed.status.code(), None, "{point}");

        let ran = program.run(&KEEP);

        assert_eq!(ran.code, 0, "{point}: {ran:?}");
        let after = reply(&ran);
        let changed = after["inventory"]["changed_parts"].as_u64().unwrap();
        assert_eq!(changed == 0, is_in_force, "{point}: {after}");
        assert_ne!(before["inventory"]["state"], after["inventory"]["state"], "{point}");
        assert_eq!(reply(&program.run(&KEEP))["inventory"]["changed_parts"], 0);
    }
}
