//! Authentication as it is written in connector files.

use spec::connector_file::Authentication;
use spec::{CheckOptions, ConnectorFile, Severity, SourceFile, check_connector};

fn file(authentication: &str) -> (Option<ConnectorFile>, Vec<(Severity, &'static str)>) {
    let text = format!(
        "saas_config:
  fides_key: shop
  name: Shop
  type: shop
  description: A shop
  version: 1.0.0
  connector_params: [{{name: token}}]
  client_config:
    protocol: https
    host: api.shop.test
    authentication: {authentication}
  test_request: {{method: GET, path: /ping}}
  endpoints: []
"
    );
    let checked = check_connector(&SourceFile::new("shop.yml", text), &CheckOptions::default());
    (checked.value, checked.diagnostics.iter().map(|found| (found.severity, found.code)).collect())
}

// rule: saas-config 6.4
#[test]
fn unknown_keys_of_a_strategy_are_warned_about_and_let_through() {
    let (file, found) = file("{strategy: bearer, configuration: {token: <token>, realm: x}}");

    assert_eq!(found, [(Severity::Warning, "spec::unknown_key")]);
    assert!(matches!(file.unwrap().client_config.authentication, Some(Authentication::Bearer { .. })));
}

// rule: saas-config 6.4
// rule: saas-config 6.28
#[test]
fn configuration_may_be_left_out_where_all_its_keys_are_optional() {
    let (google, found) = file("{strategy: google_cloud_service_account}");
    let (bearer, missing) = file("{strategy: bearer}");

    let Some(Authentication::GoogleCloudServiceAccount { scopes }) =
        google.unwrap().client_config.authentication
    else {
        panic!("another strategy");
    };
    assert_eq!(scopes, ["https://www.googleapis.com/auth/cloud-platform"]);
    assert_eq!(found.iter().filter(|(severity, _)| *severity == Severity::Error).count(), 0);
    assert!(bearer.is_none());
    assert!(missing.contains(&(Severity::Error, "spec::missing_key")), "{missing:?}");
}
