use std::process::Command;

use sandbox::{Fault, FaultRule};

use super::Journey;
use crate::program::Ran;

#[tokio::test(flavor = "multi_thread")]
async fn limits_refuse_a_plan_until_they_are_raised() {
    let journey = Journey::on_sqlite().await;
    journey.change_project("reading:", "limits: { max_writes: 2 }\nreading:");
    let plan = ["privacy", "plan", "--policy", "erase_customer", "--identity", "email=ana@example.com"];

    let refused = journey.run(&plan).expect(4);
    let raised = journey.run(&[&plan[..], &["--max-writes", "10"]].concat()).expect(0);

    refused.complains(&["max_writes"]);
    assert!(raised.stdout.contains("digest: sha256:"), "{}", raised.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_not_known_here_is_bad_input_for_every_command() {
    const OTHER: &str = "run_01a21458-d599-764d-9a8e-742a80f0fcd8";
    let journey = Journey::on_sqlite().await;
    let before = journey.run(&["privacy", "status", OTHER]);
    journey.plan("ana@example.com");

    let commands = [&["status", OTHER][..], &["verify", OTHER], &["resolve", OTHER, "1", "--did-not"]];
    let rans = commands.map(|command| journey.run(&[&["privacy"], command].concat()));

    for ran in rans.into_iter().chain([before]) {
        ran.expect(2).complains(&[OTHER, "tutela privacy plan"]);
    }
}

#[test]
fn the_help_of_apply_names_every_way_in_which_it_ends() {
    let help = crate::program::Program::new().run(&["privacy", "apply", "--help"]).expect(0).stdout;

    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for end in ["Ends with 0 if", "with 1 if", "with 3 while", "with 4 if"] {
        assert!(words.contains(end), "{end}: {help}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_applies_at_once_send_every_write_once() {
    let journey = Journey::on_sqlite().await;
    let planned = journey.plan("ana@example.com");
    let arguments = ["privacy", "apply", "plan.json", "--approve", planned.digest.as_str()];

    let children = [journey.program.start(&arguments), journey.program.start(&arguments)];
    let codes = children.map(|child| child.wait_with_output().unwrap().status.code().unwrap());

    assert!(codes.iter().all(|code| [3, 4].contains(code)) && codes.contains(&3), "{codes:?}");
    assert_eq!(journey.segment_log(), planned.requests());
    assert_eq!(journey.shop.customers().await[0], "1|-|-|-");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_got_lost_is_found_again_and_not_sent_twice() {
    let journey = Journey::on_sqlite().await;
    let planned = journey.plan("ana@example.com");
    journey.sandbox.set_rules(vec![FaultRule::first("POST", "/regulations", Fault::ResetAfter)]);

    journey.apply(&planned).expect(3);
    journey.apply(&planned).expect(3);

    assert_eq!(journey.segment_log(), planned.requests());
    let status = journey.status(&planned);
    assert_eq!(status["outcome"], "accepted");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_apply_that_a_person_stops_says_how_to_go_on_and_goes_on() {
    let journey = Journey::on_sqlite().await;
    // The write under way is waited for, as long as any call may take.
    journey.change_project("egress:\n", "egress:\n  read_timeout_ms: 1000\n");
    let planned = journey.plan("ana@example.com");
    journey.sandbox.set_rules(vec![FaultRule::first("POST", "/regulations", Fault::HoldAfter)]);

    let child = journey.program.start(&["privacy", "apply", "plan.json", "--approve", &planned.digest]);
    while journey.segment_writes() == 0 {
        tokio::task::yield_now().await;
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let stopped = Ran::of(child.wait_with_output().unwrap());

    assert!(sent.success());
    assert_eq!(stopped.code, 3, "{}", stopped.stderr);
    stopped.complains(&["was stopped", "the same command goes on"]);
    journey.apply(&planned).expect(3);
    assert_eq!(journey.segment_log(), planned.requests());
    assert_eq!(journey.status(&planned)["outcome"], "accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_was_lost_is_an_honest_failure() {
    let Some(journey) = Journey::on_postgres().await else { return };
    journey.shop.execute("CREATE TABLE guard (x INT)").await;
    let planned = journey.plan("ana@example.com");
    journey
        .shop
        .execute("CREATE RULE no_updates AS ON UPDATE TO customers DO INSTEAD SELECT 1 / (x - x) FROM guard")
        .await;
    journey.shop.execute("INSERT INTO guard VALUES (1)").await;

    let ran = journey.apply(&planned);

    assert!([1, 3].contains(&ran.code), "{}\n{}", ran.stdout, ran.stderr);
    let status = journey.status(&planned);
    let of_customers = status["operations"].as_array().unwrap().iter().find(|operation| {
        operation["collections"].as_array().unwrap().iter().any(|address| address == "shop:customers")
    });
    assert_eq!(of_customers.unwrap()["outcome"], "failed");
    assert_eq!(journey.shop.customers().await[0], "1|ana@example.com|Ana|ana@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_that_cannot_be_used_is_named_and_nothing_is_sent() {
    let journey = Journey::on_sqlite().await;
    journey.program.file("taken", "a file");
    let plan = ["privacy", "plan", "--policy", "erase_customer", "--identity", "email=ana@example.com"];

    let ran = journey.run(&[&plan[..], &["--data", "taken"]].concat()).expect(1);

    ran.complains(&["taken"]);
    assert_eq!(journey.segment_writes(), 0);
}

/// Files of this process cannot grow beyond a few blocks, as on a full disk.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_ends_with_a_message_and_the_same_command_goes_on_later() {
    let journey = Journey::on_sqlite().await;
    let planned = journey.plan("ana@example.com");
    let apply = format!("privacy apply plan.json --approve {}", planned.digest);
    let limited = format!("trap '' XFSZ; ulimit -f 16; exec {} {apply}", env!("CARGO_BIN_EXE_tutela"));

    let mut command = Command::new("sh");
    let ended = journey.program.in_its_place(command.args(["-c", &limited])).output().unwrap();

    let complaints = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{complaints}");
    assert!(complaints.contains("state database"), "{complaints}");
    assert_eq!(journey.segment_writes(), 0, "no write without its intent on disk");
    journey.apply(&planned).expect(3);
    assert_eq!(journey.segment_log(), planned.requests());
}
