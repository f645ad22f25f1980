//! Plans of an application and a database, and that making them changes nothing.

mod corrections;
mod held;
mod requests;
mod segment;
mod world;

use graph::{MaskingGrade, MaskingMode};
use model::Outcome;
use privacy::plan::{Call, Exceeded, Operation, Plan, Reversibility, Verification};
use privacy::{PlanningError, RaisedLimits};
use serde_json::{Value, json};
use spec::{Access, PlanLimits};
use testkit::Answer;

use world::{App, World, policy};

const SHOP: &str = "  - name: customers
    fields:
    - {name: id, fides_meta: {primary_key: true}}
    - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email, data_type: string}}
    - {name: name, data_categories: [user.name], fides_meta: {data_type: string}}
    - {name: points, data_categories: [user.behavior]}
  - name: orders
    fields:
    - {name: id, fides_meta: {primary_key: true}}
    - {name: customer, fides_meta: {references: [{dataset: shop, field: customers.id, direction: from}]}}
    - {name: city, data_categories: [user.contact.address], fides_meta: {data_type: string}}
";

const TABLES: &str = "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, name TEXT, points INTEGER);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, city TEXT);
    INSERT INTO customers VALUES (1, 'ana@example.com', 'Ana', 7), (2, 'bo@example.com', 'Bo', 8);
    INSERT INTO orders VALUES (10, 1, 'Rome'), (11, 1, 'Oslo'), (12, 2, 'Bonn'), (13, 1, NULL);";

const ACME: &str = r#"saas_config:
  fides_key: acme
  name: Acme
  type: acme
  description: Made up
  version: 1.2.3
  connector_params: [{name: domain}, {name: token, sensitive: true}]
  client_config: {protocol: http, host: <domain>, authentication: {strategy: bearer, configuration: {token: <token>}}}
  test_request: {method: GET, path: /ping}
  endpoints:
    - name: people
      requests:
        read: {method: GET, path: /people, query_params: [{name: e, value: <e>}], param_values: [{name: e, identity: email}]}
        update:
          method: PATCH
          path: /people/<id>
          headers: [{name: X-Key, value: <key>}]
          param_values:
            - {name: id, references: [{dataset: acme, field: people.id, direction: from}]}
            - {name: key, connector_param: token}
          body: '{ "person": {<masked_object_fields>} }'
    - name: notes
      requests:
        read: {method: GET, path: /notes/<pid>, param_values: [{name: pid, references: [{dataset: acme, field: people.id, direction: from}]}]}
        delete: {method: DELETE, path: /notes/<id>, param_values: [{name: id, references: [{dataset: acme, field: notes.id, direction: from}]}]}
    - name: visits
      requests:
        read: {method: GET, path: /visits/<pid>, param_values: [{name: pid, references: [{dataset: acme, field: people.id, direction: from}]}]}
"#;

const ACME_DATA: &str = "dataset:
  - fides_key: acme
    name: Acme
    collections:
      - name: people
        fields:
          - {name: id, fides_meta: {primary_key: true}}
          - {name: email, data_categories: [user.contact.email], fides_meta: {data_type: string}}
          - {name: name, data_categories: [user.name], fides_meta: {data_type: string}}
          - {name: born, data_categories: [user.demographic], fides_meta: {data_type: integer}}
          - {name: vat, data_categories: [user.financial], fides_meta: {read_only: true}}
      - name: notes
        fields: [{name: id, fides_meta: {primary_key: true}}, {name: text, data_categories: [user.content]}]
      - name: visits
        fields: [{name: id, fides_meta: {primary_key: true}}, {name: place, data_categories: [user.location]}]
";

fn acme(mode: MaskingMode) -> App<'static> {
    App {
        connector: ACME,
        dataset: ACME_DATA,
        secrets: vec![("token", json!("canary-token-0123456789"))],
        mode,
        ..App::default()
    }
}

async fn acme_world(mode: MaskingMode) -> World {
    let world = World::new().await.app(acme(mode));
    let person = json!({"id": 7, "email": "ana@example.com", "name": "Ana", "born": 1990, "vat": "V1"});
    world.saas.on("GET", "/people").then(Answer::json(200, &json!([person])));
    world
        .saas
        .on("GET", "/notes/7")
        .then(Answer::json(200, &json!([{"id": "n/1", "text": "hi"}, {"id": 2, "text": "ho"}])));
    world.saas.on("GET", "/visits/7").then(Answer::json(200, &json!([{"id": 1, "place": "Rome"}])));
    world
}

