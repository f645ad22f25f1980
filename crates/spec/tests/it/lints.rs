//! Static analysis of connector files: each check finds its planted defect, at its place, and
//! stays quiet about the file without it.

use rstest::rstest;
use spec::{CheckOptions, Diagnostic, Severity, SourceFile, check_connector};

/// A file that no check has anything to say about.
const CLEAN: &str = r#"
saas_config:
  fides_key: shop
  name: Shop
  type: shop
  description: A shop
  version: 1.0.0
  connector_params:
    - name: domain
      type: endpoint
      allowed_values: ["*.shop.test"]
    - name: token
      sensitive: true
    - name: page_size
  external_references:
    - name: customer_ref
  client_config:
    protocol: https
    host: <domain>
    authentication:
      strategy: bearer
      configuration:
        token: <token>
  test_request:
    method: GET
    path: /ping
  endpoints:
    - name: people
      requests:
        read:
          - method: GET
            path: /people
            query_params:
              - name: email
                value: <email>
              - name: limit
                value: <size>
            param_values:
              - name: email
                identity: email
              - name: size
                connector_param: page_size
            data_path: people
        update:
          method: PUT
          path: /people/<person_id>
          param_values:
            - name: person_id
              references:
                - dataset: shop
                  field: people.id
                  direction: from
          body: '{<masked_object_fields>}'
    - name: orders
      requests:
        read:
          method: GET
          path: /people/<person_id>/orders
          query_params:
            - name: page
              value: 1
          param_values:
            - name: person_id
              references:
                - dataset: shop
                  field: people.id
                  direction: from
          data_path: orders
          pagination:
            strategy: offset
            configuration:
              incremental_param: page
              increment_by: 1
    - name: tickets
      requests:
        read:
          method: POST
          path: /tickets/search
          headers:
            - name: Content-Type
              value: application/json
          body: '{"customer": "<customer>", "note": "<note?>"}'
          param_values:
            - name: customer
              references: [customer_ref]
            - name: note
              identity: external_id
          postprocessors:
            - strategy: filter
              configuration:
                field: person
                value: {identity: email}
"#;

fn check(text: &str) -> (SourceFile, Vec<Diagnostic>) {
    let source = SourceFile::new("shop.yml", text);
    let checked = check_connector(&source, &CheckOptions::default());
    (source, checked.diagnostics.into_iter().collect())
}

