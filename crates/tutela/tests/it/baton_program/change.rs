//! Access that is changed through a program of somebody else, and whatever goes wrong in the middle (decision 059).

use std::fs;
use std::path::Path;
use std::time::Duration;

use model::{Clock as _, SystemClock};
use rstest::rstest;
use sandbox::segment::SegmentSandbox;
use serde_json::Value;

use super::office::{self, RUN, connector, free, is_held, seen, writes};
use crate::program::{Program, Ran};
use crate::segment;

/// Notes each change that the program is asked for, and does `lines` in place of it.
fn on_change(lines: &str) -> String {
    format!(
        "if [ -n \"$BATON_GRANT_ENTITLEMENT$BATON_REVOKE_GRANT$BATON_DELETE_RESOURCE\" ]; then\n\
         echo $$ >> \"$SEEN\"\n{lines}\nfi\n{RUN}"
    )
}

fn project(program: &Program, sandbox: &SegmentSandbox, (sha256, more): (&str, &str)) {
    let (token, user) = (&sandbox.description().tokens.access_token, office::user(program));
    program.file(
        "tutela.yml",
        &format!(
            "connections:\n  - key: office\n    baton:\n      program: ./connector/baton-office\n      sha256: {sha256}\n      \
             user: \"{user}\"\n{more}    secrets: {{ token: \"{token}\" }}\negress:\n  read_timeout_ms: 200\n"
        ),
    );
}

/// Between two looks at something that takes a moment.
const LOOK: Duration = Duration::from_millis(10);

const WRITE: &str = "    access: write\n";

/// A workspace, and a program that does `lines` when it is asked for a change.
async fn office(lines: &str) -> (SegmentSandbox, Program) {
    let (sandbox, program) = (segment::start(office::options(24)).await, Program::new());
    let sha256 = connector(&program, &sandbox, &on_change(lines));
    project(&program, &sandbox, (&sha256, WRITE));
    (sandbox, program)
}

fn words<'a>(action: &'a str, (entitlement, principal): &'a (String, String)) -> Vec<&'a str> {
    let who = ["--entitlement", entitlement, "--principal", principal];
    let words = ["governance", action, "--connection", "office", "--yes", "--format", "json"];
    words.into_iter().chain(who).collect()
}

fn change(program: &Program, action: &str, who: &(String, String)) -> Ran {
    program.run(&words(action, who))
}

fn result(ran: &Ran) -> String {
    ran.json().get("result").unwrap().as_str().unwrap().to_owned()
}

/// How often the program was asked for a change.
fn asked(program: &Program) -> usize {
    fs::read_to_string(seen(program)).unwrap_or_default().lines().count()
}

fn is_alive(process: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = status.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

// rule: baton C-8, C-9, C-10; architecture law 3
#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_one_job_and_one_write_and_is_read_back() {
    let (sandbox, program) = office("").await;
    let (who, before) = (free(&sandbox), writes(&sandbox));

    let granted = change(&program, "grant", &who).expect(0);
    let again = change(&program, "grant", &who).expect(0);

    let told = granted.json();
    assert_eq!((result(&granted).as_str(), result(&again).as_str()), ("confirmed", "already"), "{told}");
    let job = &told["plan"]["job"];
    assert_eq!((&job["program"], &job["job"]), (&Value::from("baton-office"), &Value::from("grant")));
    assert_eq!(job["sha256"].as_str().map(str::len), Some(64));
    assert!(told["plan"]["request"].is_null() && told["plan"]["change"]["principal_name"].is_string());
    assert!(is_held(&sandbox));
    assert_eq!((asked(&program), writes(&sandbox)), (1, before + 1));
    let revoked = change(&program, "revoke", &who).expect(0);
    let gone = change(&program, "revoke", &who).expect(0);
    assert_eq!((result(&revoked).as_str(), result(&gone).as_str()), ("confirmed", "already"));
    assert!(!is_held(&sandbox));
    assert_eq!((asked(&program), writes(&sandbox)), (2, before + 2));
    let (grant, id) =
        (["governance", "revoke", "--connection", "office", "--yes"], format!("{}:{}", who.0, who.1));
    program.run(&[&grant[..], &["--grant", &id]].concat()).expect(0);
    program.run(&[&grant[..], &["--grant", "nothing:x"]].concat()).expect(2).complains(&["nothing:x"]);
    assert_eq!(asked(&program), 2);
}

