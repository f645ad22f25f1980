use graph::{GraphDataset, Strategy};
use rstest::rstest;
use spec::{CheckOptions, SourceFile, check_datasets};

use super::*;

const DATASET: &str = "
dataset:
  - fides_key: d
    name: D
    collections:
      - name: keyed
        fields:
          - {name: id, fides_meta: {primary_key: true}}
          - {name: email, data_categories: [user.contact.email], fides_meta: {data_type: string}}
          - {name: seen, data_categories: [system.operations]}
          - name: addresses
            fides_meta: {data_type: 'object[]'}
            fields: [{name: street, data_categories: [user.contact], fides_meta: {data_type: string}}]
      - name: unkeyed
        fields: [{name: email, data_categories: [user.contact.email], fides_meta: {data_type: string}}]
";

fn collection(name: &str) -> GraphCollection {
    let checked = check_datasets(&SourceFile::new("d.yml", DATASET), &CheckOptions::default());
    let datasets = checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
    let collections = GraphDataset::from_dataset(&datasets[0]).collections;
    collections.into_iter().find(|one| one.address.collection() == name).unwrap()
}

fn rules(strategy: Strategy) -> Vec<ErasureRule> {
    vec![ErasureRule { key: "erase".into(), targets: vec!["user".into()], strategy }]
}

fn row(text: &str) -> Row {
    serde_json::from_str(text).unwrap()
}

fn left(collection: &GraphCollection, strategy: Strategy, before: &[&str], now: &str) -> bool {
    let (rules, secrets) = (rules(strategy), MaskSecrets::random());
    let mut traces = Traces::new(collection, Targeted::masked(collection, &rules, &secrets).unwrap());
    for text in before {
        traces.remember(&row(text));
    }
    traces.is_left(&row(now))
}

const ANA: &str = r#"{"id": 1, "email": "ana@example.com", "seen": 3, "addresses": [{"street": "1 Road"}]}"#;

#[rstest]
#[case::masked(r#"{"id": 1, "email": null, "seen": 3, "addresses": [{"street": null}]}"#, false)]
#[case::masked_otherwise(r#"{"id": 1, "email": "c8e1", "seen": 9, "addresses": []}"#, false)]
#[case::not_masked(ANA, true)]
#[case::half_masked(r#"{"id": 1, "email": null, "seen": 3, "addresses": [{"street": "1 Road"}]}"#, true)]
#[case::moved_in_its_array(
    r#"{"id": 1, "email": null, "addresses": [{"street": "x"}, {"street": "1 Road"}]}"#,
    true
)]
#[case::only_untargeted_is_as_it_was(r#"{"id": 1, "seen": 3}"#, false)]
#[case::a_new_row(r#"{"id": 2, "email": "ana@example.com"}"#, true)]
#[case::a_new_row_without_targeted_data(r#"{"id": 2, "email": null, "seen": 3}"#, false)]
fn a_row_is_left_as_long_as_one_of_its_old_values_is(#[case] now: &str, #[case] is_left: bool) {
    assert_eq!(left(&collection("keyed"), Strategy::NullRewrite, &[ANA], now), is_left);
}

#[test]
fn the_old_value_of_another_row_is_no_trace_of_this_one() {
    let other = r#"{"id": 2, "email": "a@example.com", "addresses": []}"#;

    let now = r#"{"id": 2, "email": "ana@example.com", "addresses": []}"#;

    assert!(!left(&collection("keyed"), Strategy::NullRewrite, &[ANA, other], now));
}

#[test]
fn without_a_key_old_values_are_looked_for_in_every_row() {
    let (collection, before) = (collection("unkeyed"), [r#"{"email": "ana@example.com"}"#]);
    let left = |now| left(&collection, Strategy::NullRewrite, &before, now);

    assert!(left(r#"{"email": "ana@example.com"}"#));
    assert!(!left(r#"{"email": "c8e1"}"#));
}

#[test]
fn a_value_that_is_its_own_mask_was_never_to_go() {
    let strategy = Strategy::StringRewrite { rewrite_value: "MASKED".into(), suffix: String::new() };
    let masked = r#"{"id": 1, "email": "MASKED", "addresses": []}"#;

    assert!(!left(&collection("keyed"), strategy.clone(), &[masked], masked));
    assert!(left(&collection("keyed"), strategy, &[ANA], ANA), "the twin: a value that is no mask");
}

#[test]
fn corrected_fields_are_left_while_the_old_value_is_there() {
    let collection = collection("keyed");
    let mut traces = Traces::new(&collection, Targeted::Fields(BTreeSet::from(["email".to_owned()])));
    traces.remember(&row(ANA));

    assert!(traces.is_left(&row(ANA)));
    assert!(!traces.is_left(&row(r#"{"id": 1, "email": "new@example.com"}"#)));
    assert_eq!(traces.rows(), 1);
}
