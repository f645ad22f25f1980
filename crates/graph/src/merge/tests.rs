use serde_json::json;
use spec::reference::Direction;
use spec::{CheckOptions, SourceFile, check_connector, check_datasets};

use super::*;
use crate::fixture::{email, identities};
use crate::{Graph, SkipReason, Source, Targets};

/// A connector file with these endpoints, given as YAML at an indent of four.
fn connector(endpoints: &str) -> ConnectorFile {
    connector_with("  external_references: [{name: cid}]\n", endpoints)
}

fn connector_with(more: &str, endpoints: &str) -> ConnectorFile {
    let text = format!(
        "saas_config:
  fides_key: acme
  name: Acme
  type: acme
  description: Demonstration
  version: 1.0.0
  connector_params:
    - {{name: domain, default_value: api.acme.test}}
    - {{name: token, sensitive: true}}
    - {{name: regions, options: [eu, us], multiselect: true}}
{more}  client_config:
    protocol: https
    host: <domain>
    authentication: {{strategy: bearer, configuration: {{token: <token>}}}}
  test_request: {{method: GET, path: /v2/ping}}
  endpoints:
{endpoints}"
    );
    let checked = check_connector(&SourceFile::new("acme.yml", text), &CheckOptions::default());
    checked.value.unwrap_or_else(|| panic!("{:?}", checked.diagnostics))
}

fn dataset(collections: &str) -> Dataset {
    let text = format!("dataset:\n  - fides_key: acme\n    name: Acme\n    collections:\n{collections}");
    let checked = check_datasets(&SourceFile::new("dataset.yml", text), &CheckOptions::default());
    let datasets = checked.value.unwrap_or_else(|| panic!("{:?}", checked.diagnostics));
    datasets.into_iter().next().unwrap()
}

fn merged(endpoints: &str, collections: &str) -> GraphDataset {
    merge(&connector(endpoints), Some(&dataset(collections)), &HashMap::new()).unwrap()
}

/// `name(field, key*, …)` for each collection.
fn shape(dataset: &GraphDataset) -> Vec<String> {
    let field = |field: &GraphField| format!("{}{}", field.name, if field.primary_key { "*" } else { "" });
    let collection = |collection: &GraphCollection| {
        let fields: Vec<_> = collection.fields.iter().map(field).collect();
        format!("{}({})", collection.address.collection(), fields.join(", "))
    };
    dataset.collections.iter().map(collection).collect()
}

fn address(name: &str) -> CollectionAddress {
    CollectionAddress::new("acme", name)
}

const B_ENDPOINTS: &str = r#"
    - name: person
      requests:
        read:
          method: GET
          path: /v2/<region>/people
          query_params:
            - {name: email, value: <email>}
            - {name: page, value: 1}
          param_values:
            - {name: email, identity: email}
            - {name: region, connector_param: regions}
          data_path: people
          pagination:
            strategy: offset
            configuration: {incremental_param: page, increment_by: 1}
        update:
          method: PATCH
          path: /v2/people/<person_id>
          param_values:
            - name: person_id
              references: [{dataset: acme, field: person.id, direction: from}]
          body: |
            {"person": {<masked_object_fields>}, "reason": "<privacy_request_id>"}
    - name: orders
      requests:
        read:
          method: GET
          path: /v2/people/<pid>/orders
          param_values:
            - name: pid
              references: [{dataset: acme, field: person.id, direction: from}]
          output: |
            {<all_object_fields>, "person_id": <pid>}
        delete:
          method: DELETE
          path: /v2/people/<person_id>/orders/<order_id>
          param_values:
            - name: person_id
              references: [{dataset: acme, field: orders.person_id, direction: from}]
            - name: order_id
              references: [{dataset: acme, field: orders.id, direction: from}]
    - name: newsletter
      requests:
        delete:
          method: POST
          path: /v2/newsletter/forget
          headers: [{name: Content-Type, value: application/x-www-form-urlencoded}]
          param_values: [{name: address, identity: email}]
          body: '{"address": "<address>", "hard": true}'
"#;

const B_COLLECTIONS: &str = "
      - name: person
        fields:
          - {name: id, data_categories: [user.unique_id], fides_meta: {data_type: integer, primary_key: true}}
          - {name: email, data_categories: [user.contact.email], fides_meta: {data_type: string}}
          - name: name
            data_categories: [user.name]
            fields:
              - {name: first, data_categories: [user.name], fides_meta: {data_type: string}}
              - {name: last, data_categories: [user.name], fides_meta: {data_type: string}}
          - {name: note, data_categories: [user.content]}
      - name: orders
        fields:
          - {name: id, fides_meta: {primary_key: true}}
          - {name: person_id}
          - {name: total, data_categories: [user.financial]}
      - name: newsletter
        fields:
          - {name: topic, data_categories: [user.preference]}
