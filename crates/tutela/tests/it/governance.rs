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

/// A project with what access alone needs: host and token.
fn project(program: &Program, sandbox: &SegmentSandbox, token: &str) {
    let url = sandbox.url();
    program.file(
        "tutela.yml",
        &format!(
            "connections:\n  - key: segment\n    connector: segment\n    access: read\n    secrets:\n      \
             domain: api.segmentapis.com\n      access_token: \"{token}\"\negress:\n  allow: [\"127.0.0.1/32\"]\n  \
             routes: {{ api.segmentapis.com: \"{url}\" }}\nreading: {{ retry_wait_ms: 1 }}\n"
        ),
    );
}

fn of_owner(program: &Program, sandbox: &SegmentSandbox) {
    project(program, sandbox, &sandbox.description().tokens.access_token);
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
    project(&program, &sandbox, &token);

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
