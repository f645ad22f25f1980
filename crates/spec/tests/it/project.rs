//! Project files.

use rstest::rstest;
use serde_json::json;
use spec::{Access, ActionType, Checked, Project, SecretValue, Severity, SourceFile, check_project};

const CLEAN: &str = "\
connections:
  - key: segment
    connector: segment_unify
    dataset: ./segment_dataset.yml
    access: write
    secrets:
      domain: api.segmentapis.com
      access_token: ${SEGMENT_TOKEN}
      retries: 3
  - key: shop
    connector: ./shop.yml
egress:
  allow: ['127.0.0.1/32', '::1']
  routes: { 'api.segmentapis.com': 'http://127.0.0.1:8787' }
  proxy: http://proxy.example.com:3128
  connect_timeout_ms: 100
  read_timeout_ms: 200
  total_timeout_ms: 300
  max_response_bytes: 1000
policies:
  - key: contact
    rules:
      - {key: all, action_type: access, targets: [{data_category: user.contact}]}
      - {key: wipe, action_type: erasure, targets: [{data_category: user}], masking_strategy: {strategy: null_rewrite}}
reading: {attempts: 3, retry_wait_ms: 10, page_cap: 100, time_cap_s: 60, in_flight: 16, in_flight_per_connection: 4}
";

fn check(text: &str) -> Checked<Project> {
    check_project(&SourceFile::new("tutela.yml", text))
}

#[test]
fn every_key_of_a_project_is_read() {
    let checked = check(CLEAN);

    assert!(checked.diagnostics.is_empty(), "{:#?}", checked.diagnostics);
    let project = checked.value.unwrap();
    let segment = project.find_connection("segment").unwrap();
    assert_eq!((segment.connector.as_str(), segment.access), ("segment_unify", Access::Write));
    assert_eq!(
        segment.secrets,
        [
            ("domain".to_owned(), SecretValue::Literal(json!("api.segmentapis.com"))),
            ("access_token".to_owned(), SecretValue::Environment("SEGMENT_TOKEN".to_owned())),
            ("retries".to_owned(), SecretValue::Literal(json!(3))),
        ]
    );
    assert_eq!(project.find_connection("shop").unwrap().access, Access::Read);
    assert_eq!(
        project.egress.routes,
        [("api.segmentapis.com".to_owned(), "http://127.0.0.1:8787".to_owned())]
    );
    assert_eq!(project.egress.max_response_bytes, Some(1_000));
    assert_eq!(project.reading.in_flight_per_connection, Some(4));
    let policy = project.find_policy("contact").unwrap();
    assert_eq!(policy.rules[0].action, ActionType::Access);
    assert_eq!(policy.rules[1].masking_strategy.as_ref().unwrap().strategy, "null_rewrite");
    let connector = project.spans.find_value("connections[1].connector").unwrap();
    assert_eq!(&CLEAN[connector], "./shop.yml");
}

#[rstest]
#[case::unknown_key("unknown_key", "access: write", "§acces: write")]
#[case::unknown_key_at_the_top("unknown_key", "egress:\n", "§egres:\n")]
#[case::no_connector("missing_key", "  - key: shop\n    connector: ./shop.yml", "  - §key: shop")]
#[case::same_key("duplicate_connection", "key: shop", "key: §segment")]
#[case::bad_key("bad_key", "key: shop", "key: §<shop>")]
#[case::unknown_access("unknown_value", "access: write", "access: §admin")]
#[case::expansion_elsewhere("expansion_outside_secrets", "connector: ./shop.yml", "connector: §${SHOP}")]
#[case::bad_network("bad_network", "'127.0.0.1/32'", "§'127.0.0.1/40'")]
#[case::bad_route("bad_route", "'http://127.0.0.1:8787'", "§'127.0.0.1:8787'")]
#[case::route_of_a_url("bad_route", "'api.segmentapis.com': ", "§'https://api.segmentapis.com': ")]
#[case::bad_proxy("bad_proxy", "http://proxy.example.com:3128", "§proxy")]
#[case::no_attempts("out_of_range", "attempts: 3", "attempts: §0")]
#[case::text_for_number("wrong_type", "page_cap: 100", "page_cap: §many")]
#[case::same_policy("duplicate_rule", "key: wipe", "key: §all")]
#[case::masking_on_access(
    "needless_masking",
    "action_type: access, targets: [{data_category: user.contact}]",
    "action_type: access, targets: [{data_category: user.contact}], §masking_strategy: {strategy: a}"
)]
#[case::no_targets(
    "no_targets",
    "action_type: access, targets: [{data_category: user.contact}]",
    "action_type: access, §targets: []"
)]
fn a_planted_mistake_is_refused_at_its_place(#[case] code: &str, #[case] right: &str, #[case] wrong: &str) {
    assert_eq!(CLEAN.matches(right).count(), 1, "{right}");
    let marked = CLEAN.replacen(right, wrong, 1);
    let at = marked.find('§').unwrap();
    let line = marked[..at].matches('\n').count() + 1;
    let column = marked[..at].rsplit('\n').next().unwrap().chars().count() + 1;

    let checked = check(&marked.replace('§', ""));

    let found: Vec<_> =
        checked.diagnostics.iter().filter(|found| found.severity == Severity::Error).collect();
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].code, format!("spec::{code}"));
    assert_eq!((found[0].line, found[0].column), (line, column));
}

#[test]
fn an_unknown_category_is_a_warning() {
    let checked = check(&CLEAN.replacen(
        "targets: [{data_category: user.contact}]",
        "targets: [{data_category: user.contcat}]",
        1,
    ));

    assert!(checked.value.is_some());
    assert_eq!(checked.diagnostics.iter().next().unwrap().severity, Severity::Warning);
}

#[rstest]
#[case::partial("access_token: ${SEGMENT_TOKEN}", "access_token: canary-${NAME}")]
#[case::bad_name("access_token: ${SEGMENT_TOKEN}", "access_token: ${canary name}")]
#[case::list(
    "secrets:\n      domain: api.segmentapis.com\n      access_token: ${SEGMENT_TOKEN}\n      retries: 3\n",
    "secrets: [canary]\n"
)]
#[case::text(
    "secrets:\n      domain: api.segmentapis.com\n      access_token: ${SEGMENT_TOKEN}\n      retries: 3\n",
    "secrets: canary\n"
)]
#[case::duplicate("retries: 3", "retries: canary\n      retries: canary")]
#[case::syntax("retries: 3", "retries: \"canary\n      other: canary")]
#[case::alias("retries: 3", "retries: *canary")]
#[case::tag("retries: 3", "retries: !canary canary")]
#[case::other_mistakes("access: write", "acces: write\n    secert: {a: canary}")]
fn no_message_and_no_excerpt_shows_a_secret(#[case] right: &str, #[case] wrong: &str) {
    let source = SourceFile::new("tutela.yml", CLEAN.replacen(right, wrong, 1));

    let checked = check_project(&source);

    let shown = format!("{:?} {:?}", checked.diagnostics, checked.value);
    assert!(!shown.contains("canary"), "{shown}");
    assert!(!source.redacted().text().contains("canary"), "{}", source.redacted().text());
    assert!(!checked.diagnostics.is_empty());
}
