//! Dataset files, alone and beside a connector file.

use rstest::rstest;
use spec::dataset_file::{DataKind, DataType};
use spec::{
    CheckOptions, Checked, Dataset, Severity, SourceFile, check_connector, check_datasets, check_pair,
};

const CLEAN: &str = "\
dataset:
  - fides_key: <instance_fides_key>
    name: Shop
    collections:
      - name: people
        fides_meta: {after: [other.things], masking_strategy_override: {strategy: delete}}
        fields:
          - name: id
            data_categories: [user.unique_id]
            fidesops_meta: {primary_key: True, data_type: integer}
          - name: email
            data_categories: [user.contact.email]
            fides_meta: {data_type: string, length: 40, custom_request_field: site, masking_strategy_override: {strategy: null_rewrite}}
          - name: tags
            fides_meta: {data_type: 'object[]', return_all_elements: true, primary_key: true, custom_request_field: tag}
            fields:
              - name: label
                data_categories: [user.name]
      - name: orders
        fields: []
";

const CONNECTOR: &str = "\
saas_config:
  fides_key: <instance_fides_key>
  name: Shop
  type: shop
  description: a shop
  version: 1.0.0
  connector_params: []
  client_config: {protocol: https, host: api.example.com}
  test_request: {method: GET, path: /ping}
  endpoints: []
";

fn options() -> CheckOptions {
    CheckOptions { instance_key: Some("shop".parse().unwrap()), ..CheckOptions::default() }
}

fn check(text: &str) -> Checked<Vec<Dataset>> {
    check_datasets(&SourceFile::new("shop_dataset.yml", text), &options())
}

fn place(marked: &str) -> (usize, usize) {
    let at = marked.find('§').unwrap();
    (marked[..at].matches('\n').count() + 1, marked[..at].rsplit('\n').next().unwrap().chars().count() + 1)
}

// rule: saas-config 25.1
// rule: saas-config 25.2
// rule: saas-config 25.3
// rule: saas-config 25.4
// rule: saas-config 25.5
// rule: saas-config 25.7
// rule: privacy-requests D-4
// rule: privacy-requests D-5
// rule: privacy-requests D-12
// rule: privacy-requests D-13
#[test]
fn a_dataset_is_sorted_and_read_in_both_spellings() {
    let datasets = check(CLEAN).value.unwrap();

    let shop = &datasets[0];
    assert_eq!(shop.fides_key, "shop");
    let names: Vec<&str> = shop.collections.iter().map(|collection| collection.name.as_str()).collect();
    assert_eq!(names, ["orders", "people"]);
    let people = &shop.collections[1];
    let fields: Vec<&str> = people.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(fields, ["email", "id", "tags"]);
    assert_eq!(people.after[0].to_string(), "other:things");
    assert!(people.fields[1].primary_key);
    assert_eq!(people.fields[0].custom_request_field.as_deref(), Some("site"));
    assert_eq!(people.fields[0].length, Some(40));
    let tags = &people.fields[2];
    assert_eq!(tags.data_type, Some(DataType { kind: DataKind::Object, is_array: true }));
    assert!(
        !tags.primary_key && tags.custom_request_field.is_none(),
        "settings of an object field do not count"
    );
    assert!(tags.fields[0].return_all_elements, "inherited");
}

#[rstest]
// rule: saas-config A2
// rule: privacy-requests D-6
#[case::no_root_key("no_dataset", "do not contain a 'dataset' key", "dataset:\n", "§datasets:\n")]
// rule: saas-config A3
// rule: privacy-requests D-1
#[case::missing_name(
    "missing_key",
    "Field required",
    "      - name: orders\n        fields: []",
    "      - §fields: []"
)]
#[case::bad_key(
    "bad_key",
    "FidesKeys must only contain",
    "fides_key: <instance_fides_key>",
    "fides_key: §a b"
)]
// rule: saas-config A51
#[case::duplicate_collection(
    "duplicate_name",
    "Duplicate entries found",
    "- name: orders",
    "- name: §people"
)]
#[case::duplicate_field("duplicate_name", "Duplicate entries found", "- name: email", "- name: §id")]
// rule: saas-config A52
// rule: privacy-requests D-8
#[case::unknown_type("unknown_data_type", "is not supported", "data_type: integer", "data_type: §int")]
// rule: saas-config A53
// rule: privacy-requests D-10
#[case::fields_in_a_scalar(
    "fields_in_scalar",
    "not compatible with specified sub-fields",
    "data_type: 'object[]'",
    "data_type: §'string[]'"
)]
// rule: saas-config A54
// rule: privacy-requests D-9
#[case::all_elements_of_no_array(
    "not_an_array",
    "only be specified on array fields",
    "{data_type: 'object[]', return_all_elements",
    "{data_type: object, §return_all_elements"
)]
// rule: saas-config A55
// rule: saas-config 25.10
#[case::override_with_secret(
    "secret_masking_override",
    "not allowed as an override",
    "{strategy: null_rewrite}",
    "{strategy: §hmac}"
)]
#[case::bad_after(
    "bad_collection",
    "must be specified in the form",
    "after: [other.things]",
    "after: [§things]"
)]
#[case::bad_length("out_of_range", "more than zero", "length: 40", "length: §0")]
fn a_planted_mistake_is_refused_at_its_place(
    #[case] code: &str,
    #[case] fragment: &str,
    #[case] right: &str,
    #[case] wrong: &str,
) {
    assert_eq!(CLEAN.matches(right).count(), 1, "{right}");
    let marked = CLEAN.replacen(right, wrong, 1);

    let checked = check(&marked.replace('§', ""));

    let found: Vec<_> =
        checked.diagnostics.iter().filter(|found| found.severity == Severity::Error).collect();
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].code, format!("spec::{code}"));
    assert_eq!((found[0].line, found[0].column), place(&marked));
    assert!(found[0].message.contains(fragment), "{}", found[0].message);
    assert!(check(CLEAN).value.is_some());
}

