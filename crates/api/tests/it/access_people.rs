//! Whose accounts are: matched to people who are sent along or who have an account of another connection.

use api::Scope;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use store::{InventoryKindStatus, SeenInventory};

use crate::access_file::{Application, synced};
use crate::app::App;

const BASE: &str = "/api/v1/connection/crm/access";
/// Ana is here, Ben left, Cai is at another domain.
const PEOPLE: &str = "email,status\nana@example.com,active\nben@example.com,left\ncai@example.org,active\n";

/// Ana, Ben and Cai have accounts, and so has a program.
async fn known() -> App {
    let app = App::start().await;
    let new = |key: &str| json!({"key": key, "name": key, "connection_type": "saas", "access": "read"});
    let put = app.send(Method::PATCH, "/api/v1/connection", json!([new("crm"), new("directory")])).await;
    assert_eq!(put.0, StatusCode::OK);
    let people = ["ana", "ben", "cai", "deploy.bot"];
    synced(&app, "crm", &Application { people: &people, members: &["ana"] }).await;
    synced(&app, "directory", &Application { people: &["ana", "ben.off", "cai.off"], members: &[] }).await;
    app
}

/// The answer of people who are sent along as they are.
async fn among(app: &App, question: &str, people: impl Into<Vec<u8>>) -> (StatusCode, Value) {
    let reply = app.call(Method::POST, &format!("{BASE}{question}"), "text/csv", people).await;
    (reply.status, reply.json())
}

async fn answer(app: &App, question: &str) -> Value {
    let (status, answer) = app.get(&format!("{BASE}{question}")).await;
    assert_eq!(status, StatusCode::OK, "{question}: {answer}");
    answer
}

/// Account and reason of each item.
fn each(answer: &Value) -> Vec<(&str, &str)> {
    let items = answer["items"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let pair = |item| (item_text(item, "/account/id"), item_text(item, "/reason"));
    items.iter().map(pair).collect()
}

fn item_text<'a>(item: &'a Value, pointer: &str) -> &'a str {
    item.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} of {item}"))
}

// rule: governance ACC-4, ACC-10
#[tokio::test]
async fn every_account_is_told_with_its_owner_why_and_who_nearly_fits() {
    let app = known().await;

    let (status, owners) = among(&app, "/owner", PEOPLE).await;

    assert_eq!(status, StatusCode::OK, "{owners}");
    assert_eq!(
        each(&owners),
        [("ana", "owned"), ("ben", "owner_gone"), ("cai", "no_owner"), ("deploy.bot", "no_owner")]
    );
    assert_eq!((&owners["total"], &owners["incomplete"]), (&json!(4), &json!(false)));
    let items = &owners["items"];
    assert_eq!(
        (&items[0]["matched_by"], &items[0]["people"][0]["person"]),
        (&json!("email"), &json!("ana@example.com"))
    );
    assert_eq!(items[1]["people"][0]["gone"], json!({"status": "left"}));
    assert_eq!(items[2]["near"][0]["person"], "cai@example.org");
    assert_eq!(items[3]["near"], json!([]));
}

// rule: governance ACC-7
#[tokio::test]
async fn orphans_come_page_by_page_those_of_programs_last() {
    let app = known().await;
    let mut pages = Vec::new();
    let mut next = Some(String::new());

    while let Some(cursor) = next {
        let (status, page) = among(&app, &format!("/orphan?limit=1&cursor={cursor}"), PEOPLE).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        next = page["next"].as_str().map(str::to_owned);
        pages.push(page);
    }
    let from = answer(&app, "/orphan?people_from=directory").await;

    let all: Vec<_> = pages.iter().flat_map(each).collect();
    assert_eq!(all, [("ben", "owner_gone"), ("cai", "no_owner"), ("deploy.bot", "no_owner")]);
    assert_eq!(pages[0]["total"], 3);
    for page in &pages {
        let counts = ["orphans", "machines", "owned", "deleted"].map(|name| page[name].clone());
        assert_eq!(json!(counts), json!([2, 1, 1, 0]));
        assert_eq!(page["people"], Value::Null);
    }
    assert_eq!(each(&from), [("ben", "owner_gone"), ("cai", "owner_gone"), ("deploy.bot", "no_owner")]);
    assert_eq!(from["people"]["connection"], "directory");
    assert!(from["people"]["as_of"].is_string() && from["people"]["state"] != from["state"], "{from}");
}

