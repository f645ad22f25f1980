//! Requests to applications: what nobody is asked for, what scripts return, and how well each erases.

use graph::{MaskingGrade, MaskingMode};
use model::Outcome;
use privacy::plan::{Operation, Plan, Verification};
use serde_json::json;
use testkit::Answer;

use super::world::{App, World};
use super::{ACME, acme, stay, stays};

/// A request for the whole person, which nobody has to be read for.
const FORGET: &str = "  data_protection_request: {method: POST, path: /forget, param_values: [{name: e, identity: email}], body: '{\"e\": \"<e>\"}'}\n";

/// The file, with reads of people that are meant for another host.
fn switched_off() -> String {
    ACME.replace(
        "read: {method: GET, path: /people,",
        "read: {method: GET, path: /people, when: domain == 'x',",
    )
}

async fn world(connector: &str, script: &str) -> World {
    let world = World::new().await.app(App { connector, script, ..acme(MaskingMode::Any) });
    let person = json!({"id": 7, "email": "ana@example.com", "name": "Ana"});
    world.saas.on("GET", "/people").then(Answer::json(200, &json!([person])));
    world.saas.on("GET", "/notes/7").then(Answer::json(200, &json!([{"id": 1}, {"id": 2}])));
    world.saas.on("GET", "/visits/7").then(Answer::json(200, &json!([])));
    world
}

fn urls(world: &World, plan: &Plan) -> Vec<String> {
    let url = |operation: &Operation| {
        let request = operation.write_request().unwrap();
        format!("{} {}", request.method, request.url.replace(&world.saas.base_url(), ""))
    };
    plan.contents().operations.iter().map(url).collect()
}

fn of_collection<'a>(plan: &'a Plan, name: &str) -> &'a Operation {
    let mut operations = plan.contents().operations.iter();
    operations.find(|one| one.collections.iter().any(|address| address.collection() == name)).unwrap()
}

#[tokio::test]
async fn what_nobody_is_asked_for_is_neither_read_nor_empty() {
    let world = world(&switched_off(), "").await;

    let plan = world.plan().await.unwrap();

    assert!(plan.contents().reads.is_empty(), "{:?}", plan.contents().reads);
    assert_eq!(
        stays(&plan),
        ["notes", "people", "visits"].map(|name| stay(name, "not_asked", 0, Outcome::Unsupported))
    );
    assert!(plan.contents().headline().starts_with("nothing can be done: "), "{}", plan.to_text());
}

#[tokio::test]
async fn a_request_for_the_person_is_sent_where_nobody_is_asked_what_is_there() {
    let world = world(&format!("{}{FORGET}", switched_off()), "").await;

    let plan = world.plan().await.unwrap();

    assert_eq!(urls(&world, &plan), ["POST /forget"]);
    // They have a request of their own.
    assert_eq!(stays(&plan), [stay("people", "not_asked", 0, Outcome::Unsupported)]);
}

#[tokio::test]
async fn a_request_for_the_person_is_not_sent_where_an_answer_says_that_nothing_is_there() {
    let world = World::new().await;
    world.saas.on("GET", "/people").then(Answer::json(200, &json!([])));
    let connector = format!("{ACME}{FORGET}");
    let world = world.app(App { connector: &connector, ..acme(MaskingMode::Any) });

    let plan = world.plan().await.unwrap();

    assert_eq!(urls(&world, &plan), Vec::<String>::new());
    assert!(stays(&plan).iter().any(|one| one.1 == "not_found"), "{:?}", stays(&plan));
}

#[tokio::test]
async fn a_read_that_is_switched_off_proves_nothing() {
    let read = "read: {method: GET, path: /people, query_params: [{name: e, value: <e>}], param_values: [{name: e, identity: email}]}";
    let output = "{output: '{\"id\": 7, \"email\": \"<e>\"}', param_values: [{name: e, identity: email}]}";
    let proof = async |when: &str| {
        let call =
            format!("{{method: GET, path: /people{when}, param_values: [{{name: e, identity: email}}]}}");
        let both = ACME.replace(read, &format!("read: [{call}, {output}]"));
        let plan = world(&both, "").await.plan().await.unwrap();
        of_collection(&plan, "people").verification
    };

    assert_eq!(proof(", when: domain == 'x'").await, Verification::None);
    assert_eq!(proof("").await, Verification::ReadAgain);
}

#[tokio::test]
async fn equal_writes_of_a_script_are_all_sent_in_its_order() {
    let connector =
        ACME.replace("delete: {method: DELETE, path: /notes/<id>,", "delete: {script: 'acme.star:delete',");
    let script = "def delete(ctx, rows):
    unlock = {\"method\": \"POST\", \"path\": \"/lock\", \"body\": {\"on\": False}}
    lock = {\"method\": \"POST\", \"path\": \"/lock\", \"body\": {\"on\": True}}
    id = str(rows[0][\"row\"][\"id\"])
    return [unlock, {\"method\": \"DELETE\", \"path\": \"/notes/\" + id}, lock]
";
    let world = world(&connector, script).await;

    let plan = world.plan().await.unwrap();

    let notes =
        ["POST /lock", "DELETE /notes/1", "POST /lock", "POST /lock", "DELETE /notes/2", "POST /lock"];
    assert_eq!(urls(&world, &plan)[..6], notes);
    let waits: Vec<_> = plan.contents().operations.iter().map(|one| one.waits_for.clone()).take(6).collect();
    assert_eq!(waits, [vec![], vec![1], vec![2], vec![], vec![4], vec![5]]);
}

#[tokio::test]
async fn an_update_for_the_person_overwrites_and_deletes_nothing() {
    let connector = ACME.replace(
        "delete: {method: DELETE, path: /notes/<id>,",
        "update: {per: person, method: POST, path: /hide, body: '{}',",
    );
    let world = world(&connector, "").await;

    let plan = world.plan().await.unwrap();

    let hide = of_collection(&plan, "notes");
    assert_eq!((hide.grade, hide.expected), (Some(MaskingGrade::Overwritten), Outcome::Masked));
}
