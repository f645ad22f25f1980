#![cfg(unix)]

use std::process::Command;
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
    let child = program.start(arguments);
    while saas.calls_to(path).is_empty() {
        tokio::task::yield_now().await;
    }
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    Ran::of(child.wait_with_output().unwrap())
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
