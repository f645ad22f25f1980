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

fn corrected<'a>(collection: &'a GraphCollection, right: Value, before: &[&str]) -> Traces<'a> {
    let fields = BTreeMap::from([("email".to_owned(), right)]);
    let mut traces = Traces::new(collection, Targeted::Corrected(fields));
    for text in before {
        traces.remember(&row(text));
    }
    traces
}

const NEW: &str = r#"{"id": 1, "email": "new@example.com"}"#;
const ALREADY: &str = r#"{"id": 2, "email": "new@example.com"}"#;

#[test]
fn corrected_fields_are_left_while_the_old_value_is_there() {
    let collection = collection("keyed");
    let traces = corrected(&collection, json!("new@example.com"), &[ANA]);

    assert!(traces.is_left(&row(ANA)));
    assert!(!traces.is_left(&row(NEW)));
    assert_eq!(traces.rows(), 1);
}

#[test]
fn a_row_that_was_right_already_is_not_left() {
    let (keyed, unkeyed) = (collection("keyed"), collection("unkeyed"));
    let of_keyed = corrected(&keyed, json!("new@example.com"), &[ANA, ALREADY]);
    let of_unkeyed = corrected(&unkeyed, json!("new@example.com"), &[ANA, ALREADY]);

    assert_eq!((of_keyed.rows(), of_unkeyed.rows()), (1, 1));
    assert!(!of_keyed.is_left(&row(ALREADY)) && !of_unkeyed.is_left(&row(ALREADY)));
    assert!(of_keyed.is_left(&row(r#"{"id": 2, "email": "ana@example.com"}"#)), "the twin: it became wrong");
}

#[rstest]
#[case::right(NEW, (0, false))]
#[case::old(ANA, (1, false))]
#[case::neither(r#"{"id": 1, "email": "x@example.com"}"#, (0, true))]
#[case::emptied(r#"{"id": 1, "email": null}"#, (0, true))]
fn a_correction_is_there_only_with_its_right_value(#[case] now: &str, #[case] expected: (u64, bool)) {
    let collection = collection("keyed");
    let mut traces = corrected(&collection, json!("new@example.com"), &[ANA]);

    traces.look(&row(now));

    assert_eq!((traces.rows_left(), traces.holds_other()), expected);
    assert!(traces.saw_all());
}

#[test]
fn an_empty_field_that_was_to_be_filled_is_left_while_it_is_empty() {
    let collection = collection("keyed");
    let empty = r#"{"id": 1, "email": null}"#;
    let traces = corrected(&collection, json!("new@example.com"), &[empty]);

    assert!(traces.is_left(&row(empty)) && !traces.is_left(&row(NEW)));
}

#[test]
fn a_row_that_is_not_found_any_more_was_not_seen() {
    let (collection, rules, secrets) =
        (collection("keyed"), rules(Strategy::NullRewrite), MaskSecrets::random());
    let mut traces = Traces::new(&collection, Targeted::masked(&collection, &rules, &secrets).unwrap());
    traces.remember(&row(ANA));

    let before = traces.saw_all();
    traces.look_if_known(&row(r#"{"id": 2, "email": "ben@example.com"}"#));
    let of_another = (traces.saw_all(), traces.rows_left());
    traces.look_if_known(&row(ANA));

    let key = traces.key_values().unwrap();
    assert_eq!((key.field.as_str(), key.values), ("id", vec![json!(1)]));
    assert_eq!((before, of_another), (false, (false, 0)));
    assert_eq!((traces.saw_all(), traces.rows_left()), (true, 1));
}
