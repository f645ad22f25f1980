//! The validation catalogue for connector files (saas-config, appendix A): each check refuses a
//! planted mistake at its place, and accepts the file without it.

use rstest::rstest;
use spec::{
    CheckOptions, Checked, ConnectorFile, Diagnostic, DomainValidation, Severity, SourceFile, check_connector,
};

const CLEAN: &str = "\
saas_config:
  fides_key: <instance_fides_key>
  name: Shop
  type: shop
  description: a shop
  version: 1.0.0
  connector_params:
    - name: domain
      type: endpoint
      allowed_values: [api.example.com, '*.shop.example.com']
      default_value: api.example.com
    - name: token
      sensitive: true
    - name: kind
      options: [small, large]
      default_value: small
    - name: kinds
      options: [small, large]
      multiselect: true
      default_value: [small]
  external_references:
    - name: customer_ref
  client_config:
    protocol: https
    host: <domain>
    authentication:
      strategy: api_key
      configuration:
        headers: [{name: X-Key, value: <token>}]
  test_request: {method: GET, path: /ping}
  rate_limit_config:
    enabled: true
    limits:
      - rate: 10
        period: second
  endpoints:
    - name: people
      after: [other.things]
      requests:
        read:
          - method: GET
            path: /people
            query_params:
              - {name: page, value: 1}
              - {name: email, value: <email>}
            param_values:
              - name: email
                identity: email
            pagination:
              strategy: offset
              configuration:
                incremental_param: page
                increment_by: 1
            data_path: data
        update:
          method: PUT
          path: /people/<id>
          body: '{<masked_object_fields>}'
          param_values:
            - name: id
              references:
                - dataset: <instance_fides_key>
                  field: people.id
                  direction: from
    - name: orders
      requests:
        read:
          - method: GET
            path: /orders/<customer>/<region>
            grouped_inputs: [customer, region]
            param_values:
              - name: customer
                references: [{dataset: <instance_fides_key>, field: people.id, direction: from}]
              - name: region
                references: [{dataset: <instance_fides_key>, field: people.region, direction: from}]
              - name: kind
                connector_param: kind
              - name: outside
                references: [customer_ref]
            pagination:
              strategy: link
              configuration: {source: headers, rel: next}
        delete:
          request_override: orders_delete
";

/// The mark in a planted text where the diagnostic must point.
const MARK: char = '§';

fn check(text: &str) -> Checked<ConnectorFile> {
    check_connector(&SourceFile::new("shop.yml", text), &CheckOptions::default())
}

fn errors(checked: &Checked<ConnectorFile>) -> Vec<&Diagnostic> {
    checked.diagnostics.iter().filter(|found| found.severity == Severity::Error).collect()
}

/// The clean file with `right` replaced, and line and column of the mark in it.
fn planted(right: &str, wrong: &str) -> (String, (usize, usize)) {
    assert_eq!(CLEAN.matches(right).count(), 1, "`{right}` stands once in the clean file");
    let marked = CLEAN.replacen(right, wrong, 1);
    let at = marked.find(MARK).expect("the planted text has a mark");
    let line = marked[..at].matches('\n').count() + 1;
    let column = marked[..at].rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (marked.replace(MARK, ""), (line, column))
}

#[test]
fn the_clean_file_has_no_errors() {
    let checked = check(CLEAN);

    assert_eq!(errors(&checked), Vec::<&Diagnostic>::new());
    assert!(checked.value.is_some());
}

