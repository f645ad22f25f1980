#![cfg(unix)]

use std::process::{Command, Output};
use std::time::Duration;

use serde_json::json;
use testkit::{Answer, FakeSaas};

use crate::program::{Program, Ran};
use crate::shop::{self, ACCESS};

const ORDERS: &str = "/customers/7/orders";

/// Runs the program and sends it a signal once the application has been asked for `path`.
async fn interrupted(
    program: &Program,
    saas: &FakeSaas,
    arguments: &[&str],
    (signal, path): (&str, &str),
) -> Ran {
    let ran = ended(program, saas, arguments, (signal, path)).await;
    Ran::of(ran)
}

/// The same for a signal that leaves no exit code; gives what was said.
async fn stopped(
    program: &Program,
    saas: &FakeSaas,
    arguments: &[&str],
    (signal, path): (&str, &str),
) -> String {
    let output = ended(program, saas, arguments, (signal, path)).await;
    String::from_utf8(output.stderr).unwrap()
}

async fn ended(
    program: &Program,
    saas: &FakeSaas,
    arguments: &[&str],
    (signal, path): (&str, &str),
) -> Output {
    let child = program.start(arguments);
    while saas.calls_to(path).is_empty() {
        tokio::task::yield_now().await;
    }
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    child.wait_with_output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_before_an_interruption_is_a_package_that_says_so() {
    for signal in ["-INT", "-TERM"] {
        let saas = shop::open().await;
        saas.on("GET", ORDERS).then(Answer::status(200).after(Duration::from_mins(10)));
        let program = Program::new();
        shop::project(&program, &saas);

        let ran = interrupted(&program, &saas, ACCESS, (signal, ORDERS)).await.expect(3);

        ran.complains(&["incomplete"]);
        let report = program.json("out/report.json");
        let orders = &report["collections"]["shop:orders"];
        assert_eq!(
            (&orders["status"], &orders["completeness"]["reason"]),
            (&json!("incomplete"), &json!("cancelled"))
        );
        assert_eq!(program.json("out/access.json")["shop:customer"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_killed_or_stopped_goes_on_and_leaves_no_rows() {
    let saas = shop::open().await;
    let unbroken = Program::new();
    shop::project(&unbroken, &saas);
    unbroken.run(ACCESS).expect(0);
    for signal in ["-KILL", "-INT"] {
        let saas = shop::open().await;
        saas.on("GET", ORDERS).then(Answer::status(200).after(Duration::from_mins(10)));
        let program = Program::new();
        shop::project(&program, &saas);

        let arguments = [ACCESS, &["-v"]].concat();
        let said = stopped(&program, &saas, &arguments, (signal, ORDERS)).await;
        let run = said.split([' ', '=', '\n']).find(|word| word.starts_with("run_")).unwrap();
        shop::give_orders(&saas);
        let goes_on = ["privacy", "access", "--run", run, "--out", "out"];
        program.run(&goes_on).expect(0);

        assert_eq!(program.read("out/access.json"), unbroken.read("out/access.json"), "{signal}");
        assert_eq!(saas.calls_to("/customers").len(), 1, "what was read is not asked for again");
        program.run(&goes_on).expect(1).complains(&["destroyed"]);
    }
}

#[rstest::rstest]
#[case::about_one(ACCESS)]
#[case::about_many(&["privacy", "access", "--subjects", "people.jsonl", "--out", "out"])]
#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_data_destroys_what_an_abandoned_one_left(#[case] again: &[&str]) {
    let saas = shop::open().await;
    saas.on("GET", ORDERS).then(Answer::status(200).after(Duration::from_mins(10)));
    let program = Program::new();
    shop::project(&program, &saas);
    program.file("people.jsonl", "{\"email\": \"ana@example.com\"}\n");
    let said =
        interrupted(&program, &saas, &[ACCESS, &["-v"]].concat(), ("-INT", ORDERS)).await.expect(3).stderr;
    let run = said.split([' ', '=', '\n']).find(|word| word.starts_with("run_")).unwrap();
    shop::give_orders(&saas);
    program.age_state().await;

    program.run(again).expect(0);

    let goes_on = ["privacy", "access", "--run", run, "--out", "out"];
    program.run(&goes_on).expect(1).complains(&["destroyed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interruption_of_many_says_who_was_not_asked_about() {
    let saas = shop::open().await;
    saas.on("GET", "/customers").then(Answer::status(200).after(Duration::from_mins(10)));
    let program = Program::new();
    shop::project(&program, &saas);
    program.file("people.jsonl", &"{\"email\": \"ana@example.com\"}\n".repeat(300));
    let many = ["privacy", "access", "--subjects", "people.jsonl", "--out", "out", "--format", "json"];

    let totals = interrupted(&program, &saas, &many, ("-INT", "/customers")).await.expect(3).json();

    let count = |name: &str| totals[name].as_u64().unwrap();
    assert!(count("not_started") > 0 && count("incomplete") > 0, "{totals:#}");
    assert_eq!(count("not_started") + count("incomplete"), 300);
}
