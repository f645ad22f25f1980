//! What was not used: by logins, by events that are kept, and what is not known of it.

use sandbox::segment::SegmentOptions;
use serde_json::Value;

use crate::program::{Program, Ran};
use crate::segment;

fn data(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

// rule: governance AUT-2, AUT-7
#[tokio::test(flavor = "multi_thread")]
async fn access_is_unused_by_events_that_are_kept_and_never_because_they_were_not_read() {
    let (program, sandbox) = (Program::new(), segment::start(SegmentOptions::default()).await);
    segment::access_project(&program, &sandbox, "write");
    segment::advance_to_now(&sandbox);
    let (group, user) = segment::membership(&sandbox);
    let ask = |arguments: &[&str]| {
        let place = ["--connection", "segment", "--format", "json"];
        program.run(&[&["governance"], arguments, place.as_slice()].concat())
    };
    let granted = ask(&["grant", "--entitlement", &group, "--principal", &user, "--yes"]);
    assert_eq!(granted.code, 0, "{granted:?}");
    let unused = ["unused", "--for", "30d"];
    ask(&["sync"]).expect(0);

    let nothing_known = ask(&unused);
    let kept = ask(&["activity", "--keep"]);
    let known = ask(&unused);
    let accounts = ask(&["accounts", "--unused-for", "30d"]);
    let too_long = ask(&["unused", "--for", "200d"]);
    ask(&["sync"]).expect(0);
    let not_read = ask(&unused);
    let listed = ask(&["accounts", "--unused-for", "30d"]);
    let by_login = ask(&["unused", "--for", "30d", "--by-login"]);

    assert_eq!(nothing_known.code, 0, "{nothing_known:?}");
    assert_eq!(data(&nothing_known)["activity"]["standing"], "none");
    assert_eq!(data(&nothing_known)["unused"], serde_json::json!([]));
    assert_eq!(kept.code, 0, "{kept:?}");
    assert_eq!(data(&kept)["activity"]["outcome"], "complete");
    assert!(data(&kept)["known"]["from"].is_string());
    assert_eq!(known.code, 0, "{known:?}");
    let found = data(&known);
    assert_eq!(found["activity"]["standing"], "complete");
    let grants = found["unused"].as_array().unwrap();
    assert!(!grants.is_empty() && grants.iter().all(|one| one["held_then"].is_null()), "{found}");
    assert_eq!(accounts.code, 0, "{accounts:?}");
    let idle = data(&accounts)["accounts"].as_array().unwrap().len();
    assert!(idle > 0 && data(&accounts)["activity"]["standing"] == "complete");
    for (ran, says) in [(&too_long, "known from"), (&not_read, "known up to")] {
        assert_eq!(ran.code, 3, "{ran:?}");
        assert_eq!(data(ran)["unused"], serde_json::json!([]));
        assert!(data(ran)["activity"]["reason"].as_str().unwrap().contains(says), "{ran:?}");
    }
    assert_eq!((listed.code, &data(&listed)["accounts"]), (3, &serde_json::json!([])));
    assert_eq!(by_login.code, 0, "{by_login:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_of_events_is_asked_for_one_way_only() {
    let (program, sandbox) = (Program::new(), segment::start(SegmentOptions::default()).await);
    segment::access_project(&program, &sandbox, "write");
    let activity = |more: &[&str]| {
        program.run(&[&["governance", "activity", "--connection", "segment"][..], more].concat())
    };

    activity(&[]).expect(2);
    activity(&["--keep", "--last-use"]).expect(2);
    activity(&["--keep", "--until", "2026-01-01"]).expect(2);
    activity(&["--keep", "--server", "http://127.0.0.1:9"]).expect(2).complains(&["by itself"]);
    sandbox.set_rules(vec![sandbox::FaultRule {
        times: u64::MAX,
        ..sandbox::FaultRule::first("GET", "/audit-events", sandbox::Fault::Rate500)
    }]);
    activity(&["--keep"]).expect(1);
}
