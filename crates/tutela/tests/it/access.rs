use serde_json::json;
use testkit::{Answer, Delivery, FakeSaas, gzip_bomb};

use crate::program::Program;
use crate::shop::{self, ACCESS};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_read_into_a_package() {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project(&program, &saas);

    let ran = program.run(ACCESS).expect(0);

    assert!(ran.stdout.contains("shop:orders") && ran.stdout.contains("package: out"), "{}", ran.stdout);
    let expected = r#"{"shop:customer":[{"id":7,"email":"ana@example.com","plan":"gold"}],"shop:orders":[{"id":"o1","total":1},{"id":"o2","total":2.50},{"id":"o3","total":3}]}"#;
    let written: String = program.read("out/access.json").split_whitespace().collect();
    assert_eq!(written, expected);
    let report = program.json("out/report.json");
    assert_eq!(report["outcome"], "complete");
    let orders = &report["collections"]["shop:orders"];
    assert_eq!(
        (&orders["status"], &orders["rows"], &orders["pages"], &orders["requests"]),
        (&json!("complete"), &json!(3), &json!(2), &json!(2))
    );
    assert!(program.read("out/index.html").contains("ana@example.com"));
}

#[tokio::test(flavor = "multi_thread")]
async fn finding_nobody_is_complete() {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project(&program, &saas);

    program.run(&["privacy", "access", "--identity", "email=nobody@example.com", "--out", "out"]).expect(0);

    assert_eq!(program.json("out/access.json"), json!({"shop:customer": [], "shop:orders": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_that_leads_nowhere_is_said_and_complete() {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project(&program, &saas);

    let ran =
        program.run(&["privacy", "access", "--identity", "phone_number=+15550100", "--out", "out"]).expect(0);

    ran.complains(&["no connection takes an identity of kind phone_number", "email"]);
    assert_eq!(program.json("out/report.json")["collections"]["shop:customer"]["status"], "skipped");
    assert!(saas.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_below_a_failed_collection_is_incomplete() {
    let saas = shop::open().await;
    saas.on("GET", "/customers").then(Answer::status(403));
    let program = Program::new();
    shop::project(&program, &saas);

    let ran = program.run(ACCESS).expect(3);

    ran.complains(&["incomplete"]);
    let report = program.json("out/report.json");
    assert_eq!(report["outcome"], "incomplete");
    let reason = |address: &str| report["collections"][address]["completeness"]["reason"].clone();
    assert_eq!((reason("shop:customer"), reason("shop:orders")), (json!("http_4xx"), json!("upstream")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_answer_is_incomplete_with_its_reason() {
    let bad: [(&str, Answer); 7] = [
        ("malformed", Answer::html(200, "<html>canary</html>")),
        ("malformed", Answer::json(200, &json!({"other": []}))),
        ("http_5xx", Answer::status(500)),
        ("http_429", Answer::status(429)),
        ("http_4xx", Answer::status(422)),
        ("truncated", gzip_bomb(64 << 20)),
        ("connection", Answer::reset()),
    ];
    for (reason, answer) in bad {
        let saas = shop::open().await;
        saas.on("GET", "/customers/7/orders").then(answer);
        let program = Program::new();
        shop::project(&program, &saas);

        program.run(ACCESS).expect(3);

        let report = program.json("out/report.json");
        assert_eq!(report["collections"]["shop:orders"]["completeness"]["reason"], reason);
        assert_eq!(report["collections"]["shop:customer"]["status"], "complete");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_cut_short_is_tried_again() {
    let saas = shop::open().await;
    let whole = Answer::json(200, &json!({"orders": [{"id": "o1"}], "next": null}));
    saas.on("GET", "/customers/7/orders").then(whole.clone().delivered(Delivery::CutAt(9))).then(whole);
    let program = Program::new();
    shop::project(&program, &saas);

    program.run(ACCESS).expect(0);

    assert_eq!(program.json("out/report.json")["collections"]["shop:orders"]["retries"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_loop_is_incomplete_and_keeps_what_was_read() {
    let saas = shop::open().await;
    saas.on("GET", "/customers/7/orders")
        .then(Answer::json(200, &json!({"orders": [{"id": "o1"}], "next": "a"})))
        .then(Answer::json(200, &json!({"orders": [{"id": "o2"}], "next": "b"})))
        .then(Answer::json(200, &json!({"orders": [{"id": "o3"}], "next": "a"})));
    let program = Program::new();
    shop::project(&program, &saas);

    program.run(ACCESS).expect(3);

    let report = program.json("out/report.json");
    assert_eq!(report["collections"]["shop:orders"]["completeness"]["reason"], "page_loop");
    assert!(program.json("out/access.json")["shop:orders"].as_array().unwrap().len() >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_another_host_is_refused_and_gets_no_secret() {
    let (saas, other) = (shop::open().await, FakeSaas::start().await);
    let elsewhere = format!("http://localhost:{}/steal", other.port());
    saas.on("GET", "/customers").then(Answer::status(302).header("location", elsewhere));
    let program = Program::new();
    shop::project(&program, &saas);

    program.run(ACCESS).expect(3);

    let report = program.json("out/report.json");
    let completeness = &report["collections"]["shop:customer"]["completeness"];
    assert_eq!(completeness["reason"], "connection");
    assert!(completeness["detail"].as_str().unwrap().contains("redirects to"), "{completeness}");
    assert!(other.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_address_is_refused_before_any_call() {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project(&program, &saas);
    let open = program.read("tutela.yml");
    program.file("tutela.yml", &open.replace("allow: [\"127.0.0.1/32\"]", "allow: []"));

    let ran = program.run(ACCESS).expect(1);

    ran.complains(&["127.0.0.1", "egress.allow"]);
    assert!(saas.calls().is_empty());
    assert!(!program.folder().join("out").exists(), "a package would only pretend");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_takes_the_place_of_allow_and_routes() {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project(&program, &saas);
    let text = program.read("tutela.yml");
    program.file(
        "tutela.yml",
        &text
            .replace("allow: [\"127.0.0.1/32\"]", "allow: []")
            .replace(&saas.base_url(), "http://127.0.0.1:1"),
    );
    let routes = json!({ "api.shop.example.com": saas.base_url() }).to_string();
    let program = program
        .with_environment("TUTELA_EGRESS_ALLOW", "[\"127.0.0.1/32\"]")
        .with_environment("TUTELA_EGRESS_ROUTES", &routes);

    program.run(ACCESS).expect(0);

    let broken = program.with_environment("TUTELA_EGRESS_ALLOW", "127.0.0.1");
    broken.run(ACCESS).expect(2).complains(&["TUTELA_EGRESS_ALLOW"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_character_in_an_identity_is_refused_before_any_call() {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project(&program, &saas);

    let ran = program
        .run(&["privacy", "access", "--identity", "email=ana@example.com\r\nX: y", "--out", "out"])
        .expect(2);

    ran.complains(&["`email`", "control character"]);
    assert!(!ran.stderr.contains("ana@"));
    assert!(saas.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_with_awkward_characters_arrive_as_they_are() {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project(&program, &saas);
    let awkward = "o'hara+x/y%2e&\"z\"@example.com";

    program.run(&["privacy", "access", "--identity", &format!("email={awkward}"), "--out", "out"]).expect(0);

    let calls = saas.calls_to("/customers");
    let pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(calls[0].query.as_bytes()).into_owned().collect();
    assert_eq!(pairs, [("email".to_owned(), awkward.to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_delivers_only_what_it_targets() {
    let saas = shop::open().await;
    let program = Program::new();
    let policies = "policies:\n  - key: contact\n    rules: [{ key: contact, action_type: access, targets: [{ data_category: user.contact }] }]\n  - key: erase\n    rules: [{ key: e, action_type: erasure, masking_strategy: { strategy: null_rewrite }, targets: [{ data_category: user }] }]\n";
    shop::project_with(&program, &saas, "token: t", policies);

    let with = |key: &'static str| [ACCESS, &["--policy", key]].concat();
    program.run(&with("contact")).expect(0);

    assert_eq!(program.json("out/access.json")["shop:customer"], json!([{"email": "ana@example.com"}]));
    program.run(&with("other")).expect(2).complains(&["no policy `other`", "contact"]);
    program.run(&with("erase")).expect(2).complains(&["nothing to deliver"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixed_key_must_be_the_connections_key() {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project(&program, &saas);
    program.file(
        "connector.yml",
        &shop::CONNECTOR.replace("fides_key: <instance_fides_key>", "fides_key: warehouse"),
    );

    let ran = program.run(ACCESS).expect(2);

    ran.complains(&["`warehouse`", "`shop`"]);
    assert!(saas.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_and_results_do_not_mix() {
    let saas = shop::open().await;
    // A key that is there already: nothing is said about making one.
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let program = Program::new().with_environment("TUTELA_KEY", key);
    shop::project(&program, &saas);

    let quiet = program.run(ACCESS).expect(0);
    let data = program.run(&[ACCESS, &["--format", "json"]].concat()).expect(0);
    let loud = program.run(&[ACCESS, &["--format", "json", "-vv"]].concat()).expect(0);

    assert_eq!(loud.json()["collections"]["shop:orders"]["rows"], 3);
    assert_eq!((quiet.stderr.as_str(), data.stderr.as_str()), ("", ""), "no terminal, no progress");
    assert!(loud.stderr.contains(" DEBUG ") && !loud.stderr.contains("collections done"));
}
