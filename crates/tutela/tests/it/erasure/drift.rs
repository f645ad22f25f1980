use rstest::rstest;

use super::Journey;

const UNTOUCHED: [&str; 3] =
    ["1|ana@example.com|Ana|ana@example.com", "2|bo@example.com|Bo|user_8f3k2b9d", "3|zoe@example.com|Zoe|-"];

/// Neither Segment nor the first customer was touched.
async fn nothing_was_sent(journey: &Journey) {
    assert_eq!(journey.segment_writes(), 0);
    let orders = journey.shop.orders().await;
    assert!(orders[0].ends_with("5 Rua Nova"), "{orders:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_changed_since_the_plan_stops_everything() {
    let journey = Journey::on_sqlite().await;
    let planned = journey.plan("ana@example.com");
    journey.shop.execute("UPDATE customers SET segment_id = 'somebody_else' WHERE id = 1").await;

    let ran = journey.apply(&planned).expect(4);

    ran.complains(&["customers"]);
    assert!(!ran.stderr.contains("somebody_else"), "a report names no values: {}", ran.stderr);
    nothing_was_sent(&journey).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_vanished_since_the_plan_stops_everything() {
    let journey = Journey::on_sqlite().await;
    let planned = journey.plan("ana@example.com");
    journey.shop.execute("DELETE FROM orders WHERE id = 12").await;

    journey.apply(&planned).expect(4).complains(&["orders"]);

    nothing_was_sent(&journey).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_persons_change_is_no_drift() {
    let journey = Journey::on_sqlite().await;
    let planned = journey.plan("ana@example.com");
    journey.shop.execute("UPDATE customers SET name = 'Bea' WHERE id = 2").await;

    journey.apply(&planned).expect(3);

    assert_eq!(journey.segment_writes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_digest_of_the_plan_approves_it() {
    let journey = Journey::on_sqlite().await;
    let planned = journey.plan("ana@example.com");
    let other = format!("sha256:{}", "0".repeat(64));

    for wrong in [other.as_str(), "sha256:abc", planned.digest.trim_start_matches("sha256:")] {
        journey.run(&["privacy", "apply", "plan.json", "--approve", wrong]).expect(4);
    }

    nothing_was_sent(&journey).await;
    assert_eq!(journey.shop.customers().await, UNTOUCHED);
}

#[rstest]
#[case("ana@example.com", "bo@example.com")]
#[case("\"order\": 1", "\"order\": 7")]
#[case("\"expected\": \"", "\"expected\": \"x")]
#[case("\"max_writes\": 500", "\"max_writes\": 501")]
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_file_with_a_changed_value_is_refused(#[case] from: &str, #[case] to: &str) {
    let journey = Journey::on_sqlite().await;
    let planned = journey.plan("ana@example.com");
    let text = journey.program.read("plan.json");
    assert!(text.contains(from), "{from:?} is not in the plan");
    journey.program.file("plan.json", &text.replacen(from, to, 1));

    let ran = journey.apply(&planned).expect(4);

    assert!(!ran.stderr.contains("ana@"), "{}", ran.stderr);
    nothing_was_sent(&journey).await;
}

#[rstest]
#[case::policy(
    "{ strategy: null_rewrite, configuration: {} }",
    "{ strategy: string_rewrite, configuration: { rewrite_value: x } }"
)]
#[case::secret("access_token: \"", "access_token: \"x")]
#[case::limit("reading:", "limits: { max_writes: 3 }\nreading:")]
#[case::masking("masking_strict: false", "masking_strict: true")]
#[case::lost_right(
    "dataset: ./shop_dataset.yml\n    access: write",
    "dataset: ./shop_dataset.yml\n    access: read"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_changed_since_the_plan_stops_everything(#[case] from: &str, #[case] to: &str) {
    let journey = Journey::on_sqlite().await;
    let planned = journey.plan("ana@example.com");
    journey.change_project(from, to);

    journey.apply(&planned).expect(4);

    nothing_was_sent(&journey).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_file_that_changed_since_the_plan_stops_everything() {
    let journey = Journey::on_sqlite().await;
    let planned = journey.plan("ana@example.com");
    let dataset = journey.program.read("shop_dataset.yml");
    journey.program.file("shop_dataset.yml", &format!("{dataset}# changed\n"));

    journey.apply(&planned).expect(4).complains(&["shop"]);

    nothing_was_sent(&journey).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_run_itself_changed_is_no_drift() {
    let journey = Journey::on_sqlite().await;
    let planned = journey.plan("ana@example.com");
    journey.apply(&planned).expect(3);

    journey.apply(&planned).expect(3);

    assert_eq!(journey.segment_writes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_another_data_folder_is_not_known() {
    let journey = Journey::on_sqlite().await;
    let planned = journey.plan("ana@example.com");

    let ran =
        journey.run(&["privacy", "apply", "plan.json", "--approve", &planned.digest, "--data", "other"]);

    ran.expect(4).complains(&["was not made here"]);
    nothing_was_sent(&journey).await;
}