#[rstest]
// rule: saas-config A1
// rule: saas-config 2.1
#[case::no_root_key(
    "no_saas_config",
    "do not contain a 'saas_config' key",
    "saas_config:\n",
    "§saas_konfig:\n"
)]
// rule: saas-config A3
// rule: saas-config 3.3
#[case::missing_key_of_the_file(
    "missing_key",
    "Field required",
    "saas_config:\n  fides_key: <instance_fides_key>\n  name: Shop\n",
    "§saas_config:\n  fides_key: <instance_fides_key>\n"
)]
#[case::missing_key_of_an_item(
    "missing_key",
    "Field required",
    "    - name: token\n      sensitive: true\n",
    "    - §sensitive: true\n"
)]
#[case::missing_key_of_a_mapping(
    "missing_key",
    "Field required",
    "  client_config:\n    protocol: https\n",
    "  §client_config:\n"
)]
// rule: saas-config A4
// rule: saas-config 2.2
#[case::number_for_text("wrong_type", "must be text", "version: 1.0.0", "version: §1.0")]
#[case::date_for_text("wrong_type", "a date", "version: 1.0.0", "version: §2022-08-01")]
#[case::boolean_for_text("wrong_type", "a boolean", "name: Shop", "name: §no")]
#[case::nothing_for_text("wrong_type", "not nothing", "name: Shop", "§name:")]
#[case::mapping_for_a_body("wrong_type", "must be text", "body: '{<masked_object_fields>}'", "body: §{a: b}")]
#[case::null_read(
    "wrong_type",
    "`read` must be",
    "    - name: orders\n",
    "    - name: notes\n      requests:\n        §read:\n    - name: orders\n"
)]
#[case::fraction_in_the_query("wrong_type", "integer", "{name: page, value: 1}", "{name: page, value: §1.5}")]
#[case::bare_ignored_status(
    "wrong_type",
    "list",
    "            data_path: data\n",
    "            ignore_errors: §404\n"
)]
// rule: saas-config A5
// rule: saas-config 3.2
#[case::bad_key(
    "bad_key",
    "FidesKeys must only contain",
    "fides_key: <instance_fides_key>\n  name: Shop",
    "fides_key: §my shop\n  name: Shop"
)]
// rule: saas-config A6
// rule: saas-config 4.2
#[case::default_not_an_option(
    "default_not_an_option",
    "is not a valid option",
    "default_value: small",
    "default_value: §medium"
)]
// rule: saas-config A7
#[case::list_default_without_multiselect(
    "default_is_a_list",
    "must be a single value",
    "default_value: small",
    "default_value: §[small]"
)]
// rule: saas-config A8
#[case::list_default_with_unknown_option(
    "default_not_an_option",
    "are not valid options",
    "default_value: [small]",
    "default_value: §[small, huge]"
)]
// rule: saas-config A9
#[case::multiselect_without_options(
    "multiselect_without_options",
    "must be accompanied by an 'options'",
    "    - name: token\n",
    "    - name: token\n      §multiselect: true\n"
)]
// rule: saas-config A11
// rule: saas-config 3.7
#[case::literal_host(
    "literal_host",
    "does not reference any connector param",
    "host: <domain>",
    "host: §api.example.com"
)]
#[case::literal_host_in_a_request(
    "literal_host",
    "does not reference any connector param",
    "test_request: {method: GET, path: /ping}",
    "test_request: {method: GET, path: /ping, client_config: {protocol: https, host: §x.example.com}}"
)]
// rule: saas-config A12
#[case::unknown_host_param(
    "unknown_host_param",
    "not a known connector param",
    "host: <domain>",
    "host: §<domian>"
)]
// rule: saas-config A13
#[case::unrestricted_host_param(
    "unrestricted_host_param",
    "does not have allowed_values defined",
    "host: <domain>",
    "host: §<kind>.example.com"
)]
// rule: saas-config A18
// rule: saas-config 2.3
// rule: saas-config 9.1
#[case::unknown_key_in_a_request(
    "unknown_key",
    "Extra inputs are not permitted",
    "            data_path: data\n",
    "            §timeout: 5\n"
)]
#[case::output_outside_a_read(
    "unknown_key",
    "Extra inputs are not permitted",
    "          body: '{<masked_object_fields>}'\n",
    "          §output: '{}'\n"
)]
#[case::status_path_outside_polling(
    "unknown_key",
    "Extra inputs are not permitted",
    "            data_path: data\n",
    "            §status_path: a\n"
)]
// rule: saas-config A19
// rule: saas-config 9.3
#[case::no_path(
    "no_path",
    "must specify a path",
    "        update:\n          method: PUT\n          path: /people/<id>\n",
    "        §update:\n          method: PUT\n"
)]
#[case::empty_path(
    "no_path",
    "must specify a path",
    "method: PUT\n          path: /people/<id>",
    "method: PUT\n          §path: ''"
)]
// rule: saas-config A20
#[case::no_method(
    "no_method",
    "must specify a method",
    "        update:\n          method: PUT\n",
    "        §update:\n"
)]
#[case::lower_case_method("unknown_value", "is not a value of `method`", "method: PUT", "method: §put")]
// rule: saas-config A21
// rule: saas-config 9.5
#[case::keys_next_to_an_override(
    "keys_next_to_override",
    "Invalid properties [path, ignore_errors]",
    "request_override: orders_delete\n",
    "request_override: orders_delete\n          §path: /orders\n          ignore_errors: [404]\n"
)]
// rule: saas-config A22
// rule: saas-config 9.4
#[case::read_without_path_and_output(
    "no_path",
    "either a path or an output",
    "          - method: GET\n            path: /people\n",
    "          - §method: GET\n"
)]
// rule: saas-config A23
#[case::read_with_path_without_method(
    "no_method",
    "specify a method if a path is provided",
    "          - method: GET\n            path: /people\n",
    "          - §path: /people\n"
)]
// rule: saas-config A24
// rule: saas-config 9.7
#[case::group_not_declared(
    "group_not_declared",
    "must also be declared as param_values",
    "grouped_inputs: [customer, region]",
    "grouped_inputs: [customer, §regoin]"
)]
// rule: saas-config A25
// rule: saas-config 9.8
#[case::group_of_a_connector_param(
    "group_of_connector_param",
    "either be reference fields or identity fields",
    "grouped_inputs: [customer, region]",
    "grouped_inputs: [customer, §kind]"
)]
// rule: saas-config A26
#[case::group_of_an_external_reference(
    "group_of_external_reference",
    "do not currently support external",
    "grouped_inputs: [customer, region]",
    "grouped_inputs: [customer, §outside]"
)]
// rule: saas-config A27
// rule: saas-config 9.9
#[case::group_of_several_collections(
    "group_of_several_collections",
    "must all reference the same collection",
    "grouped_inputs: [customer, region]\n            param_values:\n              - name: customer\n                references: [{dataset: <instance_fides_key>, field: people.id",
    "grouped_inputs: §[customer, region]\n            param_values:\n              - name: customer\n                references: [{dataset: <instance_fides_key>, field: users.id"
)]
#[case::group_of_identities_alone(
    "group_of_several_collections",
    "must all reference the same collection",
    "            data_path: data\n",
    "            grouped_inputs: §[email]\n"
)]
// rule: saas-config A28
// rule: saas-config 8.4
#[case::reads_that_group_differently(
    "different_groups",
    "for every read request must be the same",
    "          - method: GET\n            path: /people\n",
    "          - {method: GET, path: /x, grouped_inputs: [a], param_values: [{name: a, references: [{dataset: other, field: things.id}]}]}\n          - §method: GET\n            path: /people\n"
)]
// rule: saas-config A29
// rule: saas-config 8.3
#[case::after_without_dataset(
    "bad_collection",
    "must be specified in the form",
    "after: [other.things]",
    "after: [§things]"
)]
#[case::after_with_field(
    "bad_collection",
    "must be specified in the form",
    "after: [other.things]",
    "after: [§other.things.id]"
)]
#[case::bad_erase_after(
    "bad_collection",
    "must be specified in the form",
    "after: [other.things]",
    "erase_after: [other.things, §'other things']"
)]
// rule: saas-config A30
// rule: saas-config 10.1
#[case::no_source(
    "param_value_sources",
    "Must have exactly one of",
    "              - name: email\n                identity: email\n",
    "              - §name: email\n"
)]
#[case::two_sources(
    "param_value_sources",
    "Must have exactly one of",
    "                identity: email\n",
    "                identity: email\n                §connector_param: kind\n"
)]
#[case::empty_references(
    "param_value_sources",
    "Must have exactly one of",
    "              - name: email\n                identity: email\n",
    "              - §name: email\n                references: []\n"
)]
// rule: saas-config A31
// rule: saas-config 10.2
#[case::direction_to(
    "direction_to",
    "can only have a direction of 'from'",
    "                  direction: from\n",
    "                  direction: §to\n"
)]
#[case::reference_without_field(
    "bad_reference",
    "no reference to a field",
    "                  field: people.id\n",
    "                  field: §people\n"
)]
// rule: saas-config A32
// rule: saas-config 9.10
#[case::unknown_pagination(
    "unknown_strategy",
    "does not exist. Valid strategies are",
    "strategy: offset",
    "strategy: §ofset"
)]
#[case::pagination_without_configuration(
    "missing_key",
    "`configuration`",
    "            pagination:\n              strategy: link\n              configuration: {source: headers, rel: next}\n",
    "            §pagination:\n              strategy: link\n"
)]
// rule: saas-config A33
#[case::offset_param_not_in_the_query(
    "unknown_query_param",
    "Query param 'pgae' not found",
    "incremental_param: page",
    "incremental_param: §pgae"
)]
// rule: saas-config 9.2
#[case::null_query_with_offset(
    "unknown_query_param",
    "Query param 'page' not found",
    "            query_params:\n              - {name: page, value: 1}\n              - {name: email, value: <email>}\n            param_values:\n              - name: email\n                identity: email\n            pagination:\n              strategy: offset\n              configuration:\n                incremental_param: page",
    "            query_params:\n            param_values:\n              - name: email\n                identity: email\n            pagination:\n              strategy: offset\n              configuration:\n                incremental_param: §page"
)]
// rule: saas-config A34
// rule: saas-config 18.3
#[case::step_zero("bad_increment", "cannot be zero", "increment_by: 1", "increment_by: §0")]
#[case::step_negative("bad_increment", "cannot be negative", "increment_by: 1", "increment_by: §-1")]
// rule: saas-config A35
// rule: saas-config 18.9
#[case::link_without_rel(
    "link_without_rel",
    "The 'rel' value must be",
    "{source: headers, rel: next}",
    "{source: §headers}"
)]
#[case::link_without_path(
    "link_without_path",
    "The 'path' value must be",
    "{source: headers, rel: next}",
    "{source: §body, rel: next}"
)]
#[case::unknown_link_source(
    "unknown_value",
    "`header` is not a value",
    "{source: headers, rel: next}",
    "{source: §header, rel: next}"
)]
// rule: saas-config 18.13
#[case::cursor_without_field(
    "missing_key",
    "`field`",
    "strategy: link\n              configuration: {source: headers, rel: next}",
    "strategy: cursor\n              §configuration: {cursor_param: after}"
)]
// rule: saas-config A36
// rule: saas-config 6.8
#[case::empty_api_key(
    "empty_api_key",
    "object must be defined in an 'api_key'",
    "      configuration:\n        headers: [{name: X-Key, value: <token>}]\n",
    "      §configuration:\n        headers: []\n"
)]
// rule: saas-config A37
// rule: saas-config 13.17
#[case::limits_missing(
    "no_limits",
    "limits must be set",
    "  rate_limit_config:\n    enabled: true\n    limits:\n      - rate: 10\n        period: second\n",
    "  §rate_limit_config:\n    enabled: true\n"
)]
// rule: saas-config A38
#[case::limits_though_disabled(
    "needless_limits",
    "limits cannot be set",
    "    enabled: true\n    limits:\n",
    "    enabled: false\n    §limits:\n"
)]
#[case::limits_though_null(
    "needless_limits",
    "limits cannot be set",
    "    enabled: true\n    limits:\n",
    "    enabled:\n    §limits:\n"
)]
// rule: saas-config A39
#[case::rate_zero("bad_rate", "rate must be more than zero", "rate: 10", "rate: §0")]
#[case::unknown_period("unknown_value", "is not a value of `period`", "period: second", "period: §week")]
// rule: saas-config A40
#[case::status_without_path(
    "missing_status_path",
    "status_path is required",
    "            data_path: data\n",
    "            async_config:\n              strategy: polling\n              configuration:\n                §status_request: {method: GET, path: /jobs, status_completed_value: done}\n"
)]
#[case::status_without_value(
    "missing_completed_value",
    "status_completed_value is required",
    "            data_path: data\n",
    "            async_config:\n              strategy: polling\n              configuration:\n                §status_request: {method: GET, path: /jobs, status_path: state}\n"
)]
// rule: saas-config 3.6
#[case::unknown_category(
    "unknown_value",
    "is not a value of `category`",
    "  external_references:\n",
    "  display_info: {category: §FOOD}\n  external_references:\n"
)]
#[case::unknown_feature(
    "unknown_value",
    "`enabled_features`",
    "  external_references:\n",
    "  display_info: {enabled_features: [TASKS, §MAGIC]}\n  external_references:\n"
)]
// rule: saas-config 15.1
#[case::unknown_postprocessor(
    "unknown_strategy",
    "does not exist",
    "            data_path: data\n",
    "            postprocessors: [{strategy: §unrap, configuration: {}}]\n"
)]
// rule: saas-config 15.3
#[case::unwrap_without_path(
    "missing_key",
    "`data_path`",
    "            data_path: data\n",
    "            postprocessors:\n              - strategy: unwrap\n                §configuration: {}\n"
)]
// rule: saas-config 15.4
#[case::filter_without_value(
    "missing_key",
    "a filter needs a `value`",
    "            data_path: data\n",
    "            postprocessors:\n              - strategy: filter\n                §configuration: {field: a}\n"
)]
#[case::filter_by_number(
    "wrong_type",
    "`value` must be text or a mapping",
    "            data_path: data\n",
    "            postprocessors: [{strategy: filter, configuration: {field: a, value: §5}}]\n"
)]
#[case::bad_path(
    "bad_path",
    "only numbers may stand in brackets",
    "data_path: data",
    "data_path: §data['a']"
)]
#[case::bad_status(
    "bad_status",
    "no HTTP status code",
    "            data_path: data\n",
    "            ignore_errors: [404, §4004]\n"
)]
fn a_planted_mistake_is_refused_at_its_place(
    #[case] code: &str,
    #[case] fragment: &str,
    #[case] right: &str,
    #[case] wrong: &str,
) {
    let (text, place) = planted(right, wrong);

    let checked = check(&text);

    let found = errors(&checked);
    let Some(hit) = found.iter().find(|found| found.code == format!("spec::{code}")) else {
        panic!("no `spec::{code}` among {found:#?}");
    };
    assert_eq!((hit.line, hit.column), place, "{hit:?}");
    assert!(hit.message.contains(fragment), "`{fragment}` in `{}`", hit.message);
    assert!(hit.help.is_some(), "{hit:?}");
    assert!(checked.value.is_none());
    assert_eq!(found.len(), 1, "one mistake, one error: {found:#?}");
}