/// What the check called `code` points at.
fn found(text: &str, code: &str) -> Vec<String> {
    let (source, diagnostics) = check(text);
    let errors: Vec<&Diagnostic> =
        diagnostics.iter().filter(|item| item.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    diagnostics
        .iter()
        .filter(|item| item.code == code)
        .map(|item| {
            assert!(item.help.is_some(), "{code} gives no help");
            source.slice(&item.span).to_owned()
        })
        .collect()
}

fn with(right: &str, wrong: &str) -> String {
    let text = CLEAN.replacen(right, wrong, 1);
    assert_ne!(text, CLEAN, "`{right}` is not in the file");
    text
}

#[test]
fn a_clean_file_gives_no_warning() {
    let (_, diagnostics) = check(CLEAN);

    assert_eq!(diagnostics, []);
}

// rule: saas-config 16.13
// rule: saas-config 16.10
// rule: saas-config 16.11
// rule: saas-config 10.7
// rule: saas-config 11.5
// rule: saas-config 11.7
// rule: saas-config 11.8
// rule: saas-config 12.7
// rule: saas-config 15.5
// rule: saas-config 16.3
// rule: saas-config 17.12
// rule: saas-config 18.5
// rule: saas-config 18.8
// rule: saas-config 18.14
// rule: saas-config 20.9
// rule: saas-config 21.3
#[rstest]
#[case::no_identity_leads_here(
    "unreachable_endpoint",
    "    - name: orders\n",
    "    - name: notes\n      requests:\n        read: {method: GET, path: /notes}\n    - name: orders\n",
    "notes"
)]
#[case::no_read_and_no_delete(
    "unreachable_endpoint",
    "    - name: orders",
    "    - name: notes\n      requests:\n        update: {method: PUT, path: /notes}\n    - name: orders",
    "notes"
)]
#[case::two_need_each_other(
    "circular_reference",
    "              - name: size\n                connector_param: page_size\n",
    "              - name: size\n                connector_param: page_size\n              - name: order\n                references: [{dataset: shop, field: orders.id, direction: from}]\n",
    "orders.id"
)]
#[case::waits_for_itself(
    "circular_order",
    "    - name: orders\n",
    "    - name: orders\n      after: [shop.orders]\n",
    "shop.orders"
)]
#[case::own_collection(
    "self_reference",
    "field: people.id\n                  direction: from\n          data_path: orders",
    "field: orders.id\n                  direction: from\n          data_path: orders",
    "orders.id"
)]
#[case::no_such_endpoint(
    "missing_collection",
    "field: people.id\n                  direction: from\n          data_path: orders",
    "field: peple.id\n                  direction: from\n          data_path: orders",
    "peple.id"
)]
#[case::param_without_use(
    "unused_connector_param",
    "    - name: page_size\n",
    "    - name: page_size\n    - name: workspace\n",
    "workspace"
)]
#[case::reference_without_use(
    "unused_external_reference",
    "    - name: customer_ref\n",
    "    - name: customer_ref\n    - name: other\n",
    "other"
)]
#[case::secret_without_param(
    "undeclared_connector_param",
    "connector_param: page_size",
    "connector_param: page_sizes",
    "page_sizes"
)]
#[case::reference_without_declaration(
    "undeclared_external_reference",
    "references: [customer_ref]",
    "references: [customer_rf]",
    "customer_rf"
)]
#[case::placeholder_in_path(
    "unbound_placeholder",
    "path: /people/<person_id>/orders",
    "path: /people/<id>/orders",
    "/people/<id>/orders"
)]
#[case::placeholder_in_header(
    "unbound_placeholder",
    "value: application/json",
    "value: application/<kind>",
    "application/<kind>"
)]
#[case::secret_used_by_its_own_name(
    "unbound_placeholder",
    "                value: <size>",
    "                value: <page_size>",
    "<page_size>"
)]
#[case::placeholder_in_test_request(
    "unbound_placeholder",
    "path: /ping",
    "path: /ping/<person_id>",
    "/ping/<person_id>"
)]
#[case::placeholder_in_authentication("unbound_placeholder", "token: <token>", "token: <tokn>", "<tokn>")]
#[case::masked_fields_in_a_read(
    "unbound_placeholder",
    "\"<note?>\"",
    "\"<masked_object_fields>\"",
    "'{\"customer\": \"<customer>\", \"note\": \"<masked_object_fields>\"}'"
)]
#[case::unused_setting(
    "unused_param_value",
    "                value: <size>",
    "                value: 50",
    "size"
)]
#[case::unused_reference_in_update(
    "unused_param_value",
    "path: /people/<person_id>\n",
    "path: /people\n",
    "person_id"
)]
#[case::offset_without_rows_and_limit("endless_paging", "          data_path: orders\n", "", "pagination")]
#[case::start_is_text("offset_start", "              value: 1\n", "              value: \"1\"\n", "\"1\"")]
#[case::limit_below_start(
    "short_paging",
    "increment_by: 1\n",
    "increment_by: 1\n              limit: -5\n",
    "-5"
)]
#[case::free_host(
    "open_host",
    "      type: endpoint\n      allowed_values: [\"*.shop.test\"]\n",
    "",
    "<domain>"
)]
#[case::plain_http("unencrypted", "protocol: https", "protocol: http", "http")]
#[case::sensitive_param_in_query(
    "secret_in_url",
    "connector_param: page_size",
    "connector_param: token",
    "<size>"
)]
#[case::sensitive_param_in_test_path("secret_in_url", "path: /ping", "path: /ping/<token>", "/ping/<token>")]
#[case::key_in_query(
    "secret_in_url",
    "      strategy: bearer\n      configuration:\n        token: <token>\n",
    "      strategy: api_key\n      configuration:\n        query_params:\n          - name: key\n            value: <token>\n",
    "<token>"
)]
#[case::other_identity_sends_it(
    "unfiltered_read",
    "              - name: email\n                identity: email\n",
    "              - name: email\n                identity: email\n              - name: also\n                identity: phone_number\n",
    "<email>"
)]
#[case::reference_leads_here_too(
    "unfiltered_read",
    "              - name: size\n                connector_param: page_size\n",
    "              - name: size\n                connector_param: page_size\n              - name: other\n                references: [customer_ref]\n",
    "<email>"
)]
#[case::soql(
    "quoted_value",
    "                value: <email>",
    "                value: SELECT Id FROM Person WHERE Email='<email>'",
    "SELECT Id FROM Person WHERE Email='<email>'"
)]
#[case::effect_of_a_post(
    "effect_override",
    "          method: POST\n",
    "          method: POST\n          effect: write\n",
    "write"
)]
#[case::xml_body("content_type", "value: application/json", "value: application/xml", "application/xml")]
#[case::charset(
    "content_type_form",
    "value: application/json",
    "value: application/json; charset=utf-8",
    "application/json; charset=utf-8"
)]
#[case::optional_in_path(
    "bare_optional",
    "path: /people/<person_id>/orders",
    "path: /people/<person_id?>/orders",
    "/people/<person_id?>/orders"
)]
#[case::optional_without_quotes(
    "bare_optional",
    "\"<note?>\"",
    "<note?>",
    "'{\"customer\": \"<customer>\", \"note\": <note?>}'"
)]
#[case::two_part_filter(
    "filter_reference",
    "value: {identity: email}",
    "value: {dataset_reference: people.id}",
    "{dataset_reference: people.id}"
)]
#[case::filter_without_endpoint(
    "filter_reference",
    "value: {identity: email}",
    "value: {dataset_reference: shop.peple.id}",
    "{dataset_reference: shop.peple.id}"
)]
#[case::filter_before_its_rows(
    "filter_order",
    "value: {identity: email}",
    "value: {dataset_reference: shop.people.id}",
    "{dataset_reference: shop.people.id}"
)]
#[case::row_of_another_collection(
    "foreign_reference",
    "          body: '{<masked_object_fields>}'\n    - name: orders",
    "          body: '{<masked_object_fields>}'\n        delete:\n          method: DELETE\n          path: /orders/<order>\n          param_values:\n            - name: order\n              references: [{dataset: shop, field: orders.id, direction: from}]\n    - name: orders",
    "{dataset: shop, field: orders.id, direction: from}"
)]
#[case::input_named_like_a_secret(
    "shadowed_input",
    "            - name: customer\n              references: [customer_ref]\n",
    "            - name: customer_ref\n              references: [customer_ref]\n",
    "customer_ref"
)]
#[case::function_of_another_engine(
    "request_override",
    "    - name: orders\n",
    "    - name: labels\n      requests:\n        read: {request_override: labels_read, param_values: [{name: email, identity: email}]}\n    - name: orders\n",
    "labels_read"
)]
fn a_planted_defect_is_found_at_its_place(
    #[case] code: &str,
    #[case] right: &str,
    #[case] wrong: &str,
    #[case] place: &str,
) {
    let places = found(&with(right, wrong), &format!("spec::lint_{code}"));

    assert_eq!(places, [place]);
    assert_eq!(found(CLEAN, &format!("spec::lint_{code}")), [""; 0]);
}

