//! Project files.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use spec::{
    Access, ActionType, BatonConnector, Checked, DatabaseKind, PackageFormat, PlanLimits, Project,
    SecretValue, Severity, SourceFile, StoragePlace, check_project,
};

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
    masking_strict: true
  - key: crm
    connector: postgres
    dataset: ./crm.yml
    secrets: {host: db.example.com, port: 5432, username: tutela, password: '${CRM_PASSWORD}', dbname: crm}
  - key: wiki
    connector: mysql
    dataset: ./wiki.yml
    secrets: {url: '${WIKI_URL}'}
  - key: notes
    connector: sqlite
    dataset: ./notes.yml
    secrets: {url: 'sqlite:notes.db'}
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
      - {key: all, action_type: access, targets: [{data_category: user.contact}], storage_destination: bucket}
      - {key: wipe, action_type: erasure, targets: [{data_category: user.name}], masking_strategy: {strategy: null_rewrite}}
      - key: cover
        action_type: erasure
        targets: [{data_category: user.contact}, {data_category: user.device}]
        masking_strategy: {strategy: string_rewrite, configuration: {rewrite_value: X, format_preservation: {suffix: '@x.example.com'}}}
      - {key: correct, action_type: rectification, targets: [{data_category: user.financial}]}
storage:
  - {key: files, type: local, folder: ./packages, format: html}
  - key: bucket
    type: s3
    bucket: packages
    prefix: tutela/
    region: eu-central-1
    endpoint: https://storage.example.com
    expires_after: 12h
    secrets: {access_key_id: '${KEY_ID}', secret_access_key: '${KEY_SECRET}'}
masking_strict: false
limits: {max_writes: 100, max_subjects: 2, max_share_of_table: 0.5, min_rows: 7}
verify_after: 30m
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
    assert_eq!(policy.rules[0].storage_destination.as_deref(), Some("bucket"));
    assert_eq!(policy.rules[3].action, ActionType::Rectification);
    let connector = project.spans.find_value("connections[1].connector").unwrap();
    assert_eq!(&CLEAN[connector], "./shop.yml");
}

#[test]
fn strictness_limits_and_storage_are_read_and_have_defaults() {
    let project = check(CLEAN).value.unwrap();
    let plain = check("connections: [{key: shop, connector: ./shop.yml}]\n").value.unwrap();

    let strict = |key: &str| project.is_masking_strict(project.find_connection(key).unwrap());
    assert_eq!((strict("segment"), strict("shop")), (false, true));
    assert!(plain.is_masking_strict(&plain.connections[0]));
    assert_eq!(
        project.limits,
        PlanLimits { max_writes: 100, max_subjects: 2, max_share_of_table: 0.5, min_rows: 7 }
    );
    assert_eq!(
        plain.limits,
        PlanLimits { max_writes: 500, max_subjects: 1, max_share_of_table: 0.01, min_rows: 25 }
    );
    assert_eq!((project.verify_after, plain.verify_after), (Duration::from_mins(30), Duration::ZERO));
    let files = project.find_storage("files").unwrap();
    assert_eq!((files.format, files.expires_after), (PackageFormat::Html, Duration::from_hours(168)));
    let bucket = project.find_storage("bucket").unwrap();
    assert!(matches!(&bucket.place, StoragePlace::S3 { prefix, .. } if prefix == "tutela/"));
    assert_eq!(bucket.expires_after, Duration::from_hours(12));
}

// rule: privacy-requests C-4
#[test]
fn a_database_is_a_connection_by_its_name() {
    let project = check(CLEAN).value.unwrap();

    let kinds: Vec<_> = project.connections.iter().map(spec::ConnectionEntry::database).collect();

    let known = [Some(DatabaseKind::Postgres), Some(DatabaseKind::MySql), Some(DatabaseKind::Sqlite)];
    assert_eq!(kinds, [&[None, None], known.as_slice()].concat());
}

const BATON: &str = "\
connections:
  - key: github
    baton:
      program: ./baton-github
      sha256: 0123456789abcdefABCDEF0123456789abcdef0123456789abcdef0123456789
      user: baton
      settings: {orgs: [shop, office], page-size: 50, sync-secrets: true, instance-url: 'https://github.example.com'}
      delete: [user]
    access: write
    secrets: {token: '${GITHUB_TOKEN}'}
  - key: okta
    baton: {file: ./okta.c1z}