// rule: saas-config A10
// rule: saas-config 4.9
#[test]
fn a_default_host_outside_the_patterns_is_judged_by_the_mode() {
    let (text, place) = planted("default_value: api.example.com", "default_value: §evil.example.net");
    let source = SourceFile::new("shop.yml", text);
    let found = |domain_validation| {
        let options = CheckOptions { domain_validation, ..CheckOptions::default() };
        let checked = check_connector(&source, &options);
        let hit = checked.diagnostics.iter().find(|found| found.code == "spec::host_not_allowed").cloned();
        (hit, checked.value.is_some())
    };

    let (enabled, _) = found(DomainValidation::Enabled);
    let (monitor, usable) = found(DomainValidation::Monitor);
    let (disabled, _) = found(DomainValidation::Disabled);

    let enabled = enabled.unwrap();
    assert_eq!((enabled.severity, enabled.line, enabled.column), (Severity::Error, place.0, place.1));
    assert!(enabled.message.contains("is not in the list of allowed values"));
    assert_eq!((monitor.unwrap().severity, usable), (Severity::Warning, true));
    assert_eq!(disabled, None);
}

// rule: saas-config 2.2
#[rstest]
#[case::status_as_text("            data_path: data\n", "            ignore_errors: ['404']\n")]
#[case::integral_float("increment_by: 1", "increment_by: 1.0")]
#[case::integer_as_text("increment_by: 1", "increment_by: '1'")]
#[case::word_for_a_flag("sensitive: true", "sensitive: 'Y'")]
#[case::number_for_a_flag("sensitive: true", "sensitive: 1")]
#[case::yaml_1_1_flag("sensitive: true", "sensitive: on")]
#[case::text_of_digits_in_the_query("{name: page, value: 1}", "{name: page, value: '1'}")]
#[case::flag_in_the_query("{name: page, value: 1}", "{name: page, value: true}")]
#[case::null_lists(
    "            data_path: data\n",
    "            headers:\n            postprocessors: null\n            grouped_inputs: ~\n            ignore_errors:\n"
)]
fn accepted_spellings_of_other_types(#[case] right: &str, #[case] other: &str) {
    let checked = check(&CLEAN.replacen(right, other, 1));

    assert_eq!(errors(&checked), Vec::<&Diagnostic>::new());
}

