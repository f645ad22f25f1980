use std::path::Path;

use sandbox::Faults;
use sandbox::segment::SegmentOptions;
use serde_json::{Value, json};

use crate::program::{Program, Ran};
use crate::segment;

const PEOPLE: usize = 200;

const ACCESS: &[&str] = &["privacy", "access", "--subjects", "people.jsonl", "--format", "json", "--out"];

/// Each kind of fault at 5 %.
const FAULTS: &str =
    "rate_429=0.05,rate_500=0.05,reset_before=0.05,reset_after=0.05,truncated=0.05,malformed=0.05";

/// What a package of a stormy run must not say, seen beside that of a calm one. A collection may be
/// shorter only where the report says so, with a reason.
#[expect(clippy::indexing_slicing, reason = "of JSON: what is not there is null")]
fn silent_losses(calm: &Value, stormy: &Value, report: &Value) -> Vec<String> {
    let mut losses = Vec::new();
    for (address, rows) in calm.as_object().unwrap() {
        let completeness = &report["collections"][address]["completeness"];
        let found = stormy.get(address);
        if completeness["complete"] == true {
            if found != Some(rows) {
                losses.push(format!("{address} is said to be complete and differs"));
            }
            continue;
        }
        if !(completeness["reason"].is_string() && completeness["detail"].is_string()) {
            losses.push(format!("{address} is incomplete without a reason"));
        }
        if report["outcome"] != "incomplete" {
            losses.push(format!("{address} is incomplete and the outcome is not"));
        }
        let known = rows.as_array().unwrap();
        let found = found.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if found.iter().any(|row| !known.contains(row)) {
            losses.push(format!("{address} has a row that is nobody's"));
        }
    }
    losses
}

fn package(program: &Program, out: &str, line: usize) -> (String, Value, Value) {
    let folder = format!("{out}/subject-{line:04}");
    let text = program.read(&format!("{folder}/access.json"));
    let access = serde_json::from_str(&text).unwrap();
    (text, access, program.json(&format!("{folder}/report.json")))
}

/// Runs everybody calmly and in a storm, compares each package, and gives the storm's run with the
/// number of whole packages.
#[expect(clippy::indexing_slicing, reason = "of JSON: what is not there is null")]
async fn weather(program: &Program, connector: &str) -> (Ran, usize) {
    let named = ["ana", "bo", "cleo", "dee"].map(|name| format!("{name}@example.com"));
    let generated = (1..=PEOPLE - named.len()).map(|number| format!("person-{number}@example.com"));
    let lines: Vec<String> =
        named.into_iter().chain(generated).map(|email| format!("{}\n", json!({ "email": email }))).collect();
    program.file("people.jsonl", &lines.concat());
    let calm = segment::start(SegmentOptions::default()).await;
    segment::project(program, &calm, connector);
    program.run(&[ACCESS, &["calm"]].concat()).expect(0);
    let faults: Faults = FAULTS.parse().unwrap();
    let stormy = segment::start(SegmentOptions { faults, ..SegmentOptions::default() }).await;
    segment::project(program, &stormy, connector);

    let ran = program.run(&[ACCESS, &["stormy"]].concat());

    let mut whole = 0;
    for line in 1..=PEOPLE {
        let (calm_text, calm, _) = package(program, "calm", line);
        let (stormy_text, stormy, report) = package(program, "stormy", line);
        assert_eq!(silent_losses(&calm, &stormy, &report), Vec::<String>::new(), "person {line}");
        if report["outcome"] == "complete" {
            assert_eq!(stormy_text, calm_text, "person {line}: equal to the byte");
            whole += 1;
        }
    }
    (ran, whole)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_people_in_a_storm_are_whole_or_said_to_be_incomplete() {
    let program = Program::new();

    let (ran, whole) = weather(&program, "segment_unify").await;

    let ran = ran.expect(if whole == PEOPLE { 0 } else { 3 });
    let totals = ran.json();
    assert_eq!(totals["complete"], whole);
    assert_eq!(totals["incomplete"], PEOPLE - whole);
    assert_eq!(totals["missing"].as_array().unwrap().len(), (PEOPLE - whole).min(100));
    assert!(totals["requests"].as_u64().unwrap() > 1_500, "the faults did not strike: {totals:#}");
    assert!(whole > PEOPLE * 3 / 4, "only {whole} are whole: faults are not tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_ignores_all_errors_loses_nothing_silently_either() {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors/segment_unify");
    let read = |name: &str| std::fs::read_to_string(library.join(name)).unwrap();
    let program = Program::new();
    // Lists of access never let errors pass; the section about them stays as it is.
    let whole_file = read("connector.yml");
    let (of_people, of_access) = whole_file.split_once("\n  governance:").unwrap();
    let of_people = of_people.replace("gone: [404]", "ignore_errors: true");
    let lenient = format!("{of_people}\n  governance:{of_access}");
    program.file("lenient/connector.yml", &lenient);
    program.file("lenient/dataset.yml", &read("dataset.yml"));

    let (ran, whole) = weather(&program, "./lenient").await;

    assert!(whole < PEOPLE, "no fault struck a request that ignores it");
    let missing = ran.expect(3).json()["missing"].to_string();
    assert!(missing.contains("`ignore_errors` lets pass"), "{missing}");
}

#[test]
fn the_comparison_notices_a_list_that_is_silently_shorter() {
    let calm = json!({"a:x": [{"id": 1}, {"id": 2}], "a:y": []});
    let report = |outcome: &str, completeness: Value| {
        json!({"outcome": outcome, "collections": {
            "a:x": {"completeness": completeness}, "a:y": {"completeness": {"complete": true}}
        }})
    };
    let complete = report("complete", json!({"complete": true}));
    let honest = report("incomplete", json!({"complete": false, "reason": "truncated", "detail": "cut"}));
    let short = json!({"a:x": [{"id": 1}], "a:y": []});

    assert!(silent_losses(&calm, &calm, &complete).is_empty());
    assert!(silent_losses(&calm, &short, &honest).is_empty());
    let planted = [
        (&short, complete.clone()),
        (&json!({"a:y": []}), complete.clone()),
        (&json!({"a:x": [{"id": 2}, {"id": 1}], "a:y": []}), complete),
        (&short, report("incomplete", json!({"complete": false}))),
        (&short, report("complete", json!({"complete": false, "reason": "truncated", "detail": "cut"}))),
        (&json!({"a:x": [{"id": 9}], "a:y": []}), honest.clone()),
        (&json!({"a:x": [{"id": 1}]}), honest),
    ];
    for (number, (found, report)) in planted.iter().enumerate() {
        assert_eq!(silent_losses(&calm, found, report).len(), 1, "defect {number}");
    }
}
