use sandbox::segment::SegmentOptions;
use serde_json::json;

use crate::program::Program;
use crate::{segment, shop};

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_works_passes() {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project(&program, &saas);

    let ran = program.run(&["connection", "test", "shop", "--format", "json"]).expect(0);

    assert_eq!(ran.json()["passed"], true);
    assert_eq!(saas.targets()[0], "/me");
    assert!(saas.calls().iter().all(|call| call.method == "GET"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_fails_the_test() {
    let saas = shop::open().await;
    saas.on("GET", "/me").then(testkit::Answer::status(401));
    let program = Program::new();
    shop::project(&program, &saas);

    let ran = program.run(&["connection", "test", "shop", "--format", "json"]).expect(1);

    assert_eq!(ran.json()["checks"][0]["result"], "failed");
    assert!(ran.stdout.contains("401"), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn segment_permissions_are_named_as_segment_names_them() {
    let sandbox = segment::start(SegmentOptions::default()).await;
    let program = Program::new();
    let test = ["connection", "test", "segment", "--format", "json"];
    segment::project(&program, &sandbox, "segment_unify");

    let owner = program.run(&test).expect(0).json();
    segment::project_with_token(
        &program,
        &sandbox,
        "segment_unify",
        &sandbox.description().tokens.member_token,
    );
    let member = program.run(&test).expect(1).json();

    assert_eq!(owner["passed"], true, "{owner:#}");
    let missing: Vec<&str> = member["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["result"] == "missing")
        .filter_map(|check| check["permission"].as_str())
        .collect();
    assert_eq!(missing, ["Sources", "Spaces", "Warehouses"]);
    let privacy =
        member["checks"].as_array().unwrap().iter().find(|check| check["permission"] == "End-user Privacy");
    assert_eq!(privacy.unwrap()["result"], "not_needed", "the connection only reads");
    let inventory =
        member["checks"].as_array().unwrap().iter().find(|check| check["permission"] == "Workspace Owner");
    assert_eq!(inventory.unwrap()["result"], "not_needed", "nobody asks who has access yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn listing_needs_no_secrets_and_shows_none() {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project_with(&program, &saas, "token: ${NOT_SET}", "");

    let ran = program.run(&["connection", "list", "--format", "json"]).expect(0);

    assert_eq!(ran.json()["connections"][0]["secrets"], json!(["domain", "token"]));
    program.run(&["connection", "test", "other"]).expect(2).complains(&["no connection `other`", "shop"]);
}