fn sql(operation: &Operation) -> &str {
    match &operation.call {
        Call::Sql { sql, .. } => sql,
        Call::Http { .. } => panic!("a statement"),
    }
}

fn stays(plan: &Plan) -> Vec<(String, String, u64, Outcome)> {
    let entry = |one: &privacy::plan::NotCovered| {
        (one.collection.collection().to_owned(), one.reason.clone(), one.rows, one.outcome)
    };
    plan.contents().not_covered.iter().map(entry).collect()
}

fn stay(collection: &str, reason: &str, rows: u64, outcome: Outcome) -> (String, String, u64, Outcome) {
    (collection.to_owned(), reason.to_owned(), rows, outcome)
}

#[tokio::test]
async fn a_database_is_planned_row_by_row_and_not_touched() {
    let world = World::new().await.database(TABLES, SHOP).await;

    let plan = world.plan().await.unwrap();

    let operations = &plan.contents().operations;
    assert_eq!(operations.len(), 2, "{}", plan.to_text());
    let customers = &operations[0];
    assert_eq!((customers.order, customers.rows, customers.connection.as_str()), (1, 1, "shop"));
    assert!(sql(customers).starts_with("UPDATE `customers` SET"), "{}", sql(customers));
    assert_eq!(operations[1].rows, 2, "the order without a city has nothing to mask");
    assert_eq!(customers.expected, Outcome::Masked);
    assert_eq!(customers.grade, Some(MaskingGrade::Overwritten));
    assert_eq!(customers.reversibility, Reversibility::FromBackup);
    assert_eq!(customers.verification, Verification::ReadAgain);
    assert!(customers.repeatable);
    let reasons: Vec<_> =
        customers.reason.iter().map(|one| (one.category.as_str(), one.fields.join(","))).collect();
    assert_eq!(
        reasons,
        [
            ("user.behavior", "points".into()),
            ("user.contact.email", "email".into()),
            ("user.name", "name".to_owned())
        ]
    );
    assert_eq!(customers.uses.rows.len(), 1);
    assert!(plan.contents().not_covered.is_empty(), "{:?}", plan.contents().not_covered);
    let reads: Vec<_> =
        plan.contents().reads.iter().map(|read| (read.address.collection(), read.rows)).collect();
    assert_eq!(reads, [("customers", 1), ("orders", 3)]);
    assert_eq!(Plan::parse(&plan.to_json()).unwrap(), plan);
}

#[tokio::test]
async fn the_statement_of_the_file_is_the_statement_that_was_made() {
    let world = World::new().await.database(TABLES, SHOP).await;
    let plan = world.plan().await.unwrap();

    let file = Plan::parse(&plan.to_json()).unwrap();

    for (read, made) in file.contents().operations.iter().zip(&plan.contents().operations) {
        let statement = read.sql_operation().unwrap();
        assert_eq!(Some(&statement), made.sql_operation().as_ref());
        assert_eq!(statement.keys, made.rows);
        assert!(read.write_request().is_none());
    }
}

#[tokio::test]
async fn an_application_is_planned_and_nothing_but_reads_is_sent() {
    let world = acme_world(MaskingMode::Any).await;

    let plan = world.plan().await.unwrap();

    assert_eq!(world.writes(), Vec::<String>::new());
    let sent: Vec<_> = plan
        .contents()
        .operations
        .iter()
        .map(|operation| {
            let request = operation.write_request().unwrap();
            let url = request.url.replace(&world.saas.base_url(), "");
            (request.method, url, request.body)
        })
        .collect();
    let masked = r#"{"person":{"email":null,"name":null,"born":null}}"#;
    assert_eq!(
        sent,
        [
            ("DELETE".to_owned(), "/notes/n%2F1".to_owned(), None),
            ("DELETE".into(), "/notes/2".into(), None),
            ("PATCH".into(), "/people/7".into(), Some(masked.to_owned())),
        ]
    );
    assert_eq!(
        stays(&plan),
        [
            stay("people", "read_only", 1, Outcome::Exempt),
            stay("visits", "no_request", 1, Outcome::Unsupported)
        ]
    );
    assert!(!plan.to_json().contains("canary-token"), "secrets stand in no plan");
    assert!(plan.to_json().contains("__secret.token__"));
    assert_eq!(plan.contents().connections[0].version, "1.2.3");
}

