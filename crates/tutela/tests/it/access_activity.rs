//! `tutela governance activity`: what was done with access, as lines, and what is missing.

use model::{Clock as _, SystemClock};
use sandbox::segment::SegmentOptions;
use serde_json::Value;

use crate::program::{Program, Ran};
use crate::segment;

fn lines(ran: &Ran) -> Vec<Value> {
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

// rule: baton 16.3
#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_is_told_line_by_line_and_what_is_missing_is_said() {
    let (program, sandbox) = (Program::new(), segment::start(SegmentOptions::default()).await);
    segment::access_project(&program, &sandbox, "write");
    segment::advance_to_now(&sandbox);
    let (group, user) = segment::membership(&sandbox);
    let change = |what: &str| {
        let arguments = [
            "governance",
            what,
            "--connection",
            "segment",
            "--entitlement",
            &group,
            "--principal",
            &user,
            "--yes",
        ];
        program.run(&arguments)
    };
    let (one, other) = (change("grant"), change("revoke"));
    assert_eq!((one.code, other.code), (0, 0), "{one:?} {other:?}");
    let day = (SystemClock.now() - jiff::SignedDuration::from_hours(24)).to_string();
    let activity = |more: &[&str]| {
        program.run(&[&["governance", "activity", "--connection", "segment"][..], more].concat())
    };

    let data = activity(&["--since", &day, "--format", "json"]);
    let page = activity(&["--since", &day]);
    let last = activity(&["--since", &day, "--last-use", "--format", "json"]);
    let long_ago = activity(&["--since", "2020-01-01", "--format", "json"]);

    assert_eq!(data.code, 0, "{data:?}");
    let lines_of_day = lines(&data);
    let (report, events) = lines_of_day.split_last().unwrap();
    assert!(events.len() >= 2, "{events:?}");
    let of_group = |event: &&Value| event["event"]["resource"]["id"] == group.split(':').nth(1).unwrap();
    let actions: Vec<&str> =
        events.iter().filter(of_group).filter_map(|event| event["event"]["action"].as_str()).collect();
    assert!(actions.contains(&"User Added To User Group"), "{actions:?}");
    let report = &report["activity"];
    assert_eq!((&report["connection"], &report["outcome"]), (&"segment".into(), &"complete".into()));
    assert_eq!(report["events"], events.len());
    assert_eq!(page.code, 0);
    assert!(page.stdout.contains("User Added To User Group"), "{}", page.stdout);
    assert_eq!(page.stdout.lines().count(), events.len());
    let last_use: Value = serde_json::from_str(&last.stdout).unwrap();
    assert_eq!(last_use["last_use"][0]["last_used"], events[0]["event"]["time"]);
    assert_eq!(long_ago.code, 3, "{long_ago:?}");
    let forgotten = lines(&long_ago);
    let reason = forgotten.last().unwrap()["activity"]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("90 days"), "{reason}");
    let token = &sandbox.description().tokens.access_token;
    assert!(!data.stdout.contains(token) && !data.stderr.contains(token));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_nobody_lists_and_times_that_are_none_are_bad_input() {
    let (program, sandbox) = (Program::new(), segment::start(SegmentOptions::default()).await);
    segment::access_project(&program, &sandbox, "write");
    let activity = |since: &str, until: &str| {
        program.run(&[
            "governance",
            "activity",
            "--connection",
            "segment",
            "--since",
            since,
            "--until",
            until,
        ])
    };

    activity("yesterday", "2026-01-01").expect(2);
    activity("2026-01-02", "2026-01-01").expect(2).complains(&["before its beginning"]);
}
