//! `tutela governance grant --for`: the access is taken again, whatever becomes of the command.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout};

use sandbox::segment::{SegmentOptions, SegmentSandbox, WorkspaceOptions};
use serde_json::Value;

use crate::program::{Program, Ran};
use crate::segment;

fn options() -> SegmentOptions {
    SegmentOptions {
        users: 24,
        workspace: WorkspaceOptions {
            groups: Some(8),
            group_members: Some(3),
            ..WorkspaceOptions::default()
        },
        ..SegmentOptions::default()
    }
}

/// Who gets what: a role that a user does not hold.
fn free(sandbox: &SegmentSandbox) -> (String, String) {
    let truth = sandbox.governance_truth();
    let role = truth.resources.iter().find(|found| found.display_name == "Tracking Plan Admin").unwrap();
    let user = truth.resources.iter().filter(|found| found.key.kind == "user").nth(3).unwrap();
    (format!("role:{}:member", role.key.id), format!("user:{}", user.key.id))
}

fn is_held(sandbox: &SegmentSandbox) -> bool {
    let (entitlement, principal) = free(sandbox);
    let id = format!("{entitlement}:{principal}");
    sandbox.governance_truth().grants.iter().any(|grant| grant.id == id)
}

fn writes(sandbox: &SegmentSandbox) -> u64 {
    sandbox.state().get("writes").and_then(Value::as_u64).unwrap()
}

fn grant<'a>((entitlement, principal): &'a (String, String), time: &'a str) -> Vec<&'a str> {
    let words = ["governance", "grant", "--connection", "segment", "--yes", "--format", "json"];
    let who = ["--entitlement", entitlement, "--principal", principal, "--for", time];
    words.into_iter().chain(who).collect()
}

/// Starts the command, and waits until it says that the access is there. What it says, and what it says it on.
fn started(program: &Program, who: &(String, String)) -> (Child, Value, BufReader<ChildStdout>) {
    let mut child = program.start(&grant(who, "1h"));
    let (mut first, mut stdout) = (String::new(), BufReader::new(child.stdout.take().unwrap()));
    stdout.read_line(&mut first).unwrap();
    let given = serde_json::from_str(&first).unwrap_or_else(|error| panic!("{error}: {first}"));
    (child, given, stdout)
}

/// As if the time of all that was given were over.
async fn its_time_comes(program: &Program) {
    program.change_state(&["UPDATE access_end SET due_at = 1, next_at = 1"]).await;
}

fn revoke_due(program: &Program) -> (Ran, Value) {
    let ran = program.run(&["governance", "revoke", "--due", "--format", "json"]);
    let reply = ran.json();
    (ran, reply)
}

// rule: governance GRA-3
#[tokio::test(flavor = "multi_thread")]
async fn access_for_a_time_is_taken_by_the_command_itself() {
    let (program, sandbox) = (Program::new(), segment::start(options()).await);
    segment::access_project(&program, &sandbox, "write");
    let who = free(&sandbox);

    let ran = program.run(&grant(&who, "1s"));

    assert_eq!(ran.code, 0, "{ran:?}");
    let lines: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["result"], lines.len()), (&"confirmed".into(), 2));
    assert!(lines[0]["until"].as_str().is_some());
    assert_eq!(lines[1]["state"], "ended");
    assert_eq!((is_held(&sandbox), writes(&sandbox)), (false, 2));
}

// rule: governance GRA-3
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn access_whose_command_was_killed_is_taken_by_the_next_one() {
    let (program, sandbox) = (Program::new(), segment::start(options()).await);
    segment::access_project(&program, &sandbox, "write");
    let who = free(&sandbox);
    let (mut child, given, _stdout) = started(&program, &who);
    child.kill().unwrap();
    child.wait().unwrap();
    let early = program.run(&["governance", "revoke", "--due"]);
    let held = is_held(&sandbox);
    its_time_comes(&program).await;

    let (ran, reply) = revoke_due(&program);
    let again = program.run(&["governance", "revoke", "--due"]);

    assert_eq!((held, &given["result"]), (true, &"confirmed".into()), "{given}");
    assert_eq!((early.code, early.stdout.trim()), (0, "nothing is due"));
    assert_eq!((ran.code, &reply["ends"][0]["result"]), (0, &"confirmed".into()));
    assert_eq!((is_held(&sandbox), writes(&sandbox)), (false, 2));
    assert_eq!((again.code, again.stdout.trim()), (0, "nothing is due"));
}

