//! Segment: one regulation for a person, with all ids.

use std::collections::HashMap;

use graph::MaskingMode;
use model::Outcome;
use privacy::plan::{Call, Plan, Verification};
use serde_json::{Value, json};
use spec::reference::{Direction, FieldReference};
use testkit::Answer;

use super::world::{App, World};
use super::{stay, stays};

const SHOP: &str = "  - name: customers
    fields:
    - {name: id, fides_meta: {primary_key: true}}
    - {name: email, data_categories: [user.contact.email], fides_meta: {identity: email}}
    - {name: segment_id, data_categories: [user.unique_id]}
";

fn hosts(world: &World, hosts: &[&'static str]) -> Vec<(&'static str, String)> {
    hosts.iter().map(|host| (*host, world.saas.base_url())).collect()
}

fn body(plan: &Plan, index: usize) -> Value {
    match &plan.contents().operations.get(index).unwrap().call {
        Call::Http { body: Some(body), .. } => body.clone(),
        Call::Http { .. } | Call::Sql { .. } => panic!("a request with a body"),
    }
}

fn library(name: &str) -> (String, String) {
    let entry = spec::library::find(name).unwrap();
    (entry.connector.text().to_owned(), entry.dataset.unwrap().text().to_owned())
}

async fn plain(tables: &str, kind: Option<&str>) -> Plan {
    let world = World::new().await.database(tables, SHOP).await;
    let (connector, dataset) = library("segment");
    let field = FieldReference {
        dataset: "shop".into(),
        collection: "customers".into(),
        path: vec!["segment_id".into()],
        direction: Direction::From,
    };
    let secrets = vec![
        ("domain", json!("api.segmentapis.com")),
        ("access_token", json!("canary-token")),
        ("regulation_type", json!(kind.unwrap_or("SUPPRESS_WITH_DELETE"))),
    ];
    let app = App {
        key: "segment",
        connector: &connector,
        dataset: &dataset,
        secrets,
        mode: MaskingMode::Any,
        routes: hosts(&world, &["api.segmentapis.com"]),
        references: HashMap::from([("segment_user_id".to_owned(), field)]),
        ..App::default()
    };
    let world = world.app(app);
    let plan = world.plan().await.unwrap();
    assert!(world.saas.calls().is_empty(), "the id is what the own database says");
    plan
}

const TWO_IDS: &str = "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, segment_id TEXT);
    INSERT INTO customers VALUES (1, 'ana@example.com', 'u1'), (2, 'ana@example.com', 'u2'), (3, 'bo@example.com', 'u3');";

#[tokio::test]
async fn plain_segment_takes_all_ids_of_the_own_database_in_one_regulation() {
    let plan = plain(TWO_IDS, None).await;

    let regulations: Vec<_> =
        plan.contents().operations.iter().filter(|operation| operation.connection == "segment").collect();
    assert_eq!(regulations.len(), 1, "{}", plan.to_text());
    let index =
        plan.contents().operations.iter().position(|operation| operation.connection == "segment").unwrap();
    assert_eq!(
        body(&plan, index),
        json!({"regulationType": "SUPPRESS_WITH_DELETE", "subjectType": "USER_ID", "subjectIds": ["u1", "u2"]})
    );
    let regulation = regulations[0];
    assert!(regulation.tracked);
    assert_eq!(regulation.verification, Verification::JobOnly, "reading again asks the own database only");
    assert_eq!(regulation.expected, Outcome::Erased);
    assert!(regulation.cost.as_ref().unwrap().starts_with("2 ids"));
    assert!(!plan.to_json().contains("canary"));
}

#[tokio::test]
async fn the_kind_of_regulation_can_be_set() {
    let plan = plain(TWO_IDS, Some("DELETE_ONLY")).await;

    assert!(plan.to_json().contains("DELETE_ONLY"));
    assert!(!plan.to_json().contains("SUPPRESS_WITH_DELETE"));
}

#[tokio::test]
async fn without_an_id_in_the_own_database_the_person_cannot_be_resolved() {
    let nobody = TWO_IDS.replace("'u1'", "NULL").replace("'u2'", "NULL");

    let plan = plain(&nobody, None).await;

    assert!(
        stays(&plan).contains(&stay("segment_user", "not_resolved", 0, Outcome::NotFound)),
        "{:?}",
        stays(&plan)
    );
    assert!(plan.contents().operations.iter().all(|operation| operation.connection == "shop"));
}

fn unify(world: World, connector: &str, dataset: &str) -> World {
    let routes = hosts(&world, &["api.segmentapis.com", "profiles.segment.com"]);
    world.app(App {
        key: "unify",
        connector,
        dataset,
        secrets: vec![
            ("domain", json!("api.segmentapis.com")),
            ("personas_domain", json!("profiles.segment.com")),
            ("regulation_type", json!("SUPPRESS_WITH_DELETE")),
            ("access_token", json!("canary-token")),
            ("access_secret", json!("canary-secret")),
            ("namespace_id", json!("spa_1")),
        ],
        mode: MaskingMode::Any,
        routes,
        ..App::default()
    })
}

const PROFILES: &str = "/v1/spaces/spa_1/collections/users/profiles";

fn ids(values: &[&str]) -> Value {
    let one = |id: &&str| json!({"id": id, "type": "user_id", "collection": "users", "source_id": "s"});
    json!({"data": values.iter().map(one).collect::<Vec<_>>(), "cursor": {"has_more": false, "next": "", "limit": 100, "url": ""}})
}

fn profile(world: &World, values: &[&str]) {
    let saas = &world.saas;
    saas.on("GET", &format!("{PROFILES}/**"))
        .then(Answer::json(404, &json!({"error": {"code": "not_found"}})));
    saas.on("GET", &format!("{PROFILES}/email:ana%40example.com/metadata"))
        .then(Answer::json(200, &json!({"segment_id": "use_1", "metadata": {}})));
    saas.on("GET", &format!("{PROFILES}/use_1/traits"))
        .then(Answer::json(200, &json!({"traits": {"name": "Ana"}, "cursor": {"has_more": false}})));
    for list in ["events", "links"] {
        saas.on("GET", &format!("{PROFILES}/use_1/{list}"))
            .then(Answer::json(200, &json!({"data": [], "cursor": {"has_more": false}})));
    }
    saas.on("GET", &format!("{PROFILES}/use_1/external_ids")).then(Answer::json(200, &ids(values)));
}

#[tokio::test]
async fn unify_resolves_the_person_to_all_user_ids_before_it_plans() {
    let (connector, dataset) = library("segment_unify");
    let world = unify(World::new().await, &connector, &dataset);
    profile(&world, &["u1", "u2", "u1"]);

    let plan = world.plan().await.unwrap();

    assert_eq!(plan.contents().operations.len(), 1, "{}", plan.to_text());
    assert_eq!(body(&plan, 0)["subjectIds"], json!(["u1", "u2"]));
    let regulation = &plan.contents().operations[0];
    assert!(regulation.uses.rows.is_empty(), "only the ids count, events come and go");
    assert_eq!(regulation.uses.values[0].field, "id");
    assert_eq!(regulation.verification, Verification::ReadAgain);
    assert!(plan.contents().not_covered.is_empty(), "{:?}", plan.contents().not_covered);
    assert!(world.writes().is_empty());
}

#[tokio::test]
async fn more_ids_than_one_call_takes_go_in_batches() {
    let (connector, dataset) = library("segment_unify");
    let connector = connector.replace("max: 5000", "max: 2");
    let world = unify(World::new().await, &connector, &dataset);
    profile(&world, &["u1", "u2", "u3"]);

    let plan = world.plan().await.unwrap();

    let batches: Vec<_> = (0..2).map(|index| body(&plan, index)["subjectIds"].clone()).collect();
    assert_eq!(batches, [json!(["u1", "u2"]), json!(["u3"])]);
}

#[tokio::test]
async fn a_person_without_user_id_cannot_be_resolved_and_the_plan_says_so() {
    let (connector, dataset) = library("segment_unify");
    let world = unify(World::new().await, &connector, &dataset);
    profile(&world, &[]);

    let plan = world.plan().await.unwrap();

    assert!(plan.contents().operations.is_empty());
    assert_eq!(stays(&plan), [stay("user_ids", "not_resolved", 2, Outcome::Unsupported)]);
}

/// The published example, or `None` with the reason printed.
fn published() -> Option<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/published");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    let found = read("segment_connector_example.yml").zip(read("segment_connector_example_dataset.yml"));
    if found.is_none() {
        eprintln!("skipped: the published example is not beside this repository");
    }
    found
}

