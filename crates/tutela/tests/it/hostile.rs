use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use testkit::{Answer, Call, Delivery, FakeSaas};

use crate::program::Program;
use crate::shop::{self, ACCESS};

const ORDERS: &str = "/customers/7/orders";

/// A project that gives up soon.
fn impatient(program: &Program, saas: &FakeSaas) {
    shop::project(program, saas);
    let text = program.read("tutela.yml");
    program.file(
        "tutela.yml",
        &text
            .replace("egress:\n", "egress:\n  read_timeout_ms: 1000\n  total_timeout_ms: 1500\n")
            .replace("retry_wait_ms: 1", "retry_wait_ms: 1, attempts: 2"),
    );
}

fn query(call: &Call) -> Vec<(String, String)> {
    url::form_urlencoded::parse(call.query.as_bytes()).into_owned().collect()
}

fn value(call: &Call, name: &str) -> Option<String> {
    query(call).into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

#[rstest]
#[case::unauthorised(Answer::status(401), "http_4xx", "check the credentials", 1)]
#[case::forbidden(Answer::status(403), "http_4xx", "lack a permission", 1)]
#[case::not_found(Answer::status(404), "http_4xx", "add the status to `gone`", 1)]
#[case::unprocessable(Answer::status(422), "http_4xx", "compare path, query and body", 1)]
#[case::rate_limited(Answer::status(429), "http_429", "rate limited", 2)]
#[case::unavailable(Answer::status(503), "http_5xx", "try later", 2)]
#[case::page_of_html(Answer::html(200, "<html>"), "malformed", "HTML", 2)]
#[case::half_of_json(Answer::text(200, "{\"orders\": [{\"id\": 1}"), "truncated", "JSON", 2)]
#[case::cut(Answer::text(200, "{\"orders\": []}").delivered(Delivery::CutAt(9)), "truncated", "ended before", 2)]
#[case::cut_in_chunks(
    Answer::text(200, "{\"orders\": []}").delivered(Delivery::ChunkedCutAt(9)), "truncated", "ended before", 2
)]
#[case::reset_in_mid_body(
    Answer::text(200, "{\"orders\": []}").delivered(Delivery::ResetAt(9)), "connection", "broke off", 2
)]
#[case::silence(Answer::status(200).after(Duration::from_mins(10)), "connection", "read time-out", 2)]
#[case::never_ending(
    Answer::text(200, " ").delivered(Delivery::Endless(Duration::from_millis(50))), "connection", "total time-out", 2
)]
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_used_is_said_and_takes_nothing_else_with_it(
    #[case] answer: Answer,
    #[case] reason: &str,
    #[case] words: &str,
    #[case] requests: u64,
) {
    let saas = shop::open().await;
    saas.on("GET", ORDERS).then(answer);
    let program = Program::new();
    impatient(&program, &saas);

    let ran = program.run(ACCESS).expect(3);

    let report = program.json("out/report.json");
    let orders = &report["collections"]["shop:orders"];
    assert_eq!((&orders["status"], &orders["completeness"]["reason"]), (&json!("failed"), &json!(reason)));
    assert_eq!(orders["requests"], requests);
    let detail = orders["completeness"]["detail"].as_str().unwrap();
    assert!(detail.contains(words), "{words:?} is missing in: {detail}");
    assert!(ran.stdout.contains(words), "the table says it too: {}", ran.stdout);
    let access = program.json("out/access.json");
    assert_eq!(access["shop:customer"].as_array().unwrap().len(), 1, "what was read stays");
    assert!(access.get("shop:orders").is_none(), "an empty list would say that there are none");
}

