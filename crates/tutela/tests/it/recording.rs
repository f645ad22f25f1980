use testkit::{Answer, Canary};

use crate::program::Program;
use crate::shop;

/// Many files forget to say what is sensitive.
#[rstest::rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_recording_holds_no_secrets_and_no_persons_and_can_be_tested(
    #[values(", sensitive: true", "")] sensitive: &str,
) {
    let canary = Canary::new("recording");
    let saas = shop::open().await;
    let personal = canary.personal.clone();
    saas.on("GET", "/customers").with(move |_call| {
        Answer::json(200, &serde_json::json!({"customers": [{"id": 7, "email": personal, "plan": "gold"}]}))
    });
    let program = Program::new();
    shop::project_with(&program, &saas, &format!("token: {}", canary.secret), "");
    program.file("connector.yml", &shop::CONNECTOR.replace(", sensitive: true", sensitive));
    let identity = format!("email={}", canary.personal);

    program
        .run(&["connector", "record", "shop", "--identity", &identity, "--out", "cassettes/one.json"])
        .expect(0);
    let calls = saas.calls().len();
    let tested = program.run(&["connector", "test", ".", "--format", "json"]).expect(0).json();

    let text = program.read("cassettes/one.json");
    canary.assert_absent([&text]);
    assert!(text.contains("gold"), "what says nothing of a person stays");
    assert_eq!(tested["passed"], true);
    assert_eq!(saas.calls().len(), calls, "a test opens no connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_connector_fails_its_recordings() {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project(&program, &saas);
    program
        .run(&[
            "connector",
            "record",
            "shop",
            "--identity",
            "email=ana@example.com",
            "--out",
            "cassettes/one.json",
        ])
        .expect(0);

    let orders = shop::CONNECTOR.replace("data_path: orders", "data_path: order");
    program.file("connector.yml", &orders);
    let ran = program.run(&["connector", "test", "."]).expect(1);

    assert!(ran.stdout.contains("shop:orders") && ran.stdout.contains("instead of"), "{}", ran.stdout);
}

#[test]
fn a_connector_without_recordings_is_not_tested() {
    let program = Program::new();
    program.file("a/connector.yml", shop::CONNECTOR);

    program.run(&["connector", "test", "a"]).expect(1).complains(&["no recordings"]);
    program.file("a/cassettes/x.json", "{}");
    program.run(&["connector", "test", "a"]).expect(2).complains(&["x.json"]);
}
