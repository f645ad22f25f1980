use std::sync::Arc;

use egress::{Door, DoorSettings, MemoryBudgets, Mode};
use model::{Clock, RandomIds};
use rstest::rstest;
use serde_json::json;
use spec::connector_file::Request;
use testkit::TestClock;

use super::*;
use crate::fixture::{connection, file, inputs, person};
use crate::{Connector, ConnectorParts, MemoryTokens, Settings};

/// A connector whose one endpoint `things` has this `update`, whose keys stand at the left margin.
fn connector(update: &str) -> Connector {
    let keys = indented(update);
    connector_of(&format!("    - name: things\n      requests:\n        update:\n{keys}"), &[])
}

fn indented(keys: &str) -> String {
    let lines: Vec<String> = keys.lines().map(|line| format!("          {line}\n")).collect();
    lines.concat()
}

fn connector_of(endpoints: &str, secrets: &[(&str, Value)]) -> Connector {
    let clock: Arc<dyn Clock> = Arc::new(TestClock::new());
    let budgets = Arc::new(MemoryBudgets::new(Arc::clone(&clock)));
    let mut file = file(endpoints);
    for param in file.connector_params.iter_mut().filter(|param| param.name == "token") {
        param.sensitive = true;
    }
    Connector::new(ConnectorParts {
        connection: connection(file, secrets),
        door: Door::new(DoorSettings::default(), Mode::Live, budgets, Arc::clone(&clock)).unwrap(),
        tokens: Arc::new(MemoryTokens::new()),
        clock,
        ids: Arc::new(RandomIds),
        settings: Settings::default(),
    })
}

fn request_of(connector: &Connector) -> Request {
    connector.connection().file.endpoints[0].update[0].clone()
}

#[expect(clippy::needless_pass_by_value, reason = "callers write the rows on the spot")]
fn rows(rows: Value) -> Vec<WriteRow> {
    let row = |row: &Value| WriteRow { row: row.as_object().unwrap().clone(), ..WriteRow::default() };
    rows.as_array().unwrap().iter().map(row).collect()
}

fn field(collection: &str, name: &str) -> FieldReference {
    FieldReference {
        dataset: "acme".into(),
        collection: collection.into(),
        path: vec![name.into()],
        direction: spec::reference::Direction::From,
    }
}

/// The writes for `rows`; `known` are values of fields of other collections.
fn writes(connector: &Connector, rows: &[WriteRow], known: &[(FieldReference, Value)]) -> Writes {
    let request = request_of(connector);
    let jo = person(&[("email", "jo@x.test")]);
    let no_inputs = inputs(&[]);
    let field_values =
        known.iter().map(|(field, list)| (field.clone(), list.as_array().unwrap().clone())).collect();
    let source = WriteSource {
        request: &request,
        endpoint: "things",
        per: request.per,
        person: &jo,
        inputs: &no_inputs,
        field_values: &field_values,
    };
    connector.prepare_writes(source, rows)
}

/// Path with query, and body, of each write.
fn calls(writes: &Writes) -> Vec<(String, Option<String>)> {
    let call = |write: &PlannedWrite| {
        let url = write.request.url.strip_prefix("https://api.acme.test").unwrap().to_owned();
        (url, write.request.body.clone())
    };
    writes.planned.iter().map(call).collect()
}

fn urls(writes: &Writes) -> Vec<String> {
    calls(writes).into_iter().map(|(url, _)| url).collect()
}

fn bodies(writes: &Writes) -> Vec<String> {
    calls(writes).into_iter().map(|(_, body)| body.unwrap()).collect()
}

const OWN_ID: &str = "param_values:
  - {name: id, references: [{dataset: acme, field: things.id, direction: from}]}
";

// rule: saas-config 20.8
// rule: saas-config 20.9
#[test]
fn each_row_has_its_own_call_in_order_and_equal_rows_too() {
    let connector = connector(&format!("method: DELETE\npath: /t/<id>\n{OWN_ID}"));

    let writes = writes(&connector, &rows(json!([{"id": 2}, {"id": "a/b"}, {"id": 2}])), &[]);

    assert_eq!(urls(&writes), ["/t/2", "/t/a%2Fb", "/t/2"]);
    assert_eq!(writes.planned[1].rows, [1]);
    assert!(writes.unwritten.is_empty());
}