// rule: saas-config 9.2
// rule: saas-config 9.6
#[rstest]
#[case("ignore_errors: true", spec::connector_file::IgnoreErrors::Always)]
#[case("ignore_errors: []", spec::connector_file::IgnoreErrors::Never)]
#[case("ignore_errors: ['404', 410]", spec::connector_file::IgnoreErrors::Statuses(vec![404, 410]))]
fn ignored_statuses_in_all_spellings(
    #[case] written: &str,
    #[case] expected: spec::connector_file::IgnoreErrors,
) {
    let file = check(&CLEAN.replacen("data_path: data", written, 1)).value.unwrap();

    assert_eq!(file.endpoints[0].read[0].ignore_errors, expected);
}

// rule: saas-config 3.4
#[test]
fn of_two_endpoints_with_one_name_the_last_is_kept_with_a_warning() {
    let text = CLEAN.replacen("    - name: orders\n", "    - name: people\n", 1);

    let checked = check(&text);

    let found = checked.diagnostics.iter().find(|found| found.code == "spec::duplicate_endpoint").unwrap();
    assert_eq!(found.severity, Severity::Warning);
    let file = checked.value.unwrap();
    assert_eq!(file.endpoints.len(), 1);
    assert!(!file.endpoints[0].delete.is_empty(), "the later one");
}