";

// rule: baton C-2, INV-1
#[test]
fn a_baton_connector_of_somebody_else_is_a_program_or_a_file() {
    let checked = check(BATON);

    assert!(checked.diagnostics.is_empty(), "{:#?}", checked.diagnostics);
    let project = checked.value.unwrap();
    let [github, okta] = &project.connections[..] else { panic!("two") };
    let Some(BatonConnector::Program { program, sha256, user, settings, delete }) = &github.baton else {
        panic!("{github:?}")
    };
    assert_eq!(
        (program.as_str(), user.as_str(), sha256[0], sha256[8], &delete[..]),
        ("./baton-github", "baton", 0x01, 0xab, &["user".to_owned()][..])
    );
    let settings: Vec<(&str, &str)> =
        settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        settings,
        [
            ("orgs", "shop,office"),
            ("page-size", "50"),
            ("sync-secrets", "true"),
            ("instance-url", "https://github.example.com")
        ]
    );
    assert_eq!(github.secrets[0].1, SecretValue::Environment("GITHUB_TOKEN".to_owned()));
    assert_eq!(okta.baton, Some(BatonConnector::File { file: "./okta.c1z".to_owned() }));
    assert_eq!((github.database(), okta.connector.as_str()), (None, ""));
}

#[rstest]
#[case::both_kinds(
    "    baton: {file: ./okta.c1z}",
    "    connector: okta\n    baton: {file: ./okta.c1z}",
    "bad_baton"
)]
#[case::dataset(
    "    baton: {file: ./okta.c1z}",
    "    dataset: ./a.yml\n    baton: {file: ./okta.c1z}",
    "bad_baton"
)]
#[case::neither("{file: ./okta.c1z}", "{}", "bad_baton")]
#[case::program_and_file("user: baton", "user: baton\n      file: ./a.c1z", "bad_baton")]
#[case::digest_of_a_file("{file: ./okta.c1z}", "{file: ./okta.c1z, sha256: aa}", "bad_baton")]
#[case::no_user("      user: baton\n", "", "bad_baton")]
#[case::short_digest("0123456789abcdefABCDEF0", "0", "bad_baton")]
#[case::no_digest("sha256: ", "sha265: ", "unknown_key")]
#[case::nested_setting("page-size: 50", "page-size: {a: 1}", "bad_baton")]
#[case::reserved_setting("page-size: 50", "skip-grants: true", "bad_baton")]
#[case::reserved_secret("{token: ", "{client-secret: ", "bad_baton")]
#[case::deletes_and_only_reads("    access: write\n", "", "bad_baton")]
#[case::comma_in_a_list("[shop, office]", "[shop, 'a,b']", "bad_baton")]
#[case::expansion("page-size: 50", "page-size: '${SIZE}'", "expansion_outside_secrets")]
#[case::nothing("    baton: {file: ./okta.c1z}\n", "", "missing_key")]
fn a_baton_connector_that_cannot_be_is_refused(#[case] from: &str, #[case] to: &str, #[case] code: &str) {
    assert!(BATON.contains(from), "{from}");

    let checked = check(&BATON.replace(from, to));

    let errors: Vec<&str> = checked
        .diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .map(|found| found.code)
        .collect();
    assert_eq!(errors, [format!("spec::{code}")]);
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
#[case::masking_on_rectification(
    "needless_masking",
    "action_type: rectification, ",
    "action_type: rectification, §masking_strategy: {strategy: null_rewrite}, "
)]
#[case::no_masking("no_masking", "action_type: rectification", "action_type: §erasure")]
#[case::unknown_masking("unknown_masking", "strategy: null_rewrite", "strategy: §nul_rewrite")]
#[case::no_constant("masking_setting", "configuration: {rewrite_value: X, ", "§configuration: {")]
#[case::constant_of_the_wrong_kind("masking_setting", "rewrite_value: X", "rewrite_value: §7")]
#[case::no_suffix("masking_setting", "{suffix: '@x.example.com'}", "§{}")]
#[case::unknown_setting("masking_setting", "rewrite_value: X", "rewrite_value: X, §lenght: 3")]
#[case::wrong_algorithm(
    "masking_setting",
    "{strategy: null_rewrite}",
    "{strategy: hash, configuration: {algorithm: §MD5}}"
)]
#[case::no_length(
    "masking_setting",
    "{strategy: null_rewrite}",
    "{strategy: random_string_rewrite, configuration: {length: §0}}"
)]
#[case::no_mode(
    "masking_setting",
    "{strategy: null_rewrite}",
    "{strategy: aes_encrypt, configuration: {mode: §CBC}}"
)]
#[case::setting_of_none(
    "masking_setting",
    "{strategy: null_rewrite}",
    "{strategy: null_rewrite, configuration: {§value: x}}"
)]
#[case::equal_targets("overlapping_targets", "data_category: user.device", "data_category: §user.name")]
#[case::target_below_another(
    "overlapping_targets",
    "data_category: user.device",
    "data_category: §user.name.first"
)]
#[case::target_above_another("overlapping_targets", "data_category: user.device", "data_category: §user")]
#[case::unknown_storage("unknown_storage", "storage_destination: bucket", "storage_destination: §buket")]
#[case::storage_on_erasure(
    "needless_storage",
    "action_type: rectification, ",
    "action_type: rectification, §storage_destination: files, "
)]
#[case::same_storage(
    "duplicate_storage",
    "  - key: bucket",
    "  - {key: §files, type: local, folder: x}\n  - key: bucket"
)]
#[case::folder_in_bucket("misplaced_key", "bucket: packages", "bucket: packages\n    §folder: x")]
#[case::no_folder("no_storage_place", "type: local, folder: ./packages", "type: §local")]
#[case::no_origin("bad_endpoint", "endpoint: https://storage.example.com", "endpoint: §storage")]
#[case::unknown_bucket_secret("storage_secret", "access_key_id: ", "§acces_key: ")]
#[case::bad_expiry("bad_duration", "expires_after: 12h", "expires_after: §12x")]
#[case::bad_quiet_period("bad_duration", "verify_after: 30m", "verify_after: §soon")]
#[case::share_above_one("out_of_range", "max_share_of_table: 0.5", "max_share_of_table: §1.5")]
#[case::share_is_no_number("wrong_type", "max_share_of_table: 0.5", "max_share_of_table: §half")]
#[case::negative_writes("out_of_range", "max_writes: 100", "max_writes: §-1")]
#[case::no_dataset("database_dataset", "connector: sqlite\n    dataset: ./notes.yml", "connector: §sqlite")]
#[case::no_address("database_secret", "secrets: {url: 'sqlite:notes.db'}", "§secrets: {}")]
#[case::no_dbname(
    "database_secret",
    "secrets: {host: db.example.com, port: 5432, username: tutela, password: '${CRM_PASSWORD}', dbname: crm}",
    "§secrets: {host: db.example.com}"
)]
#[case::other_scheme("database_secret", "url: 'sqlite:notes.db'", "url: §'postgres://canary@db'")]
#[case::bad_port("database_secret", "port: 5432", "port: §70000")]
#[case::misspelled_secret("database_secret", "username: tutela", "§user_name: tutela")]
#[case::part_of_a_file("database_secret", "url: 'sqlite:notes.db'", "url: 'sqlite:notes.db', §host: x")]
#[case::no_targets(
    "no_targets",
    "action_type: access, targets: [{data_category: user.contact}]",
    "action_type: access, §targets: []"
)]
// rule: privacy-requests M-1
// rule: privacy-requests POL-4
// rule: privacy-requests POL-9
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

// rule: privacy-requests POL-8
#[test]
fn a_policy_without_rules_is_refused() {
    let checked = check("connections: []\npolicies: [{key: nothing, rules: []}]\n");

    assert_eq!(checked.diagnostics.iter().next().unwrap().code, "spec::no_rules");
}

#[test]
fn an_unknown_category_is_a_warning() {
    let checked = check(&CLEAN.replacen(
        "targets: [{data_category: user.contact}], storage",
        "targets: [{data_category: user.contcat}], storage",
        1,
    ));

    assert!(checked.value.is_some());
    assert_eq!(checked.diagnostics.iter().next().unwrap().severity, Severity::Warning);
}

#[rstest]
#[case::database_url("url: 'sqlite:notes.db'", "url: 'canary://canary@canary'")]
#[case::database_part("port: 5432", "port: canary")]
#[case::bucket("secret_access_key: '${KEY_SECRET}'", "secret_access_kee: canary")]
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
