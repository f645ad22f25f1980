//! `baton-segment` and `tutela baton` against the simulated Segment (acceptance 2).

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use protos::c1::connector::v2::{Grant, Resource};
use sandbox::governance::{GovernanceTruth, Origin, TruthGrant};
use sandbox::segment::{PlanLimits, RefusedWith, SegmentOptions, SegmentSandbox, WorkspaceOptions};
use sandbox::{Fault, FaultRule};
use serde_json::Value;

use crate::program::{Program, Ran};
use crate::segment;

/// Ids of all resources and all grants.
type Ids = [BTreeSet<String>; 2];

fn options() -> SegmentOptions {
    SegmentOptions {
        users: 30,
        workspace: WorkspaceOptions { groups: Some(6), ..WorkspaceOptions::default() },
        ..SegmentOptions::default()
    }
}

/// The environment of a connector that reaches the simulator.
fn program(sandbox: &SegmentSandbox, token: &str) -> Program {
    let routes = serde_json::json!({ "api.segmentapis.com": sandbox.url() }).to_string();
    Program::new()
        .with_environment("BATON_TOKEN", token)
        .with_environment("TUTELA_EGRESS_ROUTES", &routes)
        .with_environment("TUTELA_EGRESS_ALLOW", r#"["127.0.0.1/32"]"#)
}

fn owner(sandbox: &SegmentSandbox) -> Program {
    program(sandbox, &sandbox.description().tokens.access_token)
}

fn segment(program: &Program, arguments: &[&str]) -> Ran {
    program.run(&[&["baton", "segment"], arguments].concat())
}

fn ids(path: &Path) -> Ids {
    let reader = c1z::Reader::open(path, None, &c1z::Limits::default()).unwrap();
    // Whatever it is: a reader that looks for everything passes over a part.
    let run = reader.runs().last().unwrap();
    let everything = c1z::Filter::default();
    let resources = reader.rows::<Resource>(run, &everything).map(|row| {
        let id = row.unwrap().id.unwrap();
        format!("{}:{}", id.resource_type, id.resource)
    });
    let grants = reader.rows::<Grant>(run, &everything).map(|row| row.unwrap().id);
    [resources.collect(), grants.collect()]
}

fn true_ids(truth: &GovernanceTruth) -> Ids {
    [
        truth.resources.iter().map(|row| format!("{}:{}", row.key.kind, row.key.id)).collect(),
        truth.grants.iter().map(|row| row.id.clone()).collect(),
    ]
}

fn writes(sandbox: &SegmentSandbox) -> u64 {
    sandbox.state().get("writes").and_then(Value::as_u64).unwrap()
}

fn grants(sandbox: &SegmentSandbox) -> BTreeSet<String> {
    let [_, grants] = true_ids(&sandbox.governance_truth());
    grants
}

fn role(sandbox: &SegmentSandbox, name: &str) -> String {
    let truth = sandbox.governance_truth();
    let found = truth.resources.iter().find(|row| row.key.kind == "role" && row.display_name == name);
    found.unwrap().key.id.to_string()
}

fn a_grant(sandbox: &SegmentSandbox, fits: impl Fn(&TruthGrant) -> bool) -> TruthGrant {
    let truth = sandbox.governance_truth();
    let mut found = truth.grants.iter().filter(|grant| grant.origin == Origin::Direct);
    found.find(|grant| fits(grant)).unwrap().clone()
}

/// A user that does not hold an entitlement.
fn without(sandbox: &SegmentSandbox, entitlement: &str) -> String {
    let truth = sandbox.governance_truth();
    let holds = |id: &str| {
        truth.grants.iter().any(|grant| *grant.entitlement == *entitlement && *grant.principal.id == *id)
    };
    let mut users = truth.resources.iter().filter(|row| row.key.kind == "user");
    users.find(|row| !holds(&row.key.id)).unwrap().key.id.to_string()
}

/// Nothing of it is left: neither on the screen nor beside the file.
#[track_caller]
fn assert_tidy(program: &Program, ran: &Ran, token: &str) {
    assert_eq!(ran.stdout, "", "{ran:?}");
    assert!(!ran.stderr.contains(token));
    for (path, bytes) in program.files() {
        assert!(!bytes.windows(token.len()).any(|part| part == token.as_bytes()), "{}", path.display());
    }
    assert!(
        !program.folder().join("sync.c1z.sync").exists()
            && !program.folder().join("sync.c1z.change").exists()
    );
}

// acceptance 2; rule: baton C-6, C-12, C-15, C-16
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_writes_what_the_workspace_has_and_is_silent_but_for_its_log() {
    let sandbox = segment::start(options()).await;
    let program = owner(&sandbox);

    let ran = segment(&program, &[]).expect(0);

    let truth = sandbox.governance_truth();
    assert_eq!(ids(&program.folder().join("sync.c1z")), true_ids(&truth));
    assert_tidy(&program, &ran, &sandbox.description().tokens.access_token);
    for line in ran.stderr.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        assert!(record["ts"].is_f64() && record["level"].is_string() && record["msg"].is_string(), "{line}");
    }
    // The same workspace at the same moment is the same file, whoever writes it.
    let times = [owner(&sandbox), owner(&sandbox)].map(|program| {
        let program = program.with_environment("SOURCE_DATE_EPOCH", "1767225600");
        segment(&program, &["-f", "other.c1z", "--workers", "4"]).expect(0);
        std::fs::read(program.folder().join("other.c1z")).unwrap()
    });
    assert!(times[0] == times[1], "the files differ");
}