// rule: architecture laws 3, 8; baton MSG-7
#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_is_refused_and_no_program_is_asked() {
    let (sandbox, program) = office("").await;
    let (who, sha256) = (free(&sandbox), connector(&program, &sandbox, &on_change("")));

    // For reading only.
    project(&program, &sandbox, (&sha256, ""));
    change(&program, "grant", &who).expect(2).complains(&["access: write"]);
    // Another program than the configured.
    project(&program, &sandbox, (&sha256, WRITE));
    connector(&program, &sandbox, &on_change("exit 0"));
    change(&program, "grant", &who).expect(4).complains(&["it was not started", &sha256]);
    connector(&program, &sandbox, &on_change(""));
    // Somebody who is not there, something that is not there, and nobody who could hold it.
    let entitlement = who.0.clone();
    change(&program, "grant", &(entitlement.clone(), "user:nobody".to_owned())).expect(2);
    change(&program, "grant", &("role:none:member".to_owned(), who.1.clone()))
        .expect(2)
        .complains(&["role:none:member"]);
    let truth = sandbox.governance_truth();
    let workspace = truth.resources.iter().find(|one| one.key.kind == "workspace").unwrap();
    change(&program, "grant", &(entitlement, format!("workspace:{}", workspace.key.id)))
        .expect(2)
        .complains(&["cannot be held by a `workspace`"]);

    assert_eq!(asked(&program), 0);
    assert!(!is_held(&sandbox));
}

// rule: architecture law 3
#[rstest]
#[case::done_and_lost("\"$CONNECTOR\" \"$@\"; exit 1", "confirmed", 0, true)]
#[case::done_and_killed("\"$CONNECTOR\" \"$@\"; kill -9 $$", "confirmed", 0, true)]
#[case::refused("exit 7", "failed", 1, false)]
#[case::killed_before("kill -9 $$", "failed", 1, false)]
#[case::says_that_it_is_done("exit 0", "done_but_not_visible", 3, false)]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_says_of_a_change_is_not_believed_and_it_is_not_asked_again(
    #[case] lines: &str,
    #[case] expected: &str,
    #[case] code: i32,
    #[case] is_done: bool,
) {
    let (sandbox, program) = office(lines).await;
    let (who, before) = (free(&sandbox), writes(&sandbox));

    let ran = change(&program, "grant", &who);

    assert_eq!((result(&ran).as_str(), ran.code), (expected, code), "{ran:?}");
    assert_eq!((is_held(&sandbox), asked(&program)), (is_done, 1));
    assert_eq!(writes(&sandbox), before + u64::from(is_done));
    let token = &sandbox.description().tokens.access_token;
    assert!(!ran.stdout.contains(token) && !ran.stderr.contains(token), "{ran:?}");
}

// rule: architecture law 3
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_result_that_cannot_be_read_is_unknown_until_it_can() {
    let (sandbox, program) = office("").await;
    let (who, before) = (free(&sandbox), writes(&sandbox));
    let broken = program.folder().join("broken");
    let lines = format!(
        "[ -z \"$BATON_GRANT_ENTITLEMENT\" ] && [ -e {0} ] && exit 1\n{1}",
        broken.display(),
        on_change(&format!("\"$CONNECTOR\" \"$@\"; touch {}; exit 1", broken.display()))
    );
    let sha256 = connector(&program, &sandbox, &lines);
    project(&program, &sandbox, (&sha256, WRITE));

    let lost = change(&program, "grant", &who);
    let still = change(&program, "grant", &who);
    fs::remove_file(&broken).unwrap();
    let found = change(&program, "grant", &who).expect(0);

    assert_eq!((result(&lost).as_str(), lost.code), ("unknown", 1), "{lost:?}");
    still.expect(1).complains(&["nothing was sent"]);
    assert_eq!(result(&found), "already");
    assert_eq!((asked(&program), writes(&sandbox)), (1, before + 1));
    let open = "SELECT COUNT(*) FROM ledger WHERE state IN ('intent', 'unknown')";
    assert_eq!(program.number_in_state(open).await, 0);
}