// rule: saas-config 20.9
#[test]
fn value_of_another_collection_is_used_if_it_is_the_only_one_and_else_refused() {
    let connector = connector(
        "method: DELETE\npath: /t/<org>\nparam_values:\n  - {name: org, references: [{dataset: acme, field: orgs.id, direction: from}]}\n",
    );
    let two = rows(json!([{"id": 1}, {"id": 2}]));

    let alone = writes(&connector, &two, &[(field("orgs", "id"), json!(["o", "o"]))]);
    let several = writes(&connector, &two, &[(field("orgs", "id"), json!(["o", "p"]))]);

    assert_eq!(urls(&alone), ["/t/o", "/t/o"]);
    assert!(several.planned.is_empty());
    assert!(matches!(several.unwritten[0].reason, UnwrittenReason::Ambiguous { count: 2, .. }));
    assert!(several.unwritten[0].reason.to_string().contains("`org`"));
}

// rule: saas-config 20.10
#[test]
fn delete_only_collection_is_called_once_for_each_value_of_the_person() {
    let connector = connector(
        "method: POST\npath: /forget\nbody: '{\"mail\": \"<mail>\"}'\nparam_values: [{name: mail, identity: email}]\n",
    );

    let writes = writes(&connector, &rows(json!([{}])), &[]);

    assert_eq!(bodies(&writes), [r#"{"mail":"jo@x.test"}"#]);
    assert_eq!(writes.planned[0].request.headers, [("content-type".into(), "application/json".into())]);
}

// rule: saas-config 20.12
// rule: saas-config 20.13
// rule: saas-config 20.16
#[test]
fn masked_and_all_fields_stand_in_the_body_and_nothing_masked_is_no_call() {
    let body =
        "method: PATCH\npath: /t\nbody: '{\"m\": {<masked_object_fields>}, \"a\": {<all_object_fields>}}'\n";
    let connector = connector(body);
    let object = |value: Value| value.as_object().unwrap().clone();
    let masked = WriteRow {
        row: object(json!({"id": 1, "n": "x", "t": ["k", "l"]})),
        masked: object(json!({"n": null, "t": ["k", "M"]})),
        all: object(json!({"id": 1, "n": null, "t": ["k", "M"]})),
    };
    let nothing = WriteRow { row: object(json!({"id": 2})), ..WriteRow::default() };

    let writes = writes(&connector, &[masked, nothing], &[]);

    let body: Value = serde_json::from_str(&bodies(&writes)[0]).unwrap();
    assert_eq!(body, json!({"m": {"n": null, "t": ["k", "M"]}, "a": {"id": 1, "n": null, "t": ["k", "M"]}}));
    assert_eq!(writes.unwritten.len(), 1);
    assert_eq!(writes.unwritten[0].rows, [1]);
    assert!(matches!(writes.unwritten[0].reason, UnwrittenReason::NothingMasked { .. }));
}

#[test]
fn batch_holds_each_value_once_and_no_more_than_it_may() {
    let connector = connector(&format!(
        "method: POST\npath: /r\nbatch: {{param: id, max: 2}}\nbody: '{{\"ids\": [\"<id>\"], \"raw\": <id>}}'\n{OWN_ID}"
    ));
    let five = rows(json!([{"id": "a\"b"}, {"id": 7}, {"id": 7}, {"id": "c"}, {"other": 1}]));

    let writes = writes(&connector, &five, &[]);

    assert_eq!(bodies(&writes), [r#"{"ids":["a\"b","7"],"raw":["a\"b",7]}"#, r#"{"ids":["c"],"raw":["c"]}"#]);
    let covered: Vec<(Vec<usize>, usize)> =
        writes.planned.iter().map(|write| (write.rows.clone(), write.values)).collect();
    assert_eq!(covered, [(vec![0, 1, 2], 2), (vec![3], 1)]);
}

#[test]
fn rows_that_differ_in_another_value_do_not_share_a_batch() {
    let connector = connector(
        "method: POST\npath: /g/<group>\nbatch: {param: id, max: 9}\nbody: '[\"<id>\"]'\nparam_values:\n  \
         - {name: id, references: [{dataset: acme, field: things.id, direction: from}]}\n  \
         - {name: group, references: [{dataset: acme, field: things.group, direction: from}]}\n",
    );

    let writes = writes(
        &connector,
        &rows(json!([{"id": 1, "group": "x"}, {"id": 2, "group": "y"}, {"id": 3, "group": "x"}])),
        &[],
    );

    assert_eq!(
        calls(&writes),
        [("/g/x".into(), Some(r#"["1","3"]"#.into())), ("/g/y".into(), Some(r#"["2"]"#.into()))]
    );
}

#[rstest]
#[case("/r/<id>", "'{}'")]
#[case("/r", "'{\"text\": \"ids <id>\"}'")]
fn batch_has_no_place_outside_of_a_json_list(#[case] path: &str, #[case] body: &str) {
    let connector = connector(&format!(
        "method: POST\npath: {path}\nbatch: {{param: id, max: 5}}\nbody: {body}\n{OWN_ID}"
    ));

    let writes = writes(&connector, &rows(json!([{"id": 1}, {"id": 2}])), &[]);

    assert!(writes.planned.is_empty(), "{:?}", calls(&writes));
    assert!(writes.unwritten[0].reason.to_string().contains("batch"), "{}", writes.unwritten[0].reason);
}

// rule: saas-config 20.4
#[test]
fn write_for_the_person_takes_all_values_of_a_field_whatever_the_rows() {
    let connector = connector(
        "method: POST\npath: /r\nper: person\nbatch: {param: id, max: 2}\nbody: '[\"<id>\"]'\nparam_values:\n  \
         - {name: id, references: [{dataset: acme, field: ids.id, direction: from}]}\n",
    );
    let ids = [(field("ids", "id"), json!(["u1", "u2", "u1", null, "u3"]))];

    let three = writes(&connector, &rows(json!([{"x": 1}, {"x": 2}])), &ids);
    let unknown = writes(&connector, &[], &[]);

    assert_eq!(bodies(&three), [r#"["u1","u2"]"#, r#"["u3"]"#]);
    assert!(three.planned.iter().all(|write| write.rows.is_empty()));
    assert!(unknown.planned.is_empty());
    assert!(unknown.unwritten[0].reason.to_string().contains("`id`"), "{}", unknown.unwritten[0].reason);
}

#[test]
fn fields_of_other_collections_are_asked_for_and_for_the_person_all() {
    let connector = connector(
        "method: POST\npath: /<id>/<org>\nparam_values:\n  \
         - {name: id, references: [{dataset: acme, field: things.id, direction: from}]}\n  \
         - {name: org, references: [{dataset: acme, field: orgs.id, direction: from}]}\n",
    );
    let request = request_of(&connector);

    let needed = |per| fields_needed(connector.connection(), &request, "things", per);

    assert_eq!(needed(Per::Row), [field("orgs", "id")]);
    assert_eq!(needed(Per::Person), [field("things", "id"), field("orgs", "id")]);
}

// rule: saas-config 20.6
// rule: saas-config 20.7
#[test]
fn data_path_makes_rows_of_elements_and_postprocessors_choose_among_them() {
    let connector = connector(
        "method: DELETE\npath: /t/<sid>\ndata_path: subs\npostprocessors:\n  \
         - {strategy: filter, configuration: {field: kind, value: web}}\nparam_values:\n  \
         - {name: sid, references: [{dataset: acme, field: things.sid, direction: from}]}\n",
    );
    let request = request_of(&connector);
    let read: Vec<Row> = serde_json::from_value(json!([
        {"id": 1, "subs": [{"sid": 7, "kind": "web"}, {"sid": 8, "kind": "app"}]},
        {"id": 2},
        {"id": 3, "subs": [{"sid": 9, "kind": "web"}]},
    ]))
    .unwrap();

    let expanded = write_rows(&request, "things", read, (&person(&[]), &inputs(&[]))).unwrap();

    let sources: Vec<_> = expanded.iter().map(|row| row.source).collect();
    assert_eq!(sources, [Some(0), Some(2)]);
    let rows: Vec<WriteRow> =
        expanded.into_iter().map(|row| WriteRow { row: row.row, ..WriteRow::default() }).collect();
    assert_eq!(urls(&writes(&connector, &rows, &[])), ["/t/7", "/t/9"]);
}

#[test]
fn missing_value_leaves_a_row_out_and_says_why() {
    let keys = format!("method: DELETE\npath: /t/<id>\n{OWN_ID}");
    let two = rows(json!([{"id": 1}, {"id": null}]));

    let failing = writes(&connector(&keys), &two, &[]);
    let skipping = writes(&connector(&format!("{keys}skip_missing_param_values: true\n")), &two, &[]);

    assert_eq!((urls(&failing), urls(&skipping)), (vec!["/t/1".to_owned()], vec!["/t/1".to_owned()]));
    assert!(matches!(failing.unwritten[0].reason, UnwrittenReason::Build(_)));
    assert!(matches!(skipping.unwritten[0].reason, UnwrittenReason::Skipped(_)));
}

// rule: saas-config 20.16
#[test]
fn body_that_is_no_json_is_not_planned() {
    let connector = connector(&format!("method: PUT\npath: /t/<id>\nbody: '{{\"x\": 1,}}'\n{OWN_ID}"));

    let writes = writes(&connector, &rows(json!([{"id": 1}])), &[]);

    assert!(matches!(writes.unwritten[0].reason, UnwrittenReason::BodyNotJson { .. }));
}

const WITH_SECRET: &str = "method: POST
path: /t/<key>
headers: [{name: X-Key, value: <key>}]
query_params: [{name: k, value: <key>}]
body: '{\"key\": \"<key>\", \"id\": \"<id>\"}'
param_values:
  - {name: key, connector_param: token}
  - {name: id, references: [{dataset: acme, field: things.id, direction: from}]}
";

#[test]
fn sensitive_param_stands_in_a_write_by_name_and_is_put_back_escaped() {
    let keys = indented(WITH_SECRET);
    let endpoints = format!("    - name: things\n      requests:\n        update:\n{keys}");
    let connector = connector_of(&endpoints, &[("token", json!("canary/\"& x"))]);

    let writes = writes(&connector, &rows(json!([{"id": 1}])), &[]);

    let text = serde_json::to_string(&writes.planned[0].request).unwrap();
    assert!(!text.contains("canary"), "{text}");
    assert_eq!(writes.planned[0].request.url, "https://api.acme.test/t/__secret.token__?k=__secret.token__");
    let kept: WriteRequest = serde_json::from_str(&text).unwrap();
    assert_eq!(kept, writes.planned[0].request);
    let sent = kept.restore(connector.connection()).unwrap();
    assert_eq!(sent.url.as_str(), "https://api.acme.test/t/canary%2F%22%26%20x?k=canary%2F%22%26+x");
    assert_eq!(sent.headers["x-key"], "canary/\"& x");
    assert!(sent.headers["x-key"].is_sensitive());
    assert_eq!(sent.body.unwrap(), r#"{"key":"canary/\"& x","id":"1"}"#);
    assert!(!format!("{:?}", writes.planned).contains("acme.test"));
}

#[test]
fn value_of_a_row_cannot_ask_for_a_secret() {
    let connector = connector(&format!("method: DELETE\npath: /t/<id>\n{OWN_ID}"));

    let writes = writes(&connector, &rows(json!([{"id": "__secret.token__"}])), &[]);

    assert!(matches!(writes.unwritten[0].reason, UnwrittenReason::SecretMark { .. }));
}

#[test]
fn mark_of_something_that_is_no_secret_makes_no_request() {
    let connector = connector(&format!("method: DELETE\npath: /t/<id>\n{OWN_ID}"));
    let mut changed = writes(&connector, &rows(json!([{"id": 1}])), &[]).planned.remove(0).request;

    changed.url = "https://api.acme.test/t/__secret.domain__".into();

    assert!(changed.restore(connector.connection()).is_none());
}

#[test]
fn two_params_with_several_values_are_refused() {
    let connector = connector(
        "method: DELETE\npath: /<a>/<b>\nper: person\nparam_values:\n  \
         - {name: a, references: [{dataset: acme, field: x.a, direction: from}]}\n  \
         - {name: b, references: [{dataset: acme, field: x.b, direction: from}]}\n",
    );

    let one = [(field("x", "a"), json!([1, 2])), (field("x", "b"), json!([3]))];
    let two = [(field("x", "a"), json!([1, 2])), (field("x", "b"), json!([3, 4]))];

    assert_eq!(urls(&writes(&connector, &[], &one)), ["/1/3", "/2/3"]);
    assert!(matches!(writes(&connector, &[], &two).unwritten[0].reason, UnwrittenReason::TwoLists { .. }));
}

/// The connection `acme` of a library entry, at `domain`.
fn library(name: &str, domain: &str) -> Connector {
    let entry = spec::library::find(name).unwrap();
    let options =
        spec::CheckOptions { instance_key: Some("acme".parse().unwrap()), ..spec::CheckOptions::default() };
    let checked = spec::check_connector(&entry.connector, &options);
    let mut connector = connector_of("    - name: none\n      requests: {}\n", &[]).connection().clone();
    connector.file = Arc::new(checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics)));
    let secret = |name: &str, value: &str| (name.to_owned(), json!(value));
    connector.secrets = Arc::new(crate::Secrets::new(vec![
        secret("domain", domain),
        secret("workspace", "my-shop"),
        secret("regulation_type", "SUPPRESS_WITH_DELETE"),
        secret("access_token", "canary"),
    ]));
    let clock: Arc<dyn Clock> = Arc::new(TestClock::new());
    let budgets = Arc::new(MemoryBudgets::new(Arc::clone(&clock)));
    Connector::new(ConnectorParts {
        connection: connector,
        door: Door::new(DoorSettings::default(), Mode::Live, budgets, Arc::clone(&clock)).unwrap(),
        tokens: Arc::new(MemoryTokens::new()),
        clock,
        ids: Arc::new(RandomIds),
        settings: Settings::default(),
    })
}

const PUBLIC: &str = r#"https://api.segmentapis.com/regulations {"regulationType":"SUPPRESS_WITH_DELETE","subjectType":"USER_ID","subjectIds":["u1","u'2"]}"#;
const CONFIG: &str = r#"https://platform.segmentapis.com/v1beta/workspaces/my-shop/regulations {"regulation_type":"Suppress_With_Delete","attributes":{"name":"userId","values":["u1","u'2"]}}"#;

// rule: segment-api A74
// rule: segment-api A75
// rule: segment-api C3
// rule: segment-api C12
#[rstest]
#[case("segment", "api.segmentapis.com", PUBLIC)]
#[case("segment", "platform.segmentapis.com", CONFIG)]
#[case("segment_unify", "api.segmentapis.com", PUBLIC)]
#[case("segment_unify", "platform.segmentapis.com", CONFIG)]
fn segment_is_asked_once_with_all_user_ids_in_the_words_of_its_api(
    #[case] name: &str,
    #[case] domain: &str,
    #[case] expected: &str,
) {
    let connector = library(name, domain);
    let connection = connector.connection();
    let (endpoint, variants) = match connection.file.data_protection_request.as_slice() {
        [] => ("segment_user", &connection.file.find_endpoint("segment_user").unwrap().delete),
        _ => ("data_protection_request", &connection.file.data_protection_request),
    };
    let request = variants.iter().find(|request| connection.applies(request).unwrap()).unwrap();
    let (jo, no_inputs) = (person(&[("email", "jo@x.test")]), inputs(&[]));
    let mut field_values = HashMap::new();
    field_values.insert(field("user_ids", "id"), vec![json!("u1"), json!("u'2"), json!("u1")]);
    let source = WriteSource {
        request,
        endpoint,
        per: request.per,
        person: &jo,
        inputs: &no_inputs,
        field_values: &field_values,
    };

    let writes = connector
        .prepare_writes(source, &rows(json!([{"user_id": "u1"}, {"user_id": "u'2"}, {"user_id": "u1"}])));

    assert!(writes.unwritten.is_empty(), "{:?}", writes.unwritten);
    let sent: Vec<String> = writes
        .planned
        .iter()
        .map(|write| format!("{} {}", write.request.url, write.request.body.as_deref().unwrap()))
        .collect();
    assert_eq!(sent, [expected]);
    assert!(!request.repeatable && request.track.as_ref().unwrap().same.is_some());
}

// rule: saas-config 11.10
// rule: saas-config 23.6
#[test]
fn the_token_of_a_later_answer_is_a_mark_until_the_write_is_sent() {
    let connector = connector(
        "method: POST\npath: /forget\nheaders: [{name: x-token, value: <reply_to_token>}]\n\
         body: '{\"to\": \"<reply_to>\", \"token\": \"<reply_to_token>\"}'\nasync_config: {strategy: callback}",
    );

    let writes = writes(&connector, &rows(json!([{"id": 1}])), &[]);

    let write = &writes.planned[0].request;
    let body = write.body.clone().unwrap_or_default();
    assert!(
        body.contains("\"/api/v1/request-task/callback\"") && body.contains("__secret..reply_to_token__"),
        "{body}"
    );
    let sent = write.restore_with(connector.connection(), Some("cbk_1.aa")).unwrap();
    assert_eq!(sent.headers["x-token"], "cbk_1.aa");
    assert!(sent.headers["x-token"].is_sensitive());
    assert!(String::from_utf8_lossy(&sent.body.unwrap()).contains("\"token\":\"cbk_1.aa\""));
    assert!(write.restore(connector.connection()).is_none(), "without a token it is not sent");
}

// rule: saas-config 23.3
#[test]
fn a_write_whose_end_nobody_would_learn_is_not_made() {
    let connector = connector("method: POST\npath: /forget\nasync_config: {strategy: pigeon}");

    let writes = writes(&connector, &rows(json!([{"id": 1}])), &[]);

    assert!(writes.planned.is_empty());
    assert!(
        matches!(&writes.unwritten[0].reason, UnwrittenReason::NotFollowed { strategy, .. } if strategy == "pigeon")
    );
}