// rule: issue 6, multi-call name; C-1
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_link_called_like_a_connector_is_that_connector() {
    let sandbox = segment::start(options()).await;
    let program = owner(&sandbox);
    let link = program.folder().join("baton-segment");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_tutela"), &link).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&link);
        program.in_its_place(&mut command).args(arguments);
        Ran::of(command.output().unwrap())
    };

    run(&["--file", "named.c1z"]).expect(0);

    assert_eq!(ids(&program.folder().join("named.c1z")), true_ids(&sandbox.governance_truth()));
    let help = run(&["--help"]).expect(0);
    assert!(help.stdout.contains("--access-token") && help.stdout.contains("BATON_TOKEN"), "{}", help.stdout);
    assert_eq!(
        run(&["--version"]).expect(0).stdout.trim(),
        format!("baton-segment {}", env!("CARGO_PKG_VERSION"))
    );
    assert!(run(&["completion", "bash"]).expect(0).stdout.contains("baton-segment"));
}

// acceptance 2: one change, one write, and none the second time
#[tokio::test(flavor = "multi_thread")]
async fn grants_and_revokes_change_one_thing_by_one_write_and_the_second_time_by_none() {
    let sandbox = segment::start(options()).await;
    let program = owner(&sandbox);
    segment(&program, &[]).expect(0);
    let file = std::fs::read(program.folder().join("sync.c1z")).unwrap();
    let entitlement = format!("role:{}:member", role(&sandbox, "Tracking Plan Admin"));
    let user = without(&sandbox, &entitlement);
    let granted = format!("{entitlement}:user:{user}");
    let membership = a_grant(&sandbox, |grant| grant.entitlement.starts_with("group:"));
    let before = grants(&sandbox);
    let give =
        ["--grant-entitlement", &entitlement, "--grant-principal", &user, "--grant-principal-type", "user"];

    let ran = segment(&program, &give).expect(0);

    assert_tidy(&program, &ran, &sandbox.description().tokens.access_token);
    assert_eq!(writes(&sandbox), 1);
    assert_eq!(grants(&sandbox).difference(&before).collect::<Vec<_>>(), [&granted]);
    segment(&program, &[give.as_slice(), &["-p"]].concat()).expect(0).complains(&["so already"]);
    assert_eq!(writes(&sandbox), 1);

    // rule: baton C-8: the file is not changed by it
    assert!(std::fs::read(program.folder().join("sync.c1z")).unwrap() == file, "the file was changed");

    let take = ["--revoke-grant", &membership.id];
    segment(&program, &take).expect(0);
    assert_eq!(writes(&sandbox), 2);
    assert!(!grants(&sandbox).contains(&membership.id));
    segment(&program, &take).expect(0).complains(&["so already"]);
    assert_eq!(writes(&sandbox), 2);
    // rule: baton C-10: what the file does not have cannot be taken back
    segment(&program, &["--revoke-grant", &granted]).expect(5).complains(&["no grant with the id"]);
    assert_eq!(writes(&sandbox), 2);
}