// rule: saas-config 2.3
#[test]
fn unknown_keys_outside_requests_are_warnings_with_the_nearest_key() {
    let text = CLEAN.replacen("      sensitive: true\n", "      sensitiv: true\n", 1);

    let checked = check(&text);

    let found = checked.diagnostics.iter().find(|found| found.code == "spec::unknown_key").unwrap();
    assert_eq!((found.severity, found.line, found.column), (Severity::Warning, 13, 7));
    assert_eq!(found.help.as_deref(), Some("did you mean `sensitive`?"));
    assert!(checked.value.is_some());
}

// rule: saas-config 2.5
#[test]
fn the_instance_placeholder_is_filled_everywhere() {
    let options = CheckOptions { instance_key: Some("my.shop".parse().unwrap()), ..CheckOptions::default() };
    let text = CLEAN.replacen("after: [other.things]", "after: [<instance_fides_key>.orders]", 1);

    let file = check_connector(&SourceFile::new("shop.yml", text), &options).value.unwrap();

    assert_eq!(file.fides_key, "my.shop");
    assert_eq!(file.endpoints[0].after, [("my.shop".to_owned(), "orders".to_owned())]);
    assert!(!format!("{file:?}").contains("instance_fides_key"));
}

// rule: saas-config 3.1
#[test]
fn the_type_is_lower_case_and_optional() {
    let written = check(&CLEAN.replacen("type: shop\n", "type: ShoP\n", 1));
    let absent = check(&CLEAN.replacen("  type: shop\n", "", 1));

    assert_eq!(written.value.unwrap().connector_type.as_str(), "shop");
    assert!(absent.diagnostics.iter().any(|found| found.code == "spec::no_type" && found.line == 2));
    assert_eq!(absent.value.unwrap().connector_type.as_str(), "<instance_fides_key>");
}

