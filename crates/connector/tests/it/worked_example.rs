//! The worked example: access, and the calls of erasure (saas-config Appendix B).

use serde_json::{Value, json};
use testkit::Answer;

use std::collections::HashMap;

use connector::writes::{WriteRow, WriteSource, Writes};
use spec::connector_file::Per;

use crate::acme::{Acme, Outcome, Setup, flat, person, read_all};

const ACME: &str = r#"
saas_config:
  fides_key: acme
  name: Acme
  type: acme
  description: Demonstration
  version: 1.0.0
  connector_params:
    - {name: domain, default_value: api.acme.test}
    - {name: token, sensitive: true}
    - {name: regions, options: [eu, us], multiselect: true}
  client_config:
    protocol: https
    host: <domain>
    authentication: {strategy: bearer, configuration: {token: <token>}}
  test_request: {method: GET, path: /v2/ping}
  endpoints:
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

async fn acme(file: &str, regions: Value) -> Acme {
    let acme =
        Acme::start_with(file, Setup { secrets: vec![("regions", regions)], ..Setup::default() }).await;
    let jo = json!({"id": 7, "email": "jo@x.test", "name": {"first": "Jo", "last": "Q"}, "note": "n"});
    acme.saas.on("GET", "/v2/eu/people").with(move |call| {
        let rows = if call.query.ends_with("page=1") { vec![jo.clone()] } else { vec![] };
        Answer::json(200, &json!({"people": rows}))
    });
    acme.saas.on("GET", "/v2/us/people").then(Answer::json(200, &json!({"people": []})));
    let orders = json!([{"id": "o1", "total": 5}, {"id": "o2", "total": 9}]);
    acme.saas.on("GET", "/v2/people/7/orders").then(Answer::json(200, &orders));
    acme
}

async fn read(acme: &Acme, collection: &str, inputs: &[(&str, Value)]) -> Outcome {
    let jo = person(&[("email", "jo@x.test")]);
    read_all(&acme.connector.read(collection, &jo, flat(inputs)).unwrap()).await
}

// rule: saas-config B.2
#[tokio::test]
async fn access_makes_these_calls_and_gives_these_rows() {
    let acme = acme(ACME, json!(["eu", "us"])).await;

    let people = read(&acme, "person", &[("email", json!(["jo@x.test"]))]).await;
    let orders = read(&acme, "orders", &[("pid", json!([7]))]).await;
    let newsletter = read(&acme, "newsletter", &[("address", json!(["jo@x.test"]))]).await;

    assert_eq!(people.rows.len(), 1);
    assert_eq!(
        orders.json(),
        json!([{"id": "o1", "total": 5, "person_id": 7}, {"id": "o2", "total": 9, "person_id": 7}])
    );
    assert_eq!(newsletter.json(), json!([{}]));
    assert!([&people, &orders, &newsletter].iter().all(|outcome| outcome.completeness.is_complete()));
    assert_eq!(
        acme.targets(),
        [
            "/v2/eu/people?email=jo%40x.test&page=1",
            "/v2/eu/people?email=jo%40x.test&page=2",
            "/v2/us/people?email=jo%40x.test&page=1",
            "/v2/people/7/orders",
        ]
    );
    assert!(acme.saas.calls().iter().all(|call| call.header("authorization") == Some("Bearer T")));
}

// rule: saas-config B.4
#[tokio::test]
async fn not_found_is_an_error_unless_the_file_ignores_it() {
    let ignoring =
        ACME.replace("          output: |\n", "          ignore_errors: [404]\n          output: |\n");
    let (strict, lenient) = (acme(ACME, json!(["eu"])).await, acme(&ignoring, json!(["eu"])).await);
    for acme in [&strict, &lenient] {
        acme.saas.on("GET", "/v2/people/7/orders").then(Answer::status(404));
    }

    let failed = read(&strict, "orders", &[("pid", json!([7]))]).await;
    let empty = read(&lenient, "orders", &[("pid", json!([7]))]).await;

    assert_eq!(failed.reason(), "http_4xx");
    assert_eq!((empty.json(), empty.reason()), (json!([]), "complete".to_owned()), "no row, so no output");
}