// acceptance 2: accounts
#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_removed_and_invited_once() {
    let sandbox = segment::start(options()).await;
    let program = owner(&sandbox);
    segment(&program, &[]).expect(0);
    let owners = format!("role:{}:member", role(&sandbox, "Workspace Owner"));
    let user = without(&sandbox, &owners);
    let remove = ["--delete-resource", &user, "--delete-resource-type", "user"];
    let invite = ["--create-account-email", "new.person@example.com"];

    for (number, change) in [remove.as_slice(), invite.as_slice()].into_iter().enumerate() {
        for _ in 0..2 {
            segment(&program, change).expect(0);
            assert_eq!(writes(&sandbox), number as u64 + 1, "{change:?}");
        }
    }

    let [resources, _] = true_ids(&sandbox.governance_truth());
    assert!(!resources.contains(&format!("user:{user}")));
    assert!(resources.contains("invite:new.person@example.com"));
}

// acceptance 2: a lost answer
#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_is_lost_has_its_effect_once() {
    let sandbox = segment::start(options()).await;
    let program = owner(&sandbox);
    segment(&program, &[]).expect(0);
    let entitlement = format!("role:{}:member", role(&sandbox, "Tracking Plan Admin"));
    let user = without(&sandbox, &entitlement);
    let rule = FaultRule {
        method: Some("POST".to_owned()),
        path: None,
        skip: 0,
        times: 1,
        fault: Fault::ResetAfter,
    };
    sandbox.set_rules(vec![rule]);

    let give =
        ["--grant-entitlement", &entitlement, "--grant-principal", &user, "--grant-principal-type", "user"];
    segment(&program, &give).expect(0).complains(&["confirmed by reading"]);

    assert_eq!(writes(&sandbox), 1);
    assert!(grants(&sandbox).contains(&format!("{entitlement}:user:{user}")));
}

// rule: issue 6, "Decided here": refused by a guard is 9
#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_stays_and_the_status_is_nine() {
    let sandbox = segment::start(options()).await;
    let program = owner(&sandbox);
    segment(&program, &[]).expect(0);
    let entitlement = format!("role:{}:member", role(&sandbox, "Workspace Owner"));
    let last =
        a_grant(&sandbox, |grant| *grant.entitlement == *entitlement && grant.principal.kind == "user");

    segment(&program, &["--revoke-grant", &last.id]).expect(9).complains(&["last_owner"]);

    assert_eq!(writes(&sandbox), 0);
}

// rule: baton C-15; governance 31 4
#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_do_not_do_end_with_their_code_and_leave_no_file() {
    let sandbox =
        segment::start(SegmentOptions { member_refused_with: RefusedWith::Forbidden, ..options() }).await;
    let member = sandbox.description().tokens.member_token.clone();

    let of_member = segment(&program(&sandbox, &member), &[]).expect(7);
    let wrong = program(&sandbox, "sgp_canary_of_nobody");
    let of_nobody = segment(&wrong, &[]).expect(16);

    of_member.complains(&["Workspace Owner"]);
    assert!(!of_member.stderr.contains(&member) && !of_nobody.stderr.contains("sgp_canary_of_nobody"));
    assert!(!wrong.folder().join("sync.c1z").exists());
}

// rule: issue 6, "Decided here": an unavailable kind has no rows, and is no failure
#[tokio::test(flavor = "multi_thread")]
async fn kinds_that_the_plan_does_not_have_are_named_and_have_no_rows() {
    let plan = PlanLimits { groups: Some(RefusedWith::Forbidden), ..PlanLimits::default() };
    let sandbox = segment::start(SegmentOptions { plan, ..options() }).await;
    let program = owner(&sandbox);

    segment(&program, &["--log-level", "warn"]).expect(0).complains(&["not available", "\"kind\":\"group\""]);

    let [resources, _] = ids(&program.folder().join("sync.c1z"));
    assert!(!resources.iter().any(|id| id.starts_with("group:")));
}