// rule: saas-config A2
#[test]
fn an_empty_list_of_datasets_is_refused() {
    assert!(check("dataset: []\n").value.is_none());
    assert!(check("").value.is_none());
}

// rule: saas-config 25.5
#[test]
fn the_newer_spelling_wins() {
    let text = CLEAN.replacen("fidesops_meta: {primary_key: True, data_type: integer}", "{}", 0);
    let text = text.replacen(
        "            fidesops_meta: {primary_key: True, data_type: integer}\n",
        "            fidesops_meta: {primary_key: True, data_type: integer}\n            fides_meta: {data_type: float}\n",
        1,
    );

    let datasets = check(&text).value.unwrap();

    let id = &datasets[0].collections[1].fields[1];
    assert_eq!(id.data_type.map(|data_type| data_type.kind), Some(DataKind::Float));
    assert!(!id.primary_key);
}

// rule: saas-config 25.6
#[test]
fn unknown_keys_are_warnings() {
    let checked = check(&CLEAN.replacen(
        "            data_categories: [user.unique_id]\n",
        "            data_type: string\n",
        1,
    ));

    let found: Vec<_> =
        checked.diagnostics.iter().filter(|found| found.code == "spec::unknown_key").collect();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].severity, found[0].line, found[0].column), (Severity::Warning, 9, 13));
    assert!(checked.value.is_some());
}

#[rstest]
// rule: saas-config A56
// rule: saas-config 25.11
#[case::other_key(
    "dataset_key",
    "does not match the fides_key",
    "fides_key: <instance_fides_key>",
    "fides_key: §other"
)]
// rule: saas-config A57
// rule: saas-config 25.12
#[case::reference(
    "dataset_reference",
    "not allowed to have references or identities",
    "{primary_key: True,",
    "{§references: [{dataset: a, field: b.c}], primary_key: True,"
)]
#[case::identity(
    "dataset_reference",
    "not allowed to have references or identities",
    "{data_type: string,",
    "{§identity: email, data_type: string,"
)]
#[case::nested(
    "dataset_reference",
    "`tags.label`",
    "                data_categories: [user.name]\n",
    "                fides_meta: {§identity: email}\n"
)]
#[case::of_an_object_field(
    "dataset_reference",
    "`tags`",
    "return_all_elements: true, primary_key: true",
    "return_all_elements: true, §identity: email"
)]
fn what_does_not_fit_the_connector_is_refused_at_its_place(
    #[case] code: &str,
    #[case] fragment: &str,
    #[case] right: &str,
    #[case] wrong: &str,
) {
    let marked = CLEAN.replacen(right, wrong, 1);
    let source = SourceFile::new("shop_dataset.yml", marked.replace('§', ""));
    let connector = check_connector(&SourceFile::new("shop.yml", CONNECTOR), &options()).value.unwrap();
    let dataset = check_datasets(&source, &options()).value.unwrap().remove(0);

    let found = check_pair(&connector, &dataset, &source);

    let errors: Vec<_> = found.iter().filter(|found| found.severity == Severity::Error).collect();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert_eq!(errors[0].code, format!("spec::{code}"));
    assert_eq!((errors[0].line, errors[0].column), place(&marked));
    assert!(errors[0].message.contains(fragment), "{}", errors[0].message);
}

#[test]
fn a_fitting_pair_has_no_errors_with_and_without_an_instance_key() {
    for options in [options(), CheckOptions::default()] {
        let source = SourceFile::new("shop_dataset.yml", CLEAN);
        let connector = check_connector(&SourceFile::new("shop.yml", CONNECTOR), &options).value.unwrap();
        let dataset = check_datasets(&source, &options).value.unwrap().remove(0);

        assert!(!check_pair(&connector, &dataset, &source).has_errors());
    }
}