#[tokio::test]
async fn strict_masking_sends_updates_only_and_says_what_stays() {
    let world = acme_world(MaskingMode::Strict).await;

    let plan = world.plan().await.unwrap();

    assert_eq!(plan.contents().operations.len(), 1);
    assert!(stays(&plan).contains(&stay("notes", "masking_strict", 2, Outcome::Unsupported)));
}

// rule: privacy-requests 21.18
#[tokio::test]
async fn a_connection_that_may_only_read_stays_and_counts_as_failed() {
    let world = World::new().await.database_with(TABLES, SHOP, Access::Read).await;

    let plan = world.plan().await.unwrap();

    assert!(plan.contents().operations.is_empty());
    assert_eq!(
        stays(&plan),
        [
            stay("customers", "no_write_access", 1, Outcome::Failed),
            stay("orders", "no_write_access", 3, Outcome::Failed)
        ]
    );
}

// The outcome here: it is unsupported, never a silent success.
// rule: privacy-requests 21.17
#[tokio::test]
async fn a_table_without_primary_key_is_unsupported() {
    let dataset = SHOP.replace(", fides_meta: {primary_key: true}", "");
    let world = World::new().await.database(TABLES, &dataset).await;

    let plan = world.plan().await.unwrap();

    assert!(plan.contents().operations.is_empty());
    assert_eq!(stays(&plan)[0], stay("customers", "no_primary_key", 1, Outcome::Unsupported));
    assert!(plan.contents().headline().starts_with("nothing can be done: No values were erased"));
}

// The outcome here: an untyped text is masked by what it is, an untyped number is unsupported.
// rule: privacy-requests 21.16
#[tokio::test]
async fn untyped_fields_are_masked_by_what_they_hold_or_unsupported() {
    let dataset = SHOP.replace(", data_type: string", "").replace(", fides_meta: {data_type: string}", "");
    let strategy = json!({"strategy": "hmac", "configuration": {}});
    let world = World::new().await.database(TABLES, &dataset).await.with_policy(policy("user", &strategy));

    let plan = world.plan().await.unwrap();

    let Call::Sql { columns, .. } = &plan.contents().operations[0].call else { panic!("a statement") };
    assert_eq!(columns, &["email", "name"]);
    assert_eq!(plan.contents().operations[0].grade, Some(MaskingGrade::KeyedHash));
    let points = &plan.contents().not_covered[0];
    assert_eq!(
        (points.reason.as_str(), points.fields.as_slice(), points.rows),
        ("not_text", &["points".to_owned()][..], 1)
    );
}

// The outcome here: both tables are read and planned.
// rule: privacy-requests 21.9
#[tokio::test]
async fn tables_that_point_at_each_other_are_both_planned() {
    let dataset = "  - name: A
    fields:
    - {name: id, fides_meta: {primary_key: true}}
    - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email}}
    - {name: b, fides_meta: {references: [{dataset: shop, field: B.id, direction: from}]}}
  - name: B
    fields:
    - {name: id, fides_meta: {primary_key: true}}
    - {name: a, fides_meta: {references: [{dataset: shop, field: A.id, direction: from}]}}
    - {name: note, data_categories: [user.content]}
";
    let tables = "CREATE TABLE A (id INTEGER PRIMARY KEY, email TEXT, b INTEGER);
        CREATE TABLE B (id INTEGER PRIMARY KEY, a INTEGER, note TEXT);
        INSERT INTO A VALUES (1, 'ana@example.com', 5); INSERT INTO B VALUES (5, 1, 'x');";
    let world = World::new().await.database(tables, dataset).await;

    let plan = world.plan().await.unwrap();

    assert_eq!(plan.contents().operations.len(), 2);
}