/// Starts a grant, and kills the command as soon as the program is at work on it.
async fn kill_in_the_middle(program: &Program, who: &(String, String), at_work: &Path) {
    let mut child = program.start(&words("grant", who));
    while !at_work.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
        SystemClock.sleep(LOOK).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

// rule: architecture law 3
#[rstest]
#[case::before_it_was_sent("", "confirmed", 2)]
#[case::after_it_was_sent("\"$CONNECTOR\" \"$@\"", "already", 1)]
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_was_killed_in_the_middle_leaves_nothing_running_and_nothing_is_sent_twice(
    #[case] first: &str,
    #[case] expected: &str,
    #[case] jobs: usize,
) {
    let (sandbox, program) = office("").await;
    let (who, before) = (free(&sandbox), writes(&sandbox));
    let at_work = program.folder().join("at-work");
    let hang = format!(
        "if [ ! -e {0} ]; then {1}\ntouch {0}; trap '' TERM; sleep 1000; fi",
        at_work.display(),
        if first.is_empty() { ":" } else { first }
    );
    let sha256 = connector(&program, &sandbox, &on_change(&hang));
    project(&program, &sandbox, (&sha256, WRITE));

    kill_in_the_middle(&program, &who, &at_work).await;
    let left = fs::read_to_string(seen(&program)).unwrap().trim().to_owned();
    let was_left = is_alive(&left);
    let next = change(&program, "grant", &who).expect(0);

    assert!(was_left, "the program ended with the command");
    assert!(!is_alive(&left), "it is still at work");
    assert_eq!(result(&next), expected, "{next:?}");
    assert!(is_held(&sandbox));
    assert_eq!((asked(&program), writes(&sandbox)), (jobs, before + 1));
}

// rule: governance GRA-3
#[tokio::test(flavor = "multi_thread")]
async fn access_that_was_given_through_a_program_for_a_time_is_taken_through_it() {
    let (sandbox, program) = office("").await;
    let who = free(&sandbox);
    let arguments = [words("grant", &who), vec!["--for", "1h"]].concat();
    let mut child = program.start(&arguments);
    let open = "SELECT COUNT(*) FROM access_end WHERE state = 'open'";
    while !is_held(&sandbox) || program.number_in_state(open).await == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before");
        SystemClock.sleep(LOOK).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    program.change_state(&["UPDATE access_end SET due_at = 1, next_at = 1"]).await;

    let due = program.run(&["governance", "revoke", "--due", "--format", "json"]).expect(0);

    assert_eq!(due.json()["ends"][0]["result"], "confirmed", "{due:?}");
    assert!(!is_held(&sandbox));
    assert_eq!(asked(&program), 2);
}

// rule: baton C-8; governance ACC-1
#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_removed_through_a_program_where_the_file_says_so() {
    let (sandbox, program) = office("").await;
    let (user, before) = (free(&sandbox).1, writes(&sandbox));
    let words = ["governance", "delete", "--connection", "office", "--yes", "--resource", &user];
    let delete = |program: &Program| program.run(&[&words[..], &["--format", "json"]].concat());
    let is_there = || {
        let truth = sandbox.governance_truth();
        truth.resources.iter().any(|one| format!("{}:{}", one.key.kind, one.key.id) == user)
    };

    delete(&program).expect(2).complains(&["may not delete a `user`", "`delete` of `baton`"]);
    let was_there = is_there();
    let sha256 = connector(&program, &sandbox, &on_change(""));
    project(&program, &sandbox, (&sha256, &format!("      delete: [user]\n{WRITE}")));
    let removed = delete(&program).expect(0);
    let again = delete(&program).expect(0);

    assert_eq!((result(&removed).as_str(), result(&again).as_str()), ("confirmed", "already"), "{removed:?}");
    assert_eq!((was_there, is_there()), (true, false));
    assert_eq!((asked(&program), writes(&sandbox)), (1, before + 1));
}