fn with_all(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(CLEAN.to_owned(), |text, (right, wrong)| {
        assert!(text.contains(right), "`{right}` is not in the file");
        text.replacen(right, wrong, 1)
    })
}

// rule: saas-config 16.13
#[test]
fn what_only_an_unreachable_endpoint_leads_to_is_unreachable_too() {
    let text = with("                identity: email\n", "                connector_param: token\n");

    assert_eq!(found(&text, "spec::lint_unreachable_endpoint"), ["people", "orders"]);
}

// rule: saas-config 16.12
#[test]
fn endpoints_that_wait_for_each_other_are_found_once() {
    let text = with_all(&[
        ("    - name: orders\n", "    - name: orders\n      erase_after: [shop.tickets]\n"),
        ("    - name: tickets\n", "    - name: tickets\n      erase_after: [shop.orders]\n"),
    ]);

    assert_eq!(found(&text, "spec::lint_circular_order"), ["shop.tickets"]);
    assert_eq!(
        found(
            &with("    - name: tickets\n", "    - name: tickets\n      erase_after: [shop.orders]\n"),
            "spec::lint_circular_order"
        ),
        [""; 0]
    );
}

// rule: saas-config 16.3
#[test]
fn one_name_for_two_sources_is_found() {
    let second = "          - method: GET\n            path: /people/search\n            query_params: [{name: q, value: <email>}]\n            param_values: [{name: email, identity: phone_number}]\n            data_path: people\n        update:\n";
    let text = with("        update:\n", second);

    assert_eq!(found(&text, "spec::lint_param_name_reused"), ["email"]);
    assert_eq!(
        found(&text.replace("identity: phone_number", "identity: email"), "spec::lint_param_name_reused"),
        [""; 0]
    );
}