#[tokio::test]
async fn deletion_is_planned_children_first() {
    let dataset = SHOP.replace(
        "  - name: customers\n",
        "  - name: customers\n    fides_meta: {masking_strategy_override: {strategy: delete}}\n",
    );
    let world = World::new().await.database(TABLES, &dataset).await;

    let plan = world.plan().await.unwrap();

    let operations = &plan.contents().operations;
    let shown: Vec<_> =
        operations.iter().map(|one| (sql(one).split(' ').next().unwrap(), one.waits_for.clone())).collect();
    assert_eq!(shown, [("UPDATE", vec![]), ("DELETE", vec![1])]);
    assert_eq!(operations[1].expected, Outcome::Erased);
    assert_eq!(operations[1].grade, Some(MaskingGrade::Deleted));
}

async fn many(rows: u64) -> World {
    let fill = format!(
        "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < {}) INSERT INTO orders SELECT i, 1, 'Bern' FROM n",
        99 + rows
    );
    World::new().await.database(&format!("{TABLES} {fill};"), SHOP).await
}

#[tokio::test]
async fn a_plan_with_more_writes_than_allowed_is_refused_and_leaves_nothing() {
    let world = many(600).await;
    let service = world.service().await;

    let refused = service.plan(world.request(), engine::Cancellation::never(), &|_| {}).await.unwrap_err();

    assert!(refused.is_refusal());
    let PlanningError::Refused { exceeded } = refused else { panic!("{refused}") };
    assert_eq!(exceeded[0], Exceeded::Writes { found: 603, limit: 500 });
    assert!(matches!(exceeded[1], Exceeded::Share { rows: 602, all: 604, .. }), "{exceeded:?}");
    let runs = service.parts().store.run_list(store::RunState::Finished, 9).await.unwrap();
    assert_eq!(runs.len(), 1);
    assert!(runs[0].forgotten_at.is_some());
}

#[tokio::test]
async fn raised_limits_allow_it_and_stand_in_the_plan() {
    let world = many(2500).await;
    let raised =
        RaisedLimits { max_writes: Some(5000), max_share_of_table: Some(1.0), ..RaisedLimits::default() };
    let request = privacy::PlanRequest { raised, ..world.request() };

    let plan = world.plan_of(request).await.unwrap();

    let rows: Vec<_> = plan.contents().operations.iter().map(|operation| operation.rows).collect();
    assert_eq!(rows, [1, 1000, 1000, 502]);
    assert_eq!(plan.contents().limits.max_writes, 5000);
    assert_eq!(plan.contents().raised.max_share_of_table, Some(1.0));
}

#[tokio::test]
async fn a_large_table_is_no_obstacle_for_few_rows() {
    let mut world = many(40).await;
    world.sql("WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 5300) INSERT INTO orders SELECT i, 9, 'Ulm' FROM n;").await;

    let plan = world.plan().await.unwrap();
    let orders = plan.contents().reads.iter().find(|read| read.address.collection() == "orders").unwrap();
    assert_eq!(orders.table_rows, Some(4201), "counted no further than it matters");

    world.limits = PlanLimits { max_share_of_table: 0.005, ..PlanLimits::default() };
    assert!(world.plan().await.unwrap_err().is_refusal());
}

#[tokio::test]
async fn rows_of_somebody_else_block_a_plan_that_would_change_them() {
    let world = World::new().await.app(acme(MaskingMode::Strict));
    world.saas.on("GET", "/people").then(Answer::json(
        200,
        &json!([{"id": 7, "email": "ana@example.com"}, {"id": 8, "email": "bo@example.com"}]),
    ));

    let refused = world.plan().await.unwrap_err();

    let PlanningError::Refused { exceeded } = refused else { panic!("{refused}") };
    assert!(matches!(&exceeded[0], Exceeded::Foreign { rows: 1, .. }), "{exceeded:?}");
}

#[tokio::test]
async fn what_was_not_read_to_its_end_is_not_called_covered() {
    let world = acme_world(MaskingMode::Any).await;
    world.saas.on("GET", "/notes/7").then(Answer::json(500, &json!({})));

    let plan = world.plan().await.unwrap();

    assert!(stays(&plan).contains(&stay("notes", "not_read", 0, Outcome::Failed)));
    let notes = plan.contents().reads.iter().find(|read| read.address.collection() == "notes").unwrap();
    assert!(!notes.complete);
    assert!(plan.to_text().contains("acme:notes was not read to its end"));
}

#[tokio::test]
async fn nothing_readable_is_no_plan() {
    let world = World::new().await.app(acme(MaskingMode::Any));
    world.saas.on("GET", "/people").then(Answer::json(403, &json!({})));

    let error = world.plan().await.unwrap_err();

    assert!(matches!(error, PlanningError::NothingRead { .. }), "{error}");
}