#[tokio::test]
async fn leavers_come_with_what_their_accounts_hold_and_near_misses_behind_them() {
    let app = known().await;
    let cai_left = PEOPLE.replace("org,active", "org,left");

    let (_, leavers) = among(&app, "/leaver", cai_left.as_bytes()).await;
    let from = answer(&app, "/leaver?people_from=directory").await;

    assert_eq!(each(&leavers), [("ben", "owner_gone"), ("cai", "no_owner")]);
    let counts = ["leavers", "accounts", "near", "without_access", "total"].map(|name| leavers[name].clone());
    assert_eq!(json!(counts), json!([1, 1, 1, 1, 2]));
    let ben = &leavers["items"][0];
    assert_eq!(ben["access"][0]["id"], "role:admin:member:user:ben");
    assert_eq!((&ben["more_access"], &ben["matched_by"]), (&json!(false), &json!("email")));
    let cai = &leavers["items"][1];
    assert_eq!((&cai["near"][0]["person"], &cai["access"]), (&json!("cai@example.org"), &json!([])));
    assert_eq!(each(&from), [("ben", "owner_gone"), ("cai", "owner_gone")]);
}

// rule: governance ACC-6
#[tokio::test]
async fn owners_that_are_said_by_hand_hold() {
    let app = known().await;
    let assigned = json!([
        {"account": "user:deploy.bot", "owners": ["ana@example.com"]},
        {"account": "user:ana", "owners": []},
        {"account": "user:ben", "owners": ["zoe@example.com"]},
    ]);

    let path = format!("{BASE}/owner");
    let sent = json!({"people": PEOPLE, "assigned": assigned});
    let (status, owners) = app.send(Method::POST, &path, sent).await;
    let path = format!("{BASE}/owner?people_from=directory");
    let from = app.send(Method::POST, &path, json!({"assigned": assigned})).await;

    assert_eq!(status, StatusCode::OK, "{owners}");
    let wanted = [("ana", "cleared"), ("ben", "owner_unknown"), ("cai", "no_owner"), ("deploy.bot", "owned")];
    assert_eq!(each(&owners), wanted);
    assert_eq!(owners["items"][3]["matched_by"], "by_hand");
    assert_eq!(each(&from.1)[3], ("deploy.bot", "owned"));
}

// rule: governance ACC-8
#[tokio::test]
async fn accounts_of_strangers_are_those_at_no_trusted_domain() {
    let app = known().await;

    let all = answer(&app, "/external?trusted=example.org&limit=3").await;
    let none = answer(&app, "/external?trusted=example.org&trusted=Example.com").await;

    let domains: Vec<&str> =
        all["items"].as_array().unwrap().iter().map(|item| item_text(item, "/domain")).collect();
    assert_eq!(domains, ["example.com"; 3]);
    assert_eq!((&all["external"], &all["total"]), (&json!(4), &json!(4)));
    assert!(all["next"].is_string());
    assert_eq!(
        (&none["items"], &none["trusted"], &none["without_address"]),
        (&json!([]), &json!(4), &json!(0))
    );
}

#[tokio::test]
async fn what_of_either_side_is_not_current_is_named() {
    let app = known().await;
    for key in ["crm", "directory"] {
        let (store, connection) = (app.store(), key.parse().unwrap());
        let state = store.inventory_state_now(&connection).await.unwrap().unwrap();
        let mut kinds = state.kinds.clone();
        let kind = if key == "crm" { "group" } else { "user" };
        let found = kinds.iter_mut().find(|found| found.kind == kind).unwrap();
        found.status = InventoryKindStatus::Incomplete;
        let read_at = state.read_at;
        let seen =
            SeenInventory { connection: &connection, state: &state.id, read_at, kinds: &kinds, parts: &[] };
        assert!(store.inventory_state_seen(&seen).await.unwrap());
    }

    for question in ["owner", "orphan", "leaver"] {
        let answer = answer(&app, &format!("/{question}?people_from=directory")).await;
        assert_eq!(
            (&answer["incomplete"], &answer["not_current"][0]["kind"]),
            (&json!(true), &json!("group")),
            "{question}"
        );
        let people = &answer["people"];
        assert_eq!(
            (&people["incomplete"], &people["not_current"][0]["kind"]),
            (&json!(true), &json!("user")),
            "{question}"
        );
    }
    assert_eq!(answer(&app, "/external?trusted=example.com").await["incomplete"], true);
}