// rule: saas-config 17.13
#[test]
fn groups_of_a_second_read_are_found() {
    let read = |path: &str| {
        format!(
            "          - method: GET\n            path: /{path}/<a>/<b>\n            grouped_inputs: [a, b]\n            param_values:\n              - {{name: a, references: [{{dataset: shop, field: people.id, direction: from}}]}}\n              - {{name: b, references: [{{dataset: shop, field: people.org, direction: from}}]}}\n"
        )
    };
    let one = format!("    - name: notes\n      requests:\n        read:\n{}", read("notes"));
    let two = format!("{one}{}", read("archive"));
    let place = "    - name: tickets\n";

    assert_eq!(found(&with(place, &format!("{two}{place}")), "spec::lint_grouped_reads"), ["grouped_inputs"]);
    assert_eq!(found(&with(place, &format!("{one}{place}")), "spec::lint_grouped_reads"), [""; 0]);
}

// rule: saas-config 20.4
#[test]
fn a_delete_behind_a_data_protection_request_is_found() {
    let delete = "    - name: tickets\n      requests:\n        delete: {method: DELETE, path: /tickets}\n";
    let erase = "  data_protection_request:\n    method: POST\n    path: /erase/<email>\n    param_values: [{name: email, identity: email}]\n  endpoints:\n";
    let both = with_all(&[("    - name: tickets\n      requests:\n", delete), ("  endpoints:\n", erase)]);

    assert_eq!(found(&both, "spec::lint_hidden_delete"), ["delete"]);
    assert_eq!(
        found(&with("    - name: tickets\n      requests:\n", delete), "spec::lint_hidden_delete"),
        [""; 0]
    );
}