// rule: baton C-4, C-5, C-15: everything that is wrong at once, and nothing is sent
#[tokio::test(flavor = "multi_thread")]
async fn wrong_flags_are_refused_before_anything_is_sent() {
    let sandbox = segment::start(options()).await;
    let program = owner(&sandbox);
    let cases: [(&[&str], i32, &str); 10] = [
        (&["--grant-entitlement", "role:r1:member"], 3, "grant-principal"),
        (&["--revoke-grant", "g", "--delete-resource", "u1", "--delete-resource-type", "user"], 3, "exclude"),
        (&["--workers", "many", "--log-level", "loud"], 3, "workers"),
        (&["--sync-resource-types", "user,planet"], 3, "planet"),
        (&["--sync-resources", "bid:r:planet/p1"], 3, "planet"),
        (&["--sync-resources", "bid:r:user/u1", "--sync-resource-types", "group"], 3, "there are group"),
        (&["--storage-engine", "pebble"], 12, "storage-engine"),
        (&["--event-feed", "true"], 12, "event-feed"),
        (&["--list-ticket-schemas"], 12, "list-ticket-schemas"),
        (&["--revoke-grant", "role:r1:member:user:u1"], 5, "no sync run"),
    ];

    for (arguments, code, says) in cases {
        segment(&program, arguments).expect(code).complains(&[says]);
    }
    let missing = Program::new();
    segment(&missing, &[]).expect(3).complains(&["access-token", "BATON_TOKEN"]);
    missing.run(&["baton", "nobody"]).expect(3).complains(&["segment"]);
    missing.run(&["baton", "--connector"]).expect(3);

    assert_eq!(sandbox.state()["calls"], 0);
    assert!(!program.folder().join("sync.c1z").exists());
}

// rule: baton 12.3, M-3, SG-5
#[test]
fn capabilities_and_config_need_no_credentials() {
    let program = Program::new();

    let capabilities = segment(&program, &["capabilities"]).expect(0);
    let config = segment(&program, &["config"]).expect(0).json();

    assert!(capabilities.stdout.starts_with("{\n  \"@type\": "), "{}", capabilities.stdout);
    let capabilities = capabilities.json();
    assert_eq!(capabilities["@type"], "type.googleapis.com/c1.connector.v2.ConnectorCapabilities");
    let kinds = capabilities["resourceTypeCapabilities"].as_array().unwrap();
    let group = kinds.iter().find(|kind| kind["resourceType"]["id"] == "group").unwrap();
    assert_eq!(group["capabilities"][0], "CAPABILITY_SYNC");
    assert_eq!(group["capabilities"][1], "CAPABILITY_PROVISION");
    assert_eq!(config["displayName"], "Segment");
    let token =
        config["fields"].as_array().unwrap().iter().find(|field| field["name"] == "access-token").unwrap();
    assert_eq!((&token["isRequired"], &token["isSecret"]), (&true.into(), &true.into()));
}

// rule: baton 12.2; S-23
#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_sync_and_any_connector_file() {
    let sandbox = segment::start(options()).await;
    let program = owner(&sandbox);
    let entry = spec::library::find("segment").unwrap();
    program.file("own.yml", entry.connector.text());

    program.run(&["baton", "--connector", "own.yml", "--skip-entitlements-and-grants"]).expect(0);
    let [resources, none] = ids(&program.folder().join("sync.c1z"));
    segment(&program, &["-f", "some.c1z", "--sync-resource-types", "user,group"]).expect(0);
    let [some, members] = ids(&program.folder().join("some.c1z"));
    segment(&program, &["--skip-full-sync", "-f", "some.c1z"]).expect(0).complains(&["stays as it is"]);

    let [all, _] = true_ids(&sandbox.governance_truth());
    assert_eq!((resources, none), (all, BTreeSet::new()));
    assert!(some.iter().all(|id| id.starts_with("user:") || id.starts_with("group:")) && some.len() > 30);
    assert!(members.iter().all(|id| id.starts_with("group:")) && !members.is_empty());
    assert_eq!(ids(&program.folder().join("some.c1z"))[0], some);
}

