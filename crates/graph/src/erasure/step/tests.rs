use std::collections::HashMap;

use rstest::rstest;
use serde_json::json;
use spec::dataset_file::MaskingStrategy;
use spec::{CheckOptions, SourceFile, check_connector, check_datasets};

use super::*;
use crate::fixture::dataset as small;
use crate::{Strategy, merge};

/// The parts of saas-config Appendix B that erasure looks at.
const FILE: &str = r#"saas_config:
  fides_key: acme
  name: Acme
  type: acme
  description: Demonstration
  version: 1.0.0
  connector_params: [{name: domain, default_value: api.acme.test}]
  client_config: {protocol: https, host: <domain>}
  test_request: {method: GET, path: /ping}
  MORE
  endpoints:
    - name: person
      requests:
        read: {method: GET, path: /people, query_params: [{name: email, value: <email>}], param_values: [{name: email, identity: email}]}
        update:
          method: PATCH
          path: /people/<id>
          param_values: [{name: id, references: [{dataset: acme, field: person.id, direction: from}]}]
          body: '{"person": {<masked_object_fields>}}'
    - name: orders
      requests:
        read:
          method: GET
          path: /people/<pid>/orders
          param_values: [{name: pid, references: [{dataset: acme, field: person.id, direction: from}]}]
        delete:
          method: DELETE
          path: /orders/<id>
          param_values: [{name: id, references: [{dataset: acme, field: orders.id, direction: from}]}]
    - name: newsletter
      requests:
        delete: {method: POST, path: /forget, param_values: [{name: address, identity: email}], body: '{"address": "<address>"}'}
    - name: events
      requests:
        read: {method: GET, path: /events, query_params: [{name: email, value: <email>}], param_values: [{name: email, identity: email}]}
"#;

const PERSON_REQUEST: &str = "data_protection_request: {method: POST, path: /erase, param_values: [{name: email, identity: email}], body: '{\"email\": \"<email>\"}'}";

const DATASET: &str = "dataset:
  - fides_key: acme
    name: Acme
    collections:
      - name: person
        fields:
          - {name: id, fides_meta: {primary_key: true}}
          - {name: email, data_categories: [user.contact.email], fides_meta: {data_type: string}}
      - name: orders
        fields: [{name: id, fides_meta: {primary_key: true}}, {name: total, data_categories: [user.financial]}]
      - name: newsletter
        fields: [{name: topic, data_categories: [user.preference]}]
      - name: events
        fields: [{name: name, data_categories: [user.behavior]}]
";

fn file(more: &str) -> ConnectorFile {
    let text = FILE.replace("  MORE\n", &format!("  {more}\n")).replace("  \n", "");
    let checked = check_connector(&SourceFile::new("acme.yml", text), &CheckOptions::default());
    checked.value.unwrap_or_else(|| panic!("{:?}", checked.diagnostics))
}

fn rules(target: &str) -> Vec<ErasureRule> {
    vec![ErasureRule { key: "erase".into(), targets: vec![target.into()], strategy: Strategy::NullRewrite }]
}

struct Setting {
    more: &'static str,
    target: &'static str,
    mode: MaskingMode,
    access: Access,
}

impl Default for Setting {
    fn default() -> Self {
        Self { more: "", target: "user", mode: MaskingMode::Any, access: Access::Write }
    }
}

fn decided(setting: &Setting) -> ErasureSteps {
    let file = file(setting.more);
    let datasets =
        check_datasets(&SourceFile::new("d.yml", DATASET), &CheckOptions::default()).value.unwrap();
    let graph = Graph::build(&[merge(&file, datasets.first(), &HashMap::new()).unwrap()]).unwrap();
    let read = graph.collections().map(|collection| collection.address.clone()).collect();
    let source = ErasureSource::Connector {
        file: &file,
        mode: setting.mode,
        access: setting.access,
        applies: &|request| Ok(request.when.is_none()),
    };
    let sources = BTreeMap::from([("acme".to_owned(), source)]);
    graph.erasure_steps(&read, &rules(setting.target), &sources).unwrap()
}