#[rstest]
#[case::unused_identities_make_reachable(
    "unused_param_value",
    "          data_path: orders\n",
    "          data_path: orders\n",
    "              references: [customer_ref]\n            - name: note\n",
    "              references: [customer_ref]\n            - {name: placeholder, identity: email}\n            - name: note\n"
)]
#[case::options_restrict_a_host(
    "open_host",
    "      type: endpoint\n      allowed_values: [\"*.shop.test\"]\n",
    "      options: [eu.shop.test, us.shop.test]\n",
    "path: /ping",
    "path: /ping"
)]
#[case::a_path_fails_without_its_identity(
    "unfiltered_read",
    "              - name: email\n                identity: email\n",
    "              - name: email\n                identity: email\n              - name: also\n                identity: phone_number\n",
    "            path: /people\n",
    "            path: /people/<email>\n"
)]
#[case::the_other_identity_filters_too(
    "unfiltered_read",
    "              - name: email\n                identity: email\n",
    "              - name: email\n                identity: email\n              - name: phone\n                identity: phone_number\n",
    "              - name: limit\n",
    "              - {name: phone, value: <phone>}\n              - name: limit\n"
)]
#[case::order_is_given(
    "filter_order",
    "value: {identity: email}",
    "value: {dataset_reference: shop.people.id}",
    "    - name: tickets\n",
    "    - name: tickets\n      after: [shop.people]\n"
)]
#[case::a_limit_ends_paging(
    "endless_paging",
    "          data_path: orders\n",
    "",
    "increment_by: 1\n",
    "increment_by: 1\n              limit: 100\n"
)]
#[case::an_input_of_the_collection(
    "unbound_placeholder",
    "          data_path: orders\n",
    "          data_path: orders\n          output: '{\"id\": \"<person_id>\", <all_object_fields>}'\n",
    "path: /ping",
    "path: /ping"
)]
#[case::a_condition_uses_a_param(
    "unused_connector_param",
    "    - name: page_size\n",
    "    - name: page_size\n    - name: region\n      options: [eu, us]\n",
    "            path: /people\n",
    "            path: /people\n            when: region == 'eu'\n"
)]
#[case::function_may_use_any_param(
    "unused_connector_param",
    "    - name: page_size\n",
    "    - name: page_size\n    - name: workspace\n",
    "    - name: orders\n",
    "    - name: labels\n      requests:\n        read: {request_override: labels_read, param_values: [{name: email, identity: email}]}\n    - name: orders\n"
)]
fn what_has_a_reason_is_left_alone(
    #[case] code: &str,
    #[case] right: &str,
    #[case] wrong: &str,
    #[case] also: &str,
    #[case] change: &str,
) {
    let text = with_all(&[(right, wrong), (also, change)]);

    assert_eq!(found(&text, &format!("spec::lint_{code}")), [""; 0]);
}

#[test]
fn posts_that_count_as_reads_are_listed() {
    let source = SourceFile::new("shop.yml", CLEAN);
    let file = check_connector(&source, &CheckOptions::default()).value.unwrap();

    let places = spec::lint::reads_by_post(&file);

    assert_eq!(places.len(), 1);
    assert!(places[0].place.starts_with("endpoints[2].requests.read"), "{places:?}");
}

// rule: saas-config 11.8
#[rstest]
#[case::the_only_way_here("email", "/people", &[])]
#[case::narrowed_by_the_row("external_id", "/people/<person_id>", &[])]
#[case::reached_without_it("external_id", "/people", &["<who>"])]
fn a_write_that_may_reach_everybody_is_found(
    #[case] kind: &str,
    #[case] path: &str,
    #[case] places: &[&str],
) {
    let delete = format!(
        "        delete:
          method: DELETE
          path: {path}
          query_params: [{{name: who, value: <who>}}]
          param_values:
            - {{name: who, identity: {kind}}}
            - {{name: person_id, references: [{{dataset: shop, field: people.id, direction: from}}]}}
"
    );
    let text = with("    - name: orders\n", &format!("{delete}    - name: orders\n"));

    assert_eq!(found(&text, "spec::lint_unfiltered_write"), places);
}

// rule: saas-config 11.8
#[test]
fn a_second_read_by_reference_makes_the_first_one_wide() {
    let second = "          - method: GET
            path: /people/<id>
            param_values: [{name: id, references: [customer_ref]}]
            data_path: people
        update:
";
    let text = with("        update:\n", second);

    assert_eq!(found(&text, "spec::lint_unfiltered_read"), ["<email>"]);
}

#[test]
fn a_file_with_any_line_left_out_is_checked_to_the_end() {
    let lines: Vec<&str> = CLEAN.lines().collect();

    for without in 0..lines.len() {
        let kept: Vec<&str> =
            lines.iter().enumerate().filter(|(at, _)| *at != without).map(|(_, line)| *line).collect();
        let (source, diagnostics) = check(&kept.join("\n"));

        for found in diagnostics {
            assert!(found.span.end <= source.text().len(), "{found:?}");
            assert!(found.line >= 1 && found.column >= 1, "{found:?}");
        }
    }
}