";

// rule: saas-config B.1
// rule: saas-config 16.1
#[test]
fn worked_example_has_the_collections_keys_and_edges_of_the_contract() {
    let data = merged(B_ENDPOINTS, B_COLLECTIONS);

    let graph = Graph::build(std::slice::from_ref(&data)).unwrap();
    let traversal = graph.traverse(&email(), Targets::Everything).unwrap();

    assert_eq!(
        shape(&data),
        [
            "newsletter(topic, address*)",
            "orders(id*, person_id, total, pid)",
            "person(email, id*, name, note)"
        ]
    );
    let mut edges: Vec<String> = Vec::new();
    for edge in traversal.nodes().iter().flat_map(|node| &node.incoming) {
        edges.push(match &edge.source {
            Source::Identity(kind) => format!("{kind} -> {}", edge.target),
            Source::Field(field) => format!("{field} -> {}", edge.target),
        });
    }
    assert_eq!(
        edges,
        [
            "email -> acme:newsletter:address",
            "email -> acme:person:email",
            "acme:person:id -> acme:orders:pid"
        ]
    );
}

// rule: saas-config B.4
// rule: saas-config 16.13
#[test]
fn worked_example_with_another_identity_reads_nothing() {
    let graph = Graph::build(&[merged(B_ENDPOINTS, B_COLLECTIONS)]).unwrap();
    let phone = identities(&[("phone_number", json!("+15550100"))]);

    let traversal = graph.traverse(&phone, Targets::Categories(&["user".into()])).unwrap();

    assert!(traversal.nodes().is_empty());
    assert_eq!(traversal.skipped().len(), 3);
    assert!(traversal.skipped().iter().all(|skip| skip.reason != SkipReason::NothingLeadsThere));
}

const TWO_READS: &str = "
    - name: person
      requests:
        read:
          - method: GET
            path: /a
            query_params: [{name: q, value: <q>}]
            param_values:
              - name: q
                references: [{dataset: acme, field: a.id, direction: from}]
          - method: GET
            path: /b
            query_params: [{name: q, value: <q>}]
            param_values:
              - name: q
                references: [{dataset: acme, field: b.id, direction: from}]
          - method: GET
            path: /c
            query_params: [{name: q, value: <q>}]
            param_values: [{name: q, identity: email}]
";

// rule: saas-config 16.3
#[test]
fn reads_that_share_a_param_name_keep_all_its_sources() {
    let data = merged(TWO_READS, "\n      - {name: person, fields: [{name: id}]}\n");

    let q = data.collections[0].find_field(["q"]).unwrap();
    let targets: Vec<_> = q.references.iter().map(|reference| reference.collection.as_str()).collect();
    assert_eq!(targets, ["a", "b"], "the last one alone would lose an edge");
    assert_eq!(q.identities, ["email"]);
}

// rule: saas-config 16.2
#[test]
fn a_reference_points_at_collection_and_path() {
    let data = merged(
        "
    - name: person
      requests:
        read:
          method: GET
          path: /a/<q>
          param_values:
            - name: q
              references: [{dataset: other, field: c.a.b, direction: from}]
",
        "\n      - {name: person, fields: []}\n",
    );

    let reference = &data.collections[0].fields[0].references[0];
    assert_eq!((reference.dataset.as_str(), reference.collection.as_str()), ("other", "c"));
    assert_eq!(reference.path, ["a", "b"]);
}

// rule: saas-config 16.4
#[test]
fn a_dataset_of_another_key_is_used_alone() {
    let mut other = dataset("\n      - {name: person, fields: [{name: id}]}\n");
    other.fides_key = "other".into();

    let data = merge(&connector(B_ENDPOINTS), Some(&other), &HashMap::new()).unwrap();

    assert_eq!(data.fides_key, "other");
    assert_eq!(shape(&data), ["person(id)"]);
}

const EXTERNAL: &str = "
    - name: person
      requests:
        read:
          method: GET
          path: /u/<user>
          param_values: [{name: user, references: [cid]}]
";

// rule: saas-config 16.5
// rule: saas-config A46
#[test]
fn an_external_reference_comes_from_the_secrets_or_is_an_error() {
    let file = connector(EXTERNAL);
    let chosen = FieldReference {
        dataset: "shop".into(),
        collection: "users".into(),
        path: vec!["segment".into(), "id".into()],
        direction: Direction::From,
    };
    let references = HashMap::from([("cid".to_owned(), chosen.clone())]);

    let data = merge(&file, None, &references).unwrap();
    let missing = merge(&file, None, &HashMap::new()).unwrap_err();

    assert_eq!(data.collections[0].fields[0].references, [chosen]);
    let text = missing.to_string();
    assert!(text.contains("`cid`") && text.contains("not found in connector's secrets"), "{text}");
}

