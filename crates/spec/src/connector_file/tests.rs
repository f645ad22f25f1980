use rstest::rstest;

use crate::{CheckOptions, SourceFile, check_connector};

/// A file with this authentication; no param is called sensitive.
fn is_secret(authentication: &str, name: &str) -> bool {
    let text = format!(
        "saas_config:\n  fides_key: acme\n  name: Acme\n  type: acme\n  description: x\n  version: 1.0.0\n  \
         connector_params:\n    - {{name: domain}}\n    - {{name: user}}\n    - {{name: key}}\n  client_config:\n    \
         protocol: https\n    host: <domain>\n    authentication: {authentication}\n  test_request: {{method: GET, \
         path: /ping}}\n  endpoints: []\n"
    );
    let checked = check_connector(&SourceFile::new("acme.yml", text), &CheckOptions::default());
    checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics)).is_secret(name)
}

#[rstest]
#[case::bearer("{strategy: bearer, configuration: {token: <key>}}", true)]
#[case::password("{strategy: basic, configuration: {username: <user>, password: <key>}}", true)]
#[case::user_without_password("{strategy: basic, configuration: {username: <key>}}", true)]
#[case::user("{strategy: basic, configuration: {username: <key>, password: <user>}}", false)]
#[case::header("{strategy: api_key, configuration: {headers: [{name: a, value: 'k <key.inner>'}]}}", true)]
#[case::query("{strategy: api_key, configuration: {query_params: [{name: a, value: <key>}]}}", true)]
#[case::other("{strategy: bearer, configuration: {token: <user>}}", false)]
fn what_proves_who_asks_is_secret_without_being_called_sensitive(
    #[case] authentication: &str,
    #[case] expected: bool,
) {
    assert_eq!(is_secret(authentication, "key"), expected);
    assert_eq!(is_secret(authentication, "key.inner"), expected);
    assert!(!is_secret(authentication, "domain"));
    assert!(is_secret(authentication, "client_secret"));
}
