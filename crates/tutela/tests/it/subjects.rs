use std::collections::BTreeSet;

use testkit::Answer;

use crate::program::Program;
use crate::shop;

const ACCESS: &[&str] = &["privacy", "access", "--subjects", "people.jsonl", "--out", "out"];

#[tokio::test(flavor = "multi_thread")]
async fn each_person_gets_a_folder_named_after_the_line() {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project(&program, &saas);
    let mut people = String::from("{\"email\": \"ana@example.com\"}\n\n");
    people.extend((0..40).map(|number| format!("{{\"email\": [\"p{number}@example.com\"]}}\n")));
    program.file("people.jsonl", &people);

    let ran = program.run(&[ACCESS, &["--format", "json"]].concat()).expect(0);

    let totals = ran.json();
    assert_eq!(
        (totals["people"].as_u64(), totals["complete"].as_u64(), totals["rows"].as_u64()),
        (Some(41), Some(41), Some(4))
    );
    let folders: BTreeSet<String> = std::fs::read_dir(program.folder().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(folders.len(), 41);
    assert!(
        folders.contains("subject-0001")
            && folders.contains("subject-0042")
            && !folders.contains("subject-0002")
    );
    assert_eq!(program.json("out/subject-0001/access.json")["shop:orders"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_line_stops_all_before_any_call() {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project(&program, &saas);
    program.file("people.jsonl", "{\"email\": \"ana@example.com\"}\n{\"email\": \"canary\\u0000\"}\n");

    let ran = program.run(ACCESS).expect(2);

    ran.complains(&["people.jsonl:2:1", "control character"]);
    assert!(!ran.stderr.contains("canary") && saas.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn people_with_something_missing_are_listed_and_the_others_are_whole() {
    let saas = shop::open().await;
    saas.on("GET", "/customers").with(|call| {
        if call.query.contains("bad") {
            Answer::status(403)
        } else {
            Answer::json(200, &serde_json::json!({"customers": []}))
        }
    });
    let program = Program::new();
    shop::project(&program, &saas);
    program.file("people.jsonl", "{\"email\": \"good@example.com\"}\n{\"email\": \"bad@example.com\"}\n");

    let totals = program.run(&[ACCESS, &["--format", "json"]].concat()).expect(3).json();

    assert_eq!((totals["complete"].as_u64(), totals["incomplete"].as_u64()), (Some(1), Some(1)));
    assert_eq!(totals["missing"][0]["subject"], "subject-0002");
    let reason = totals["missing"][0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("shop:customer: ") && reason.contains("403"), "the cause: {reason}");
    assert_eq!(program.json("out/subject-0001/report.json")["outcome"], "complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_cannot_be_put_away_stops_no_other() {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project(&program, &saas);
    program.file("people.jsonl", &"{\"email\": \"ana@example.com\"}\n".repeat(3));
    program.file("out/subject-0001", "no folder");

    let totals = program.run(&[ACCESS, &["--format", "json"]].concat()).expect(3).json();

    assert_eq!((totals["complete"].as_u64(), totals["failed"].as_u64()), (Some(2), Some(1)), "{totals}");
    assert_eq!(totals["missing"][0]["subject"], "subject-0001");
    assert!(totals["missing"][0]["reason"].as_str().unwrap().contains("out/subject-0001"), "{totals}");
    assert_eq!(program.json("out/subject-0003/report.json")["outcome"], "complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_asked_about_when_no_package_finds_its_place() {
    const PEOPLE: usize = 300;
    let saas = shop::open().await;
    let program = Program::new();
    shop::project(&program, &saas);
    program.file("people.jsonl", &"{\"email\": \"ana@example.com\"}\n".repeat(PEOPLE));
    for number in 1..=PEOPLE {
        program.file(&format!("out/subject-{number:04}"), "no folder");
    }

    let ran = program.run(ACCESS).expect(1);

    ran.complains(&["stopped: the last 10 packages", "out/subject-"]);
    assert!(saas.calls_to("/customers").len() < PEOPLE / 2);
}