/// `update(person)` for each step.
fn shown(steps: &ErasureSteps) -> Vec<String> {
    let one = |step: &ErasureStep| {
        let what = match &step.action {
            ErasureAction::Request(RequestRef { kind: RequestKind::Update, .. }) => "update",
            ErasureAction::Request(RequestRef { kind: RequestKind::DataProtection, .. }) => "person",
            ErasureAction::Request(RequestRef { kind: RequestKind::Delete, .. }) => "delete",
            ErasureAction::MaskRows => "mask",
            ErasureAction::DeleteRows => "delete rows",
        };
        let names: Vec<_> = step.collections.iter().map(CollectionAddress::collection).collect();
        format!("{what}({})", names.join(", "))
    };
    steps.steps.iter().map(one).collect()
}

fn reasons(steps: &ErasureSteps) -> Vec<(&str, NotErasedReason)> {
    steps.not_erased.iter().map(|one| (one.collection.collection(), one.reason)).collect()
}

// rule: saas-config 20.3
// rule: privacy-requests E-14
#[test]
fn update_goes_before_the_request_for_the_person_and_that_before_delete() {
    let without = decided(&Setting::default());
    let with = decided(&Setting { more: PERSON_REQUEST, ..Setting::default() });

    assert_eq!(shown(&without), ["delete(newsletter)", "delete(orders)", "update(person)"]);
    assert_eq!(shown(&with), ["person(events, newsletter, orders)", "update(person)"]);
}

// rule: saas-config 20.4
#[test]
fn the_request_for_the_person_is_made_once() {
    let steps = decided(&Setting { more: PERSON_REQUEST, ..Setting::default() });

    let step = &steps.steps[0];
    assert_eq!(step.per, Per::Person);
    assert_eq!(step.action.expected(), Outcome::Erased);
    let ErasureAction::Request(request) = &step.action else { panic!("a request") };
    assert_eq!(request.find(&file(PERSON_REQUEST)).unwrap().place, "data_protection_request");
}

#[test]
fn strict_masking_allows_updates_only_and_is_named_as_the_reason() {
    let steps = decided(&Setting { more: PERSON_REQUEST, mode: MaskingMode::Strict, ..Setting::default() });

    assert_eq!(shown(&steps), ["update(person)"]);
    assert_eq!(
        reasons(&steps),
        [
            ("events", NotErasedReason::MaskingStrict),
            ("newsletter", NotErasedReason::MaskingStrict),
            ("orders", NotErasedReason::MaskingStrict)
        ]
    );
    assert!(steps.not_erased[1].reason.to_string().contains("`masking_strict: false`"));
}

// The rule asks for a key of every collection; a request for the whole person names no row, and what
// it erases must not be called untouched.
// rule: saas-config 20.2
#[test]
fn a_request_for_the_person_needs_no_key() {
    let with = decided(&Setting { more: PERSON_REQUEST, target: "user.behavior", ..Setting::default() });

    assert_eq!(shown(&with), ["person(events)"]);
}

// rule: saas-config 20.2
// rule: privacy-requests X-24
#[test]
fn without_primary_key_nothing_is_sent() {
    let steps = decided(&Setting { target: "user.behavior", ..Setting::default() });

    assert!(steps.steps.is_empty());
    let events = steps.not_erased.iter().find(|one| one.collection.collection() == "events").unwrap();
    assert_eq!(
        events.reason.to_string(),
        "No values were erased since no primary key was defined in any of the fields for this collection"
    );
}

// rule: privacy-requests 21.18
// rule: privacy-requests X-24
#[test]
fn a_connection_that_may_only_read_is_an_error_of_its_collections() {
    let steps = decided(&Setting { access: Access::Read, ..Setting::default() });

    assert!(steps.steps.is_empty());
    let person = steps.not_erased.iter().find(|one| one.collection.collection() == "person").unwrap();
    assert_eq!(person.reason, NotErasedReason::NoWriteAccess);
    assert_eq!(person.reason.outcome(), Some(Outcome::Failed));
}

#[test]
fn collections_that_the_policy_does_not_target_stay() {
    let steps = decided(&Setting { target: "user.contact", ..Setting::default() });

    assert_eq!(shown(&steps), ["update(person)"]);
    assert!(steps.not_erased.iter().all(|one| one.reason == NotErasedReason::NotTargeted));
    assert_eq!(steps.not_erased.len(), 3);
}