// rule: governance GRA-3
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_asked_to_end_says_until_when_the_access_is_there() {
    let (program, sandbox) = (Program::new(), segment::start(options()).await);
    segment::access_project(&program, &sandbox, "write");
    let (child, given, _stdout) = started(&program, &free(&sandbox));

    let asked = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap());

    assert!(asked.success());
    let until = given["until"].as_str().unwrap();
    ran.expect(3).complains(&["interrupted; the access is there until", until, "revoke --due"]);
    assert_eq!((is_held(&sandbox), writes(&sandbox)), (true, 1));
}

// rule: governance GRA-3
#[cfg(all(unix, feature = "kill-points"))]
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_killed_before_or_after_its_write_leaves_no_access_behind() {
    for (point, expected, sent) in
        [("access_end.noted", "nothing_given", 0), ("access_end.given", "confirmed", 2)]
    {
        let (program, sandbox) = (Program::new(), segment::start(options()).await);
        segment::access_project(&program, &sandbox, "write");
        let who = free(&sandbox);
        let mut command = program.command(&grant(&who, "1h"));
        let killed = command.env("TUTELA_KILL_AT", format!("{point}:1")).output().unwrap();
        its_time_comes(&program).await;

        let (ran, reply) = revoke_due(&program);

        assert_eq!(killed.status.code(), None, "{point}");
        assert_eq!((ran.code, reply["ends"][0]["result"].as_str()), (0, Some(expected)), "{point}: {reply}");
        assert_eq!((is_held(&sandbox), writes(&sandbox)), (false, sent), "{point}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_command_takes_what_is_due_first_and_says_so() {
    let (program, sandbox) = (Program::new(), segment::start(options()).await);
    segment::access_project(&program, &sandbox, "write");
    let who = free(&sandbox);
    let (mut child, _given, _stdout) = started(&program, &who);
    child.kill().unwrap();
    child.wait().unwrap();
    let sync = ["governance", "sync", "--connection", "segment", "-f", "sync.c1z"];
    let early = program.run(&sync);
    let held = is_held(&sandbox);
    its_time_comes(&program).await;

    let told = program.run(&sync);

    assert!(!early.stderr.contains("its time is over"), "{early:?}");
    told.complains(&["its time is over", "was taken (confirmed)"]);
    assert_eq!((held, told.code, is_held(&sandbox)), (true, 0, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn access_that_was_there_before_has_no_end_and_stays() {
    let (program, sandbox) = (Program::new(), segment::start(options()).await);
    segment::access_project(&program, &sandbox, "write");
    let who = free(&sandbox);
    let (entitlement, principal) = &who;
    let for_good = ["governance", "grant", "--connection", "segment", "--yes", "--entitlement", entitlement];
    let given = program.run(&[&for_good[..], &["--principal", principal]].concat());

    let ran = program.run(&grant(&who, "1s"));

    assert_eq!((given.code, ran.code), (0, 0), "{ran:?}");
    assert!(ran.stderr.contains("has no end; it stays so"), "{ran:?}");
    assert_eq!((is_held(&sandbox), writes(&sandbox)), (true, 1));
}

// What somebody agrees to is what is shown to them.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_somebody_chose_writes_no_line_of_the_plan() {
    let (program, sandbox) = (Program::new(), segment::start(options()).await);
    segment::access_project(&program, &sandbox, "write");
    let file = include_str!("../../../../connectors/segment/connector.yml");
    let name = r#"'has(item.name) && !(item.name in ["", null]) ? item.name : item.email'"#;
    assert!(file.contains(name));
    let forged = file.replace(name, r#"'item.email + "\nsends  GET https://example.com/harmless"'"#);
    program.file("forged.yml", &forged.replace("<instance_fides_key>", "segment"));
    let forged = program.read("tutela.yml").replace("connector: segment", "connector: ./forged.yml");
    program.file("tutela.yml", &forged);
    let (entitlement, principal) = free(&sandbox);
    let words = ["governance", "grant", "--connection", "segment", "--for", "2h"];

    let asked = program
        .run(&[&words[..], &["--entitlement", &entitlement, "--principal", &principal]].concat())
        .expect(2);

    asked.complains(&["nobody can be asked"]);
    let sends: Vec<&str> = asked.stdout.lines().filter(|line| line.starts_with("sends")).collect();
    assert!(sends.len() == 1 && sends[0].starts_with("sends  POST "), "{asked:?}");
    assert!(asked.stdout.contains(r"\nsends  GET https://example.com/harmless"), "{asked:?}");
    assert!(asked.stdout.lines().any(|line| line == "for    2 h"), "{asked:?}");
    assert_eq!((is_held(&sandbox), writes(&sandbox)), (false, 0));
}