// rule: baton S-22, R-2, R-4, R-5: resources are added to the sync of everything that the file holds
#[tokio::test(flavor = "multi_thread")]
async fn single_resources_are_added_to_the_file_and_the_sync_of_everything_stays() {
    let sandbox = segment::start(options()).await;
    let program = owner(&sandbox);
    let path = program.folder().join("sync.c1z");
    let calls = || sandbox.state()["calls"].as_u64().unwrap();
    let membership = a_grant(&sandbox, |grant| grant.entitlement.starts_with("group:"));
    let group = membership.entitlement.trim_start_matches("group:").trim_end_matches(":member");
    let bid = format!("bid:r:group/{group}");
    let open = |path: &Path| c1z::Reader::open(path, None, &c1z::Limits::default()).unwrap();

    let alone = ["-f", "alone.c1z", "--sync-resources", &bid, "--skip-grants"];
    segment(&program, &alone).expect(0);
    let of_one = calls();
    segment(&program, &[]).expect(0);
    let [all, _] = ids(&path);
    let whole = open(&path).runs()[0].clone();
    let ran = segment(&program, &["--sync-resources", &bid]).expect(0);
    segment(&program, &["--sync-resources", "bid:r:user/nobody"]).expect(0).complains(&["is not there"]);

    // The workspace, and the group.
    assert_eq!(of_one, 2);
    assert_eq!(ids(&program.folder().join("alone.c1z"))[0], BTreeSet::from([format!("group:{group}")]));
    let reader = open(&path);
    let types: Vec<&str> = reader.runs().iter().map(|run| run.sync_type.as_str()).collect();
    assert_eq!(types, ["full", "partial", "partial"]);
    assert!(reader.runs()[1..].iter().all(|run| run.parent_sync_id == whole.id));
    let newest = c1z::RunChoice::Newest { now: "2026-01-01T00:00:00Z".parse().unwrap() };
    let newest = reader.run(&newest).unwrap();
    assert_eq!(newest.id, whole.id);
    let everything = c1z::Filter::default();
    assert_eq!(reader.rows::<Resource>(newest, &everything).count(), all.len());
    let added: Vec<String> =
        reader.rows::<Grant>(&reader.runs()[1], &everything).map(|row| row.unwrap().id).collect();
    assert!(added.contains(&membership.id), "{added:?}");
    assert_tidy(&program, &ran, &sandbox.description().tokens.access_token);
}

// What is there is not lost, and nothing is asked for in vain.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_is_not_added_to() {
    let sandbox = segment::start(options()).await;
    let program = owner(&sandbox);
    program.file("sync.c1z", "something else");

    segment(&program, &["--sync-resources", "bid:r:user/u1"]).expect(9).complains(&["name another one"]);

    assert_eq!(std::fs::read(program.folder().join("sync.c1z")).unwrap(), b"something else");
    assert_eq!(sandbox.state()["calls"], 0);
}

// acceptance 5: killed at any page, nothing that was kept is read again, and there is no file before the end
#[cfg(all(unix, feature = "kill-points"))]
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_that_is_killed_goes_on_with_what_lies_beside_the_file() {
    let sandbox = segment::start(options()).await;
    let program = owner(&sandbox);
    let calls = || sandbox.state()["calls"].as_u64().unwrap();
    let killed =
        program.command(&["baton", "segment"]).env("TUTELA_KILL_AT", "sync.page:5").output().unwrap();
    assert_eq!(killed.status.code(), None);
    assert!(!program.folder().join("sync.c1z").exists() && program.folder().join("sync.c1z.sync").exists());
    let at_the_kill = calls();

    let ran = segment(&program, &[]).expect(0);

    assert_eq!(ids(&program.folder().join("sync.c1z")), true_ids(&sandbox.governance_truth()));
    assert_tidy(&program, &ran, &sandbox.description().tokens.access_token);
    let whole = calls();
    segment(&owner(&sandbox), &[]).expect(0);
    let minimum = calls() - whole;
    assert!(at_the_kill > 0 && whole - minimum <= 2, "{whole} calls in place of {minimum}");
}
