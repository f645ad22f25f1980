use serde_json::{Value, json};

use super::{Journey, MONTH};

/// The whole way of one person through shop and Segment (plain: the user id stands in the shop).
async fn whole_journey(journey: &Journey) {
    let planned = journey.plan("ana@example.com");
    assert_eq!(journey.segment_writes(), 0, "a plan sends no write");

    let applied = journey.apply(&planned).expect(3);
    let accepted = journey.status(&planned);
    let early = journey.run(&["privacy", "verify", &planned.run]).expect(3);
    journey.sandbox.advance(MONTH);
    journey.apply(&planned).expect(0);
    let ended = journey.status(&planned);
    // Segment without Unify cannot be asked what it still holds: its word is all there is, and called so.
    let verified = journey.run(&["privacy", "verify", &planned.run]).expect(0);

    assert!(applied.stderr.contains("tutela privacy status"), "{}", applied.stderr);
    assert_eq!(of_segment(&accepted)["outcome"], "accepted");
    assert_eq!(accepted["verification"]["state"], "not_checked");
    assert_eq!(journey.segment_log(), planned.requests(), "what was sent is what was planned");
    let body = &journey.segment_log()[0];
    assert!(body.contains(r#""SUPPRESS_WITH_DELETE""#) && body.contains("ana@example.com"), "{body}");
    let regulation = of_segment(&ended);
    assert_eq!(regulation["outcome"], "erased");
    let destinations = regulation["destinations"].as_array().unwrap();
    let names: Vec<&str> = destinations.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Amplitude", "Braze", "Snowflake"]);
    assert!(destinations.iter().all(|one| one["status"] == "FINISHED"));
    assert_eq!(
        journey.shop.customers().await,
        ["1|-|-|-", "2|bo@example.com|Bo|user_8f3k2b9d", "3|zoe@example.com|Zoe|-"]
    );
    assert_eq!(journey.shop.orders().await, ["11|1|-", "12|1|-", "13|2|8 Storgatan"]);
    assert!(early.stdout.contains("not everything is proven"), "{}", early.stdout);
    assert!(verified.stdout.contains("gone, by the application's word"), "{}", verified.stdout);
    let file = format!("{}.certificate.json", planned.run);
    journey.run(&["certificate", "verify", &file]).expect(0);
    journey.run(&["audit", "verify", "--against", &file]).expect(0);
    let found = journey.run(&["certificate", "verify", &file, "--format", "json"]).expect(0).json();
    let reads = found["certificate"]["verification"]["reads"].as_array().unwrap();
    let state =
        |address: &str| reads.iter().find(|read| read["address"] == address).unwrap()["state"].clone();
    assert_eq!(state("shop:customers"), "gone");
    assert_eq!(state("shop:orders"), "gone");
    assert_eq!(state("segment:segment_user"), "gone");
    assert_eq!(found["certificate"]["conclusion"]["evidence"], "application");
}

fn of_segment(status: &Value) -> &Value {
    let operations = status["operations"].as_array().unwrap();
    operations.iter().find(|operation| operation["connection"] == "segment").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_id_of_a_postgres_shop_leads_to_a_certificate_about_segment() {
    let Some(journey) = Journey::on_postgres().await else { return };

    whole_journey(&journey).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_may_lie_on_a_server() {
    let Some(journey) = Journey::with_state_on_postgres().await else { return };

    whole_journey(&journey).await;

    assert!(!journey.program.folder().join(".tutela/state.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_id_of_a_sqlite_shop_leads_to_a_certificate_about_segment() {
    whole_journey(&Journey::on_sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_cannot_delete_is_reported_and_nothing_is_sent_again() {
    let journey = Journey::on_sqlite().await;
    let description = journey.sandbox.description().url.clone();
    crate::http::post(
        &format!("{description}/__sandbox/settings"),
        &json!({"destinations": {"Braze": "NOT_SUPPORTED"}}),
    )
    .await;
    let planned = journey.plan("ana@example.com");

    journey.apply(&planned).expect(3);
    journey.sandbox.advance(MONTH);
    journey.apply(&planned).expect(3);

    let status = journey.status(&planned);
    let regulation = of_segment(&status);
    assert_eq!(regulation["outcome"], "failed");
    let braze = &regulation["destinations"][1];
    assert_eq!((&braze["name"], &braze["status"]), (&json!("Braze"), &json!("NOT_SUPPORTED")));
    assert_eq!(regulation["destinations"][0]["status"], "FINISHED");
    assert_eq!(journey.segment_writes(), 1);
    journey.run(&["privacy", "verify", &planned.run]).expect(3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_a_user_id_causes_no_regulation_and_the_rest_is_proven() {
    let journey = Journey::on_sqlite().await;

    let planned = journey.plan("zoe@example.com");
    journey.apply(&planned).expect(0);
    journey.run(&["privacy", "verify", &planned.run]).expect(0);

    assert_eq!(planned.requests(), Vec::<String>::new());
    assert_eq!(journey.segment_writes(), 0);
    assert_eq!(journey.shop.customers().await[2], "3|-|-|-");
}

#[tokio::test(flavor = "multi_thread")]
async fn unify_erases_every_user_id_of_the_person_with_one_regulation() {
    let journey = Journey::on_sqlite().await;
    let description = journey.sandbox.description();
    journey.project(
        "segment_unify",
        &format!(
            "personas_domain: profiles.segment.com\n      namespace_id: \"{}\"\n      access_secret: \"{}\"",
            description.space, description.tokens.access_secret
        ),
    );
    let planned = journey.plan("cleo@example.com");

    journey.apply(&planned).expect(3);
    journey.sandbox.advance(MONTH);
    journey.apply(&planned).expect(0);
    journey.run(&["privacy", "verify", &planned.run]).expect(0);

    assert_eq!(journey.status(&planned)["verification"]["state"], "gone");
    assert_eq!(journey.segment_log(), planned.requests());
    let log = journey.segment_log();
    assert_eq!(log.len(), 1);
    for id in ["cleo@example.com", "user_c1e0a77f", "legacy/42?x=1&y=50%"] {
        assert!(log[0].contains(&format!("\"{id}\"")), "{id} is missing in {}", log[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_known_is_a_plan_without_writes() {
    let journey = Journey::on_sqlite().await;

    let planned = journey.plan("nobody@example.com");

    assert!(planned.operations().is_empty());
    assert!(planned.text.starts_with("nothing to do"), "{}", planned.text);
    journey.apply(&planned).expect(0);
    assert_eq!(journey.segment_writes(), 0);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn plan_file_and_data_folder_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let journey = Journey::on_sqlite().await;
    journey.program.file("plan.json", "an old one that everybody may read");

    journey.plan("ana@example.com");

    let mode = |name: &str| {
        std::fs::metadata(journey.program.folder().join(name)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode("plan.json"), mode(".tutela"), mode(".tutela/state.db")), (0o600, 0o700, 0o600));
}