// rule: saas-config 16.6
#[test]
fn the_datasets_field_is_kept_and_takes_the_edges_of_the_param() {
    let data = merged(
        B_ENDPOINTS,
        "
      - name: person
        data_categories: [user]
        fields:
          - name: email
            fields: [{name: value, data_categories: [user.contact.email]}]
",
    );

    let person = data.collections.iter().find(|collection| collection.address == address("person")).unwrap();
    let field = person.find_field(["email"]).unwrap();
    assert_eq!(person.data_categories, ["user"]);
    assert_eq!(field.fields.len(), 1, "an object field of the dataset stays one");
    assert_eq!(field.identities, ["email"]);
    assert_eq!(
        shape(&data).iter().map(|text| text.split('(').next().unwrap()).collect::<Vec<_>>(),
        ["person", "orders", "newsletter"],
        "the dataset's collections come first, then those of the file alone"
    );
}

// rule: saas-config 16.7
#[test]
fn a_delete_only_endpoint_keeps_its_key_when_the_dataset_has_the_field_too() {
    let data = merged(B_ENDPOINTS, "\n      - {name: newsletter, fields: [{name: address}]}\n");

    assert!(shape(&data).contains(&"newsletter(address*)".to_owned()), "{:?}", shape(&data));
}

// rule: saas-config 16.7
// rule: privacy-requests G-3
#[test]
fn orders_of_file_and_dataset_are_united_and_overrides_kept() {
    let data = merged(
        "
    - name: person
      after: [acme.first]
      erase_after: [acme.orders]
      requests:
        read: {method: GET, path: /a, query_params: [{name: e, value: <e>}], param_values: [{name: e, identity: email}]}
",
        "
      - name: person
        fides_meta: {after: [acme.second], erase_after: [acme.notes], masking_strategy_override: {strategy: delete}}
        fields: [{name: id}]
",
    );

    let person = &data.collections[0];
    assert_eq!(person.after, [address("second"), address("first")]);
    assert_eq!(person.erase_after, [address("notes"), address("orders")]);
    assert!(person.masking_strategy_override.is_some());
}

// rule: saas-config 16.8
#[test]
fn skip_processing_removes_a_collection_only_where_the_endpoint_has_fields() {
    let data = merged(
        "
    - name: gone
      skip_processing: true
      requests:
        read: {method: GET, path: /a, query_params: [{name: e, value: <e>}], param_values: [{name: e, identity: email}]}
    - name: stays
      skip_processing: true
      requests:
        read: {method: GET, path: /b}
    - name: back
      requests:
        read: {method: GET, path: /c, query_params: [{name: e, value: <e>}], param_values: [{name: e, identity: email}]}
",
        "
      - {name: gone, fields: [{name: id}]}
      - {name: stays, fields: [{name: id}]}
      - {name: back, fields: [{name: id}], fides_meta: {skip_processing: true}}
",
    );

    assert_eq!(shape(&data), ["stays(id)", "back(e)"]);
}

// rule: saas-config 16.9
// rule: saas-config 16.1
#[test]
fn an_endpoint_without_dataset_has_param_fields_and_one_without_params_makes_nothing() {
    let file = connector(
        "
    - name: people
      requests:
        read:
          method: GET
          path: /<region>/a
          query_params: [{name: e, value: <e>}]
          param_values: [{name: e, identity: email}, {name: region, connector_param: regions}]
    - name: all
      requests:
        read: {method: GET, path: /b/<region>, param_values: [{name: region, connector_param: regions}]}
",
    );

    let data = merge(&file, None, &HashMap::new()).unwrap();

    assert_eq!(shape(&data), ["people(e)"]);
    assert!(data.collections[0].fields[0].data_categories.is_empty());
}

// rule: saas-config 16.10
#[test]
fn update_and_delete_requests_make_no_edges() {
    let data = merged(B_ENDPOINTS, B_COLLECTIONS);

    // The delete request of `orders` refers to its own collection, which a read must not.
    assert!(Graph::build(&[data]).is_ok());
}

// rule: saas-config 17.6
#[test]
fn grouped_inputs_come_from_the_first_read_request() {
    let data = merged(
        "
    - name: issues
      requests:
        read:
          method: GET
          path: /<org>/<slug>
          grouped_inputs: [org, slug]
          param_values:
            - name: org
              references: [{dataset: acme, field: projects.org, direction: from}]
            - name: slug
              references: [{dataset: acme, field: projects.slug, direction: from}]
",
        "\n      - {name: issues, fields: []}\n",
    );

    assert_eq!(data.collections[0].grouped_inputs, ["org", "slug"]);
}