async fn example(mode: MaskingMode) -> Option<(World, Plan)> {
    let (connector, dataset) = published()?;
    let world = World::new().await;
    let app = App {
        key: "segment_connector_example",
        connector: &connector,
        dataset: &dataset,
        secrets: vec![
            ("domain", json!("platform.segmentapis.com")),
            ("personas_domain", json!("profiles.segment.com")),
            ("workspace", json!("acme")),
            ("access_token", json!("canary-token")),
            ("access_secret", json!("canary-secret")),
            ("namespace_id", json!("spa_1")),
        ],
        mode,
        routes: hosts(&world, &["platform.segmentapis.com", "profiles.segment.com"]),
        ..App::default()
    };
    let world = world.app(app);
    let saas = &world.saas;
    saas.on("GET", &format!("{PROFILES}/user_id:ana%40example.com/metadata"))
        .then(Answer::json(200, &json!({"segment_id": "use_1"})));
    saas.on("GET", &format!("{PROFILES}/use_1/traits"))
        .then(Answer::json(200, &json!({"traits": {"name": "Ana", "id": "1"}, "cursor": {"url": ""}})));
    for list in ["events", "external_ids"] {
        saas.on("GET", &format!("{PROFILES}/use_1/{list}"))
            .then(Answer::json(200, &json!({"data": [], "cursor": {"url": ""}})));
    }
    let plan = world.plan().await.unwrap();
    assert!(world.writes().is_empty());
    Some((world, plan))
}

#[tokio::test]
async fn the_published_example_plans_nothing_while_masking_is_strict() {
    let Some((_, plan)) = example(MaskingMode::Strict).await else { return };

    assert!(plan.contents().operations.is_empty());
    assert!(plan.to_text().starts_with("nothing can be done: `masking_strict`"), "{}", plan.to_text());
}

#[tokio::test]
async fn the_published_example_plans_one_regulation_otherwise() {
    let Some((_, plan)) = example(MaskingMode::Any).await else { return };

    assert_eq!(plan.contents().operations.len(), 1);
    let Call::Http { method, url, .. } = &plan.contents().operations[0].call else { panic!("a request") };
    assert_eq!(
        (method.as_str(), url.as_str()),
        ("POST", "https://platform.segmentapis.com/v1beta/workspaces/acme/regulations")
    );
    assert_eq!(body(&plan, 0)["attributes"]["values"], json!(["ana@example.com"]));
    assert!(!plan.to_json().contains("canary"));
}
