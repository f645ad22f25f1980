//! What only shows when connector and dataset are seen together.

use rstest::rstest;
use spec::{CheckOptions, SourceFile, check_connector, check_datasets, check_pair};

const CONNECTOR: &str = r"
saas_config:
  fides_key: shop
  name: Shop
  type: shop
  description: A shop
  version: 1.0.0
  connector_params: []
  client_config: {protocol: https, host: api.shop.test}
  test_request: {method: GET, path: /ping}
  endpoints:
    - name: people
      requests:
        read:
          method: GET
          path: /people/<email>
          param_values: [{name: email, identity: email}]
        update:
          method: PUT
          path: /people/<email>
          param_values: [{name: email, identity: email}]
    - name: lists
      requests:
        read:
          method: GET
          path: /lists
          param_values: [{name: placeholder, identity: email}]
";

const DATASET: &str = r"
dataset:
  - fides_key: shop
    collections:
      - name: people
        fields:
          - name: id
            data_categories: [user.unique_id]
            fides_meta: {primary_key: true}
          - name: name
            data_categories: [user.name]
      - name: lists
        fields:
          - name: id
            data_categories: [system.operations]
";

fn found(connector: &str, dataset: &str, code: &str) -> Vec<String> {
    let source = SourceFile::new("shop.yml", connector);
    let file = check_connector(&source, &CheckOptions::default()).value.unwrap();
    let source = SourceFile::new("shop_dataset.yml", dataset);
    let checked = check_datasets(&source, &CheckOptions::default());
    let datasets = checked.value.unwrap();
    let pair = check_pair(&file, &datasets[0], &source);

    checked
        .diagnostics
        .iter()
        .chain(pair.iter())
        .filter(|item| item.code == format!("spec::lint_{code}"))
        .map(|item| {
            assert_eq!(item.file, "shop_dataset.yml");
            source.slice(&item.span).to_owned()
        })
        .collect()
}

// rule: saas-config 16.9
// rule: saas-config 20.2
// rule: saas-config 25.8
// rule: saas-config 25.14
#[rstest]
#[case::categories_differ("unknown_category", "", "", "[user.name]", "[user.nmae]", "user.nmae")]
#[case::nothing_reads_it(
    "collection_without_endpoint",
    "    - name: lists\n",
    "    - name: labels\n",
    "",
    "",
    "lists"
)]
#[case::nothing_describes_it(
    "endpoint_without_collection",
    "    - name: lists\n",
    "    - name: labels\n",
    "",
    "",
    "collections"
)]
#[case::no_key("no_primary_key", "", "", "            fides_meta: {primary_key: true}\n", "", "people")]
#[case::no_request_erases_it("not_erasable", "        update:\n", "        ignored:\n", "", "", "people")]
#[case::rows_of_everybody("unnarrowed_read", "", "", "[system.operations]", "[user.contact.email]", "lists")]
fn a_planted_defect_is_found_in_the_dataset(
    #[case] code: &str,
    #[case] right: &str,
    #[case] wrong: &str,
    #[case] right_data: &str,
    #[case] wrong_data: &str,
    #[case] place: &str,
) {
    let connector = CONNECTOR.replacen(right, wrong, 1);
    let dataset = DATASET.replacen(right_data, wrong_data, 1);
    assert!(connector != CONNECTOR || dataset != DATASET);

    assert_eq!(found(&connector, &dataset, code), [place]);
    assert_eq!(found(CONNECTOR, DATASET, code), [""; 0]);
}

#[test]
fn a_filter_on_the_person_narrows_a_read() {
    let dataset = DATASET.replace("[system.operations]", "[user.contact.email]");
    let connector = CONNECTOR.replace(
        "          path: /lists\n",
        "          path: /lists\n          postprocessors: [{strategy: filter, configuration: {field: email, value: {identity: email}}}]\n",
    );

    assert_eq!(found(&connector, &dataset, "unnarrowed_read"), [""; 0]);
}

#[test]
fn a_data_protection_request_erases_everything() {
    let connector = CONNECTOR
        .replace("        update:\n", "        ignored:\n")
        .replace("  endpoints:\n", "  data_protection_request: {method: POST, path: /erase}\n  endpoints:\n");

    assert_eq!(found(&connector, DATASET, "not_erasable"), [""; 0]);
}