// rule: saas-config B.4
// rule: saas-config 17.10
#[tokio::test]
async fn empty_list_secret_means_no_call() {
    let acme = acme(ACME, json!([])).await;

    let people = read(&acme, "person", &[("email", json!(["jo@x.test"]))]).await;
    let orders = read(&acme, "orders", &[]).await;

    assert_eq!((people.json(), orders.json()), (json!([]), json!([])));
    assert!(acme.targets().is_empty());
}

// rule: saas-config B.4
#[tokio::test]
async fn rate_limited_call_is_made_again_after_the_time_it_asks_for() {
    let acme = acme(ACME, json!(["us"])).await;
    acme.saas
        .on("GET", "/v2/us/people")
        .then(Answer::status(429).header("retry-after", "7"))
        .then(Answer::json(200, &json!({"people": []})));

    let people = read(&acme, "person", &[("email", json!(["jo@x.test"]))]).await;

    assert_eq!(people.reason(), "complete");
    assert_eq!((people.stats.requests, people.stats.retries), (2, 1));
    assert!(people.stats.rate_limit_wait.as_secs() >= 7, "{:?}", people.stats);
}

/// The writes that `collection` is erased with; `rows` are pairs of a row and its masked fields.
fn erase(acme: &Acme, collection: &str, rows: &[(Value, Value)]) -> Writes {
    let endpoint = acme.connector.connection().file.find_endpoint(collection).unwrap();
    let object = |value: &Value| value.as_object().unwrap().clone();
    let rows: Vec<WriteRow> = rows
        .iter()
        .map(|(row, masked)| WriteRow { row: object(row), masked: object(masked), all: object(row) })
        .collect();
    let jo = person(&[("email", "jo@x.test")]);
    let source = WriteSource {
        request: endpoint.update.first().or(endpoint.delete.first()).unwrap(),
        endpoint: collection,
        per: Per::Row,
        person: &jo,
        inputs: &flat(&[]),
        field_values: &HashMap::new(),
    };
    let mut writes = acme.connector.prepare_writes(source, &rows);
    for body in writes.planned.iter_mut().filter_map(|write| write.request.body.as_mut()) {
        *body = body.replace(jo.privacy_request_id.as_str(), "pri_1");
    }
    writes
}

/// Method, address, content type and body of each write.
fn shown(writes: &Writes) -> Vec<String> {
    assert!(writes.unwritten.is_empty(), "{:?}", writes.unwritten);
    let line = |write: &connector::writes::PlannedWrite| {
        let request = &write.request;
        let headers: Vec<String> =
            request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let body = request.body.clone().unwrap_or_default();
        format!("{} {} [{}] {body}", request.method, request.url, headers.join(", "))
    };
    writes.planned.iter().map(line).collect()
}

/// `note` is untyped and stands here unmasked, as the example has it; which values are masked is
/// decided elsewhere. A boolean of a form is written as JSON writes it.
// rule: saas-config B.3
#[tokio::test]
async fn erasure_makes_these_calls() {
    let acme = acme(ACME, json!(["eu", "us"])).await;
    let row = json!({"id": 7, "email": "jo@x.test", "name": {"first": "Jo", "last": "Q"}, "note": "n"});
    let masked = json!({"name": {"first": "MASKED", "last": "MASKED"}, "email": "MASKED"});
    let order = |id: &str| (json!({"id": id, "total": 5, "person_id": 7}), json!({}));

    let people = erase(&acme, "person", &[(row, masked)]);
    let orders = erase(&acme, "orders", &[order("o1"), order("o2")]);
    let newsletter = erase(&acme, "newsletter", &[(json!({}), json!({}))]);

    assert_eq!(
        shown(&people),
        ["PATCH https://api.acme.test/v2/people/7 [content-type: application/json] {\"person\":{\"name\":\
          {\"first\":\"MASKED\",\"last\":\"MASKED\"},\"email\":\"MASKED\"},\"reason\":\"pri_1\"}"]
    );
    assert_eq!(
        shown(&orders),
        [
            "DELETE https://api.acme.test/v2/people/7/orders/o1 [] ",
            "DELETE https://api.acme.test/v2/people/7/orders/o2 [] ",
        ]
    );
    assert_eq!(
        shown(&newsletter),
        [
            "POST https://api.acme.test/v2/newsletter/forget [content-type: application/x-www-form-urlencoded] \
          address=jo%40x.test&hard=true"
        ]
    );
    assert!(acme.saas.calls().is_empty(), "nothing is sent while writes are prepared");
}
