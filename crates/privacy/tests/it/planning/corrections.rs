//! Plans that correct instead of erasing.

use graph::MaskingMode;
use model::Outcome;
use privacy::PlanRequest;
use privacy::plan::{Call, Plan, PlanAction};
use serde_json::json;
use testkit::Answer;

use super::world::{App, World, correcting};
use super::{SHOP, TABLES, stay, stays};

const APP: &str = r"saas_config:
  fides_key: acme
  name: Acme
  type: acme
  description: Made up
  version: 1.0.0
  connector_params: [{name: domain}]
  client_config: {protocol: http, host: <domain>}
  test_request: {method: GET, path: /ping}
  endpoints:
    - name: people
      requests:
        read: {method: GET, path: /people, query_params: [{name: e, value: <e>}], param_values: [{name: e, identity: email}]}
      rectify:
        fields: [name]
        request:
          method: PATCH
          path: /people/<id>
          param_values: [{name: id, references: [{dataset: acme, field: people.id, direction: from}]}]
          body: '{<masked_object_fields>}'
";

const APP_DATA: &str = "dataset:
  - fides_key: acme
    name: Acme
    collections:
      - name: people
        fields:
          - {name: id, fides_meta: {primary_key: true}}
          - {name: name, data_categories: [user.name], fides_meta: {data_type: string}}
          - {name: city, data_categories: [user.contact.address], fides_meta: {data_type: string}}
";

async fn world() -> World {
    let world = World::new().await.database(TABLES, SHOP).await.with_policy(correcting("user"));
    let app = App { connector: APP, dataset: APP_DATA, mode: MaskingMode::Strict, ..App::default() };
    let world = world.app(app);
    let rows = json!([{"id": 7, "name": "Anna", "city": "Rom"}, {"id": 8, "name": "Ana B", "city": "Rom"}]);
    world.saas.on("GET", "/people").then(Answer::json(200, &rows));
    world
}

async fn plan(field: &str, value: &str) -> Result<Plan, privacy::PlanningError> {
    let world = world().await;
    let request = PlanRequest { rectify: vec![(field.to_owned(), json!(value))], ..world.request() };
    let plan = world.plan_of(request).await;
    assert!(world.writes().is_empty());
    plan
}

fn sent(plan: &Plan) -> Vec<String> {
    let one = |operation: &privacy::plan::Operation| match &operation.call {
        Call::Sql { columns, .. } => {
            format!("{}: {}", operation.collections.first().unwrap(), columns.join(","))
        }
        Call::Http { method, body, .. } => format!("{method} {}", body.clone().unwrap_or_default()),
    };
    plan.contents().operations.iter().map(one).collect()
}

#[rstest::rstest]
#[case::of_a_collection("customers.name")]
#[case::with_the_dataset("shop:customers.name")]
#[case::dotted("shop.customers.name")]
#[tokio::test]
async fn a_field_of_a_table_is_corrected_by_a_statement(#[case] field: &str) {
    let plan = plan(field, "Ana Bell").await.unwrap();

    assert_eq!(sent(&plan), ["shop:customers: name"]);
    assert_eq!(plan.contents().action, PlanAction::Rectification);
    assert_eq!(plan.contents().operations[0].reason[0].rule, "right");
    assert_eq!(plan.contents().operations[0].grade, None);
}

#[rstest::rstest]
#[case::name("name")]
#[case::category("user.name")]
#[tokio::test]
async fn a_name_or_category_means_every_such_field(#[case] field: &str) {
    let plan = plan(field, "Ana B").await.unwrap();

    // The second row of the application is right already.
    assert_eq!(sent(&plan), ["PATCH {\"name\":\"Ana B\"}", "shop:customers: name"]);
    assert!(plan.contents().not_covered.is_empty());
}

#[tokio::test]
async fn what_the_application_cannot_correct_is_named() {
    let plan = plan("people.city", "Rome").await.unwrap();

    assert_eq!(sent(&plan), Vec::<String>::new());
    assert_eq!(stays(&plan), [stay("people", "not_rectifiable", 2, Outcome::Unsupported)]);
    assert_eq!(plan.contents().not_covered[0].fields, ["city"]);
}

#[tokio::test]
async fn a_value_that_is_right_needs_no_write() {
    let plan = plan("customers.name", "Ana").await.unwrap();

    assert!(plan.contents().operations.is_empty());
    assert!(plan.contents().headline().starts_with("nothing to do"));
}

#[tokio::test]
async fn unknown_fields_and_fields_outside_the_policy_are_bad_input() {
    let unknown = plan("customers.nam", "x").await.unwrap_err();
    assert!(unknown.to_string().contains("`customers.nam`"), "{unknown}");

    let world = world().await.with_policy(correcting("user.contact"));
    let request = PlanRequest { rectify: vec![("customers.name".into(), json!("x"))], ..world.request() };
    let refused = world.plan_of(request).await.unwrap_err();
    assert!(refused.is_bad_input() && refused.to_string().contains("does not allow"), "{refused}");
}