#[test]
fn five_mistakes_are_five_errors_in_one_run() {
    let text = CLEAN
        .replacen("version: 1.0.0", "version: 1.0", 1)
        .replacen("default_value: small", "default_value: medium", 1)
        .replacen("            data_path: data\n", "            data_pth: data\n", 1)
        .replacen("rate: 10", "rate: 0", 1)
        .replacen("increment_by: 1", "increment_by: -5", 1);

    let checked = check(&text);

    let found: Vec<(&str, usize)> = errors(&checked).iter().map(|found| (found.code, found.line)).collect();
    assert_eq!(
        found,
        [
            ("spec::wrong_type", 6),
            ("spec::default_not_an_option", 16),
            ("spec::bad_rate", 34),
            ("spec::bad_increment", 53),
            ("spec::unknown_key", 54),
        ]
    );
}

#[rstest]
#[case::syntax("yaml_syntax", "  name: 'Shop\n")]
#[case::duplicate_key("duplicate_key", "  name: Shop\n  name: Shop\n")]
#[case::second_document("several_documents", "  name: Shop\n---\n")]
#[case::unknown_tag("tag", "  name: !python/object Shop\n")]
fn what_is_no_single_yaml_document_is_refused(#[case] code: &str, #[case] wrong: &str) {
    let checked = check(&CLEAN.replacen("  name: Shop\n", wrong, 1));

    let codes: Vec<&str> = errors(&checked).iter().map(|found| found.code).collect();
    assert!(codes.contains(&format!("spec::{code}").as_str()), "{codes:?}");
}
