//! Planning again after a restore, and what could not be found out then.

use std::io::Write as _;

use serde_json::Value;

use super::Journey;
use crate::program::Ran;

/// Ana was erased, and is back.
async fn restored() -> Journey {
    let journey = Journey::on_sqlite().await;
    let planned = journey.plan("ana@example.com");
    journey.apply(&planned).expect(3);
    journey.shop.execute("UPDATE customers SET email = 'ana@example.com', name = 'Ana' WHERE id = 1").await;
    journey
}

fn replay(journey: &Journey) -> Ran {
    journey.run(&["privacy", "replay", "--since", "2020-01-01", "--out", "plans", "--format", "json"])
}

fn plan_of(line: &Value, journey: &Journey) -> Value {
    journey.program.json(line["plan"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_came_back_with_a_backup_is_planned_again() {
    let journey = restored().await;

    let replayed = replay(&journey).expect(0).json();

    let line = &replayed["replayed"][0];
    assert_eq!((&line["problem"], &line["incomplete"]), (&Value::Null, &Value::Array(vec![])));
    assert_eq!(replayed["cut_lines"], 0);
    assert_eq!(plan_of(line, &journey)["operations"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_plan_that_saw_only_a_part_is_incomplete_and_says_where() {
    let journey = restored().await;
    journey.shop.execute("DROP TABLE orders").await;

    let ran = replay(&journey).expect(3);

    let line = &ran.json()["replayed"][0];
    assert_eq!(line["incomplete"][0], "shop:orders", "{line}");
    ran.complains(&["shop:orders", "could not be read to the end"]);
    assert!(!plan_of(line, &journey)["operations"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_the_journal_that_was_cut_off_is_reported() {
    let journey = restored().await;
    let journal = journey.program.folder().join(".tutela/erasures.journal");
    let mut journal = std::fs::OpenOptions::new().append(true).open(journal).unwrap();
    journal.write_all(b"c2hvcnQ").unwrap();

    let ran = replay(&journey).expect(3);

    assert_eq!(ran.json()["cut_lines"], 1);
    ran.complains(&["cut off by a crash"]);
}