#[tokio::test]
async fn lists_that_cannot_be_understood_are_refused_without_what_stands_in_them() {
    let app = known().await;
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;

    for (question, people, says) in [
        ("/orphan", "email,status\nana@example.com,canary\n", "line 2"),
        ("/orphan", "phone\n1\n", "no column"),
        ("/orphan", "email\n", "nobody among the people"),
        ("/leaver", "email\nana@example.com\n", "does not tell who is gone"),
        ("/orphan?people_from=directory", PEOPLE, "leave one of the two out"),
        ("/orphan?match=odd", PEOPLE, "`narrow` or `broad`"),
        ("/orphan?limit=0", PEOPLE, "1 to 1000"),
        ("/orphan?cursor=x", PEOPLE, "cursor"),
    ] {
        let (status, told) = among(&app, question, people).await;
        assert_eq!(status, unprocessable, "{question} {people}: {told}");
        assert!(told.to_string().contains(says), "{told}");
        assert!(!told.to_string().contains("canary"), "{told}");
    }
    let not_text = among(&app, "/orphan", b"email\n\xff\n".to_vec()).await;
    assert_eq!(not_text.0, unprocessable);
    let media = app.call(Method::POST, &format!("{BASE}/orphan"), "text/plain", PEOPLE).await;
    assert_eq!(media.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for wrong in [
        json!({}),
        json!({"people": 1}),
        json!({"persons": PEOPLE}),
        json!({"people": PEOPLE, "assigned": [{"account": "seven", "owners": []}]}),
        json!({"people": PEOPLE, "assigned": [
            {"account": "user:ana", "owners": []}, {"account": "user:ana", "owners": []}
        ]}),
    ] {
        let (status, told) = app.send(Method::POST, &format!("{BASE}/owner"), wrong).await;
        assert_eq!(status, unprocessable, "{told}");
    }
    for question in ["/orphan", "/external", "/external?trusted=@example.com"] {
        assert_eq!(app.get(&format!("{BASE}{question}")).await.0, unprocessable, "{question}");
    }
    for absent in ["/orphan?people_from=none", "/leaver?people_from=directory&at=2020-01-01T00:00:00Z"] {
        assert_eq!(app.get(&format!("{BASE}{absent}")).await.0, StatusCode::NOT_FOUND, "{absent}");
    }
}

#[tokio::test]
async fn a_list_that_is_too_long_is_refused() {
    let app = known().await.restarted(|settings| settings.body_bytes = 50);

    let (status, _) = among(&app, "/orphan", PEOPLE).await;

    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

// rule: fides-api 2.4
#[tokio::test]
async fn whoever_may_not_read_access_matches_nobody() {
    let app = known().await;
    let others: Vec<Scope> = Scope::ALL.iter().copied().filter(|scope| *scope != Scope::AccessRead).collect();
    let (may, may_not) = (app.with_scopes(&[Scope::AccessRead]).await, app.with_scopes(&others).await);

    for question in ["owner", "orphan", "leaver"] {
        assert_eq!(among(&may_not, &format!("/{question}"), PEOPLE).await.0, StatusCode::FORBIDDEN);
        assert_eq!(among(&may, &format!("/{question}"), PEOPLE).await.0, StatusCode::OK);
        let path = format!("{BASE}/{question}?people_from=directory");
        assert_eq!(may_not.get(&path).await.0, StatusCode::FORBIDDEN);
        assert_eq!(may.get(&path).await.0, StatusCode::OK);
    }
    let path = format!("{BASE}/external?trusted=example.com");
    assert_eq!((may_not.get(&path).await.0, may.get(&path).await.0), (StatusCode::FORBIDDEN, StatusCode::OK));
}