#[tokio::test]
async fn nobody_found_is_an_empty_plan_that_says_so() {
    let mut world = World::new().await.database(TABLES, SHOP).await;
    world.identities = model::Identities::default();
    world.identities.insert("email", "nobody@example.com".into()).unwrap();

    let plan = world.plan().await.unwrap();

    assert!(plan.contents().operations.is_empty() && plan.contents().not_covered.is_empty());
    assert!(plan.to_text().starts_with("nothing to do: no targeted data of this person were found"));
}

#[tokio::test]
async fn plans_of_equal_draws_are_equal_but_for_run_and_time() {
    let world = World::new().await.database(TABLES, SHOP).await;
    let comparable = |plan: &Plan| {
        let mut file: Value = serde_json::from_str(&plan.to_json()).unwrap();
        for key in ["run", "made_at", "digest", "reads", "connections"] {
            file.as_object_mut().unwrap().remove(key);
        }
        for operation in file["operations"].as_array_mut().unwrap() {
            operation["uses"] = Value::Null;
        }
        file
    };

    let (one, other) = (world.plan().await.unwrap(), world.plan().await.unwrap());

    assert_eq!(comparable(&one), comparable(&other));
    assert_ne!(one.digest(), other.digest(), "another run is another plan");
    let key = |plan: &Plan| plan.contents().operations[0].uses.rows[0].key.clone();
    assert_ne!(key(&one), key(&other), "hashes of two runs cannot be compared");
}

#[tokio::test]
async fn random_masks_stand_in_the_plan() {
    let strategy = json!({"strategy": "random_string_rewrite", "configuration": {"length": 12}});
    let world = World::new().await.database(TABLES, SHOP).await.with_policy(policy("user.name", &strategy));

    let plan = world.plan().await.unwrap();

    let Call::Sql { parameters, .. } = &plan.contents().operations[0].call else { panic!("a statement") };
    let shown = serde_json::to_string(parameters).unwrap();
    let again = Plan::parse(&plan.to_json()).unwrap();
    let Call::Sql { parameters, .. } = &again.contents().operations[0].call else { panic!("a statement") };
    assert_eq!(serde_json::to_string(parameters).unwrap(), shown);
}

#[tokio::test]
async fn elements_of_others_in_an_array_stay_as_they_are() {
    let dataset = "  - name: customers
    fields:
    - {name: id, fides_meta: {primary_key: true}}
    - {name: emails, data_categories: [user.contact.email], fides_meta: {identity: email, data_type: 'string[]'}}
";
    let tables = r#"CREATE TABLE customers (id INTEGER PRIMARY KEY, emails TEXT);
        INSERT INTO customers VALUES (1, '["bo@example.com", "ana@example.com"]');"#;
    let world = World::new().await.database(tables, dataset).await;

    let plan = world.plan().await.unwrap();

    let statement = plan.contents().operations[0].sql_operation().unwrap();
    let shown = format!("{} {}", statement.sql, serde_json::to_string(&statement.parameters).unwrap());
    assert!(shown.contains("$[1]") || shown.contains("bo@example.com"), "{shown}");
    assert!(!shown.contains("$[0]"), "the first address is somebody else's: {shown}");
}

#[tokio::test]
async fn a_policy_without_the_rule_is_bad_input() {
    let world = World::new().await.database(TABLES, SHOP).await.with_policy(world::correcting("user"));

    let error = world.plan().await.unwrap_err();

    assert!(error.is_bad_input() && !error.is_refusal());
    assert!(error.to_string().contains("no rule with `action_type: erasure`"), "{error}");
}

#[tokio::test]
async fn data_that_only_another_identity_leads_to_are_named() {
    let dataset = format!(
        "{SHOP}  - name: calls\n    fields: [{{name: id, fides_meta: {{primary_key: true}}}}, {{name: phone, data_categories: [user.contact.phone_number], fides_meta: {{identity: phone_number}}}}]\n"
    );
    let world = World::new().await.database(TABLES, &dataset).await;

    let plan = world.plan().await.unwrap();

    assert_eq!(stays(&plan), [stay("calls", "not_reached", 0, Outcome::NotFound)]);
}
