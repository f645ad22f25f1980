//! What a connection brings that is used for one of the two services alone.

use serde_json::{Value, json};
use spec::connector_file::Service;
use spec::{
    CheckOptions, ConnectorFile, DomainValidation, SecretInputs, SecretProblem, SourceFile, check_connector,
    check_secrets, check_secrets_for, library,
};

fn file(name: &str) -> ConnectorFile {
    let entry = library::find(name).unwrap();
    check_connector(&entry.connector, &CheckOptions::default()).value.unwrap()
}

fn supplied(values: Value) -> SecretInputs {
    let Value::Object(members) = values else { panic!("an object") };
    SecretInputs::new(members)
}

// rule: issue "For governance alone `domain` and `access_token` suffice, in both catalogue entries"
#[test]
fn domain_and_access_token_suffice_for_governance_in_both_entries() {
    let both = json!({"domain": "api.segmentapis.com", "access_token": "t"});

    for name in ["segment", "segment_unify"] {
        let file = file(name);
        let governance =
            check_secrets_for(&file, &supplied(both.clone()), DomainValidation::Enabled, Service::Governance);
        let privacy = check_secrets(&file, &supplied(both.clone()), DomainValidation::Enabled);

        assert!(governance.is_ok(), "{name}: {governance:?}");
        assert!(privacy.is_err(), "{name}: a privacy request needs more");
    }
}

#[test]
fn what_both_services_need_is_missed_for_either() {
    let file = file("segment_unify");

    let error =
        check_secrets_for(&file, &supplied(json!({})), DomainValidation::Enabled, Service::Governance)
            .unwrap_err();

    let missing = error.problems.iter().find_map(|problem| match problem {
        SecretProblem::Missing { missing, .. } => Some(missing.clone()),
        _ => None,
    });
    assert_eq!(missing, Some(vec!["access_token".to_owned()]));
}

#[test]
fn a_param_that_is_never_required_is_required_for_nothing() {
    let text = "saas_config:\n  connector_params:\n    - name: a\n      required: false\n      required_for: privacy\n";

    let checked = check_connector(&SourceFile::new("a.yml", text), &CheckOptions::default());

    let found = checked.diagnostics.iter().find(|found| found.code == "spec::required_twice").unwrap();
    assert_eq!((found.line, found.column), (5, 7));
}