#[rstest]
#[case::to_itself(1)]
#[case::of_two(2)]
#[case::of_seven(7)]
#[tokio::test(flavor = "multi_thread")]
async fn a_loop_of_any_period_ends_with_each_page_once(#[case] period: u64) {
    let saas = shop::open().await;
    saas.on("GET", ORDERS).with(move |call| {
        let page = value(call, "after").map_or(0, |after| after.parse().unwrap());
        let next = if page < period { page + 1 } else { 1 };
        Answer::json(200, &json!({"orders": [{"id": page}], "next": next.to_string()}))
    });
    let program = Program::new();
    shop::project(&program, &saas);

    program.run(ACCESS).expect(3);

    let completeness = &program.json("out/report.json")["collections"]["shop:orders"]["completeness"];
    assert_eq!(completeness["reason"], "page_loop");
    let expected: Vec<Value> = (0..=period).map(|page| json!({ "id": page })).collect();
    assert_eq!(program.json("out/access.json")["shop:orders"], json!(expected));
    assert_eq!(saas.calls_to(ORDERS).len() as u64, period + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_arrives_as_it_was_given() {
    let cursor = "a&b=c#d%20+é/?\"'\\ \u{1F600}";
    let saas = shop::open().await;
    saas.on("GET", ORDERS).with(move |call| {
        let next = value(call, "after").is_none().then_some(cursor);
        Answer::json(200, &json!({"orders": [{"id": call.query.len()}], "next": next}))
    });
    let program = Program::new();
    shop::project(&program, &saas);

    program.run(ACCESS).expect(0);

    let second = &saas.calls_to(ORDERS)[1];
    let expected = [("limit", "2"), ("after", cursor)].map(|(name, text)| (name.to_owned(), text.to_owned()));
    assert_eq!(query(second), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_next_link_never_leads_to_another_host() {
    let (saas, other) = (shop::open().await, FakeSaas::start().await);
    saas.on("GET", ORDERS).with(|call| {
        let next = call.query.is_empty().then_some("https://thief.example.com/customers/7/orders?page=2");
        Answer::json(200, &json!({"orders": [{"id": call.query}], "next": next}))
    });
    let program = Program::new();
    shop::project(&program, &saas);
    let by_link =
        shop::CONNECTOR.replace("          query_params: [{ name: limit, value: 2 }]\n", "").replace(
            "strategy: cursor, configuration: { cursor_param: after, field: next }",
            "strategy: link, configuration: { source: body, path: next }",
        );
    program.file("connector.yml", &by_link);
    let project = program.read("tutela.yml");
    let routes = format!("routes: {{ thief.example.com: \"{}\",", other.base_url());
    program.file("tutela.yml", &project.replace("routes: {", &routes));

    program.run(ACCESS).expect(0);

    assert_eq!(program.json("out/access.json")["shop:orders"], json!([{"id": ""}, {"id": "page=2"}]));
    assert!(other.calls().is_empty(), "the secret would be there");
}

#[rstest]
#[case(".")]
#[case("..")]
#[case("%2e%2e")]
#[case(".%2E")]
#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_would_change_the_path_is_not_sent(#[case] email: &str) {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project(&program, &saas);
    let in_path = shop::CONNECTOR
        .replace("path: /customers\n", "path: /customers/<email>/profile\n")
        .replace("          query_params: [{ name: email, value: <email> }]\n", "");
    program.file("connector.yml", &in_path);

    let identity = format!("email={email}");
    let ran = program.run(&["privacy", "access", "--identity", &identity, "--out", "out"]).expect(1);

    ran.complains(&["`<email>`", "would change the path", "endpoints[0].requests.read[0]"]);
    assert!(saas.calls().is_empty());
    assert!(!program.folder().join("out").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_whose_value_would_change_the_path_leaves_its_children_incomplete() {
    let saas = shop::open().await;
    saas.on("GET", "/customers")
        .then(Answer::json(200, &json!({"customers": [{"id": "../admin"}, {"id": ".."}]})));
    let program = Program::new();
    shop::project(&program, &saas);

    program.run(ACCESS).expect(3);

    let orders = &program.json("out/report.json")["collections"]["shop:orders"];
    assert!(orders["completeness"]["detail"].as_str().unwrap().contains("would change the path"), "{orders}");
    assert!(saas.targets().iter().all(|target| !target.contains("admin") || target.contains("..%2Fadmin")));
    assert_eq!(program.json("out/access.json")["shop:customer"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_identity_is_bad_input() {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project(&program, &saas);

    let ran = program.run(&["privacy", "access", "--identity", "email=", "--out", "out"]).expect(2);

    ran.complains(&["`email` is empty"]);
    assert!(saas.calls().is_empty());
}

const ATTACK: &str = "x' OR Name LIKE '%";

fn searching(path: &str, text: &str) -> String {
    shop::CONNECTOR
        .replace("path: /customers\n", &format!("path: {path}\n"))
        .replace("{ name: email, value: <email> }", &format!("{{ name: q, value: \"{text}\" }}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_stays_inside_the_quotes_of_a_known_query_language() {
    let path = "/services/data/v59.0/query";
    let saas = shop::open().await;
    saas.on("GET", path).then(Answer::json(200, &json!({"customers": []})));
    let program = Program::new();
    shop::project(&program, &saas);
    program.file("connector.yml", &searching(path, "SELECT Id FROM Contact WHERE Name = '<email>'"));

    let identity = format!("email={ATTACK}");
    program.run(&["privacy", "access", "--identity", &identity, "--out", "out"]).expect(0);

    let sent = value(&saas.calls_to(path)[0], "q").unwrap();
    assert_eq!(sent, r"SELECT Id FROM Contact WHERE Name = 'x\' OR Name LIKE \'%'");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_inside_the_quotes_of_an_unknown_language_is_not_sent() {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project(&program, &saas);
    program.file("connector.yml", &searching("/customers", "Email = '<email>'"));

    let identity = format!("email={ATTACK}");
    let ran = program.run(&["privacy", "access", "--identity", &identity, "--out", "out"]).expect(1);

    ran.complains(&["stands inside the quotes of a query"]);
    assert!(!ran.stderr.contains("LIKE"), "a message holds no value");
    assert!(saas.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_cannot_be_resolved_is_named() {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project(&program, &saas);
    let text = program.read("tutela.yml");
    program.file("tutela.yml", &text.replace("domain: api.shop.example.com", "domain: shop.invalid"));

    let ran = program.run(ACCESS).expect(1);

    ran.complains(&["`shop.invalid` cannot be resolved", "name server"]);
    assert!(saas.calls().is_empty() && !program.folder().join("out").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_goes_to_its_own_host_only() {
    let (saas, orders) = (shop::open().await, FakeSaas::start().await);
    orders.on("GET", "/moved").then(Answer::json(200, &json!({"orders": [{"id": "o1"}], "next": null})));
    let there = format!("http://{}/moved", orders.host_port());
    saas.on("GET", "/customers").then(Answer::json(200, &json!({"customers": [{"id": 7}]})));
    orders
        .on("GET", ORDERS)
        .then(Answer::status(302).header("location", there.replace("127.0.0.1", "orders.shop.example.com")));
    let program = Program::new();
    shop::project_with(
        &program,
        &saas,
        "token: secret-of-api\n      other_token: secret-of-orders\n      orders_domain: orders.shop.example.com",
        "",
    );
    let two_hosts = shop::CONNECTOR
        .replace("    - { name: token, sensitive: true }\n", "    - { name: token, sensitive: true }\n    - { name: other_token, sensitive: true }\n    - name: orders_domain\n")
        .replace("          data_path: orders\n", "          data_path: orders\n          client_config:\n            protocol: https\n            host: <orders_domain>\n            authentication: { strategy: api_key, configuration: { headers: [{ name: X-Key, value: <other_token> }] } }\n");
    program.file("connector.yml", &two_hosts);
    let project = program.read("tutela.yml");
    let routes = format!("routes: {{ orders.shop.example.com: \"{}\",", orders.base_url());
    program.file("tutela.yml", &project.replace("routes: {", &routes));

    program.run(ACCESS);

    let seen = |saas: &FakeSaas| format!("{:?}", saas.calls());
    assert!(seen(&saas).contains("secret-of-api") && !seen(&saas).contains("secret-of-orders"));
    assert!(seen(&orders).contains("secret-of-orders") && !seen(&orders).contains("secret-of-api"));
}