#[test]
fn a_variant_whose_condition_does_not_hold_is_passed_over() {
    let conditional = "data_protection_request: {method: POST, path: /erase, when: 'domain == \"x\"', param_values: [{name: email, identity: email}], body: '{\"email\": \"<email>\"}'}";

    let steps = decided(&Setting { more: conditional, ..Setting::default() });

    assert_eq!(shown(&steps), ["delete(newsletter)", "delete(orders)", "update(person)"]);
}

fn in_database(collections: &[&str], deleted: &[&str], keys: bool, rules_of: DatabaseRules) -> ErasureSteps {
    let mut dataset = small(collections);
    for collection in &mut dataset.collections {
        if deleted.contains(&collection.address.collection()) {
            collection.masking_strategy_override =
                Some(MaskingStrategy { strategy: "delete".into(), configuration: json!({}) });
        }
        for field in collection.fields.iter_mut().filter(|field| field.name == "id") {
            field.primary_key = keys;
        }
    }
    let graph = Graph::build(&[dataset]).unwrap();
    let read = graph.collections().map(|collection| collection.address.clone()).collect();
    let source = ErasureSource::Database { access: Access::Write, rules: rules_of };
    graph.erasure_steps(&read, &rules("user"), &BTreeMap::from([("d".to_owned(), source)])).unwrap()
}

// rule: privacy-requests E-13
// rule: privacy-requests E-18
#[test]
fn databases_mask_rows_or_delete_them_where_the_dataset_asks_for_it() {
    let collections = ["A: id mail^email!user", "B: id aid<A.id note!user", "C: id x"];

    let steps = in_database(&collections, &["A"], true, DatabaseRules::KeyNeeded);

    assert_eq!(shown(&steps), ["mask(B)", "delete rows(A)"]);
    assert_eq!(steps.steps[1].waits_for, BTreeSet::from([0]));
    assert_eq!(reasons(&steps), [("C", NotErasedReason::NotTargeted)]);
}

// rule: privacy-requests 21.17
// rule: privacy-requests Q-8
#[rstest]
#[case(DatabaseRules::KeyNeeded, &[])]
#[case(DatabaseRules::KeyOptional, &["mask(A)"])]
fn a_table_without_primary_key_is_unsupported_unless_the_database_can(
    #[case] rules_of: DatabaseRules,
    #[case] expected: &[&str],
) {
    let steps = in_database(&["A: id mail^email!user"], &[], false, rules_of);

    assert_eq!(shown(&steps), expected);
    assert!(steps.not_erased.iter().all(|one| one.reason.outcome() == Some(Outcome::Unsupported)));
    assert_eq!(steps.steps.len() + steps.not_erased.len(), 1);
}

// rule: privacy-requests 21.20
#[test]
fn collections_of_a_disabled_connection_stay_and_say_so() {
    let graph = Graph::build(&[small(&["A: id mail^email!user"])]).unwrap();
    let read = graph.collections().map(|collection| collection.address.clone()).collect();

    let steps = graph.erasure_steps(&read, &rules("user"), &BTreeMap::new()).unwrap();

    assert_eq!(reasons(&steps), [("A", NotErasedReason::Disabled)]);
}

// rule: privacy-requests X-15
#[test]
fn targeted_collections_of_a_connection_that_serves_no_erasure_are_exempt() {
    let graph = Graph::build(&[small(&["A: id mail^email!user", "B: id text"])]).unwrap();
    let read: BTreeSet<_> = graph.collections().map(|collection| collection.address.clone()).collect();
    let dataset = read.first().unwrap().dataset().to_owned();
    let sources = BTreeMap::from([(dataset, ErasureSource::NotServed)]);

    let steps = graph.erasure_steps(&read, &rules("user"), &sources).unwrap();

    assert!(steps.steps.is_empty());
    assert!(reasons(&steps).contains(&("A", NotErasedReason::ActionDisabled)));
    assert_eq!(NotErasedReason::ActionDisabled.outcome(), Some(Outcome::Exempt));
}
