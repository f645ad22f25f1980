use std::collections::BTreeSet;

use rstest::rstest;
use spec::{CheckOptions, SourceFile, check_connector};

use super::*;

pub(crate) fn file(params: &str, kind: &str) -> spec::ConnectorFile {
    let text = format!(
        "saas_config:\n  fides_key: app\n  name: App\n  type: {kind}\n  description: An app\n  version: 1.0.0\n  \
         connector_params:\n{params}\n  client_config:\n    protocol: https\n    host: <domain>\n  \
         test_request:\n    method: GET\n    path: /\n  endpoints: []\n"
    );
    let checked = check_connector(&SourceFile::new("connector.yml", text), &CheckOptions::default());
    checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics))
}

/// A connector file of the library.
pub(crate) fn library(name: &str) -> spec::ConnectorFile {
    let entry = spec::library::find(name).unwrap();
    let options = CheckOptions { instance_key: Some(name.parse().unwrap()), ..CheckOptions::default() };
    let checked = check_connector(&entry.connector, &options);
    checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics))
}

fn common(name: &str) -> &'static CommonFlag {
    COMMON.iter().find(|flag| flag.name == name).unwrap()
}

// rule: baton C-2
#[rstest]
#[case("client-id", "BATON_CLIENT_ID")]
#[case("file", "BATON_FILE")]
#[case("c1z-temp-dir", "BATON_C1Z_TEMP_DIR")]
#[case("otel-collector-endpoint-tls-cert-path", "BATON_OTEL_COLLECTOR_ENDPOINT_TLS_CERT_PATH")]
fn variable_is_the_flag_in_capitals(#[case] name: &str, #[case] variable: &str) {
    assert_eq!(Flag::from(common(name)).variable(), variable);
}

// rule: baton §12.2
#[rstest]
#[case("file", "sync.c1z", Visibility::Shown)]
#[case("log-level", "info", Visibility::Shown)]
#[case("workers", "0", Visibility::Shown)]
#[case("task-concurrency", "3", Visibility::Shown)]
#[case("http-timeout-seconds", "300", Visibility::Shown)]
#[case("external-resource-traits", "user,group", Visibility::Shown)]
#[case("health-check-port", "8081", Visibility::Shown)]
#[case("health-check-bind-address", "127.0.0.1", Visibility::Hidden)]
#[case("session-store-maximum-size", "15728640", Visibility::Hidden)]
#[case("skip-grants", "", Visibility::Hidden)]
#[case("c1z-temp-dir", "", Visibility::Hidden)]
#[case("grant-entitlement", "", Visibility::Hidden)]
#[case("compact-sync-ids", "", Visibility::Hidden)]
#[case("ticketing", "", Visibility::Shown)]
fn defaults_and_what_the_help_shows_are_those_of_the_contract(
    #[case] name: &str,
    #[case] default: &str,
    #[case] visibility: Visibility,
) {
    assert_eq!((common(name).default, common(name).visibility), (default, visibility));
}

#[test]
fn names_are_unique_and_relations_name_flags_that_exist() {
    let names: BTreeSet<&str> = COMMON.iter().map(|flag| flag.name).collect();
    let related = TOGETHER.iter().chain(EXCLUSIVE).flat_map(|row| row.iter());
    let needed = NEEDS.iter().flat_map(|(one, other)| [one, other]);

    assert_eq!(names.len(), COMMON.len());
    assert_eq!(related.chain(needed).find(|name| !names.contains(*name)), None);
    let shorts: Vec<char> = COMMON.iter().filter_map(|flag| flag.short).collect();
    assert_eq!(shorts, ['f', 'p']);
}

// rule: baton C-4
// rule: baton SG-3
#[rstest]
#[case("segment", &["token"])]
#[case("segment_unify", &["token"])]
#[case("shop", &[])]
fn fields_are_the_connector_params_with_their_known_aliases(#[case] kind: &str, #[case] aliases: &[&str]) {
    let params = "    - name: domain\n      default_value: api.example.com\n    - name: access_token\n      sensitive: true\n";

    let fields = ConnectorFields::of(&file(params, kind)).unwrap();

    let [domain, token] = fields.fields.as_slice() else { panic!("{fields:?}") };
    assert_eq!((domain.flag.name.as_str(), domain.flag.default.as_str()), ("domain", "api.example.com"));
    assert_eq!((token.param.as_str(), token.flag.name.as_str()), ("access_token", "access-token"));
    assert_eq!(token.flag.kind, FlagKind::Secret);
    assert_eq!(token.flag.aliases, aliases);
    let variables = token.flag.variables();
    assert_eq!(variables.first().unwrap(), "BATON_ACCESS_TOKEN");
    assert_eq!(variables.len(), 1 + aliases.len());
}

#[test]
fn field_with_the_name_of_a_common_flag_takes_the_application_in_front() {
    let params = "    - name: domain\n    - name: client_id\n    - name: client_secret\n      sensitive: true\n    \
                  - name: host_id\n    - name: timeout\n";

    let fields = ConnectorFields::of(&file(params, "shop_eu")).unwrap();

    let names: Vec<&str> = fields.fields.iter().map(|field| field.flag.name.as_str()).collect();
    assert_eq!(
        names,
        ["domain", "shop-eu-client-id", "shop-eu-client-secret", "shop-eu-host-id", "shop-eu-timeout"]
    );
    let mut all: Vec<String> = fields.flags().map(|flag| flag.name).collect();
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn two_params_for_one_flag_are_named() {
    let params = "    - name: domain\n    - name: space_id\n    - name: space.id\n";

    let error = ConnectorFields::of(&file(params, "shop")).unwrap_err();

    assert!(error.to_string().contains("`space_id` and `space.id` are both the flag --space-id"), "{error}");
}
