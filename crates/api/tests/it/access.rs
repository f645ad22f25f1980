//! Who has access, as syncs found it: lists, questions, differences, other times, and who may ask.

use std::collections::BTreeSet;
use std::time::Duration;

use api::Scope;
use http::{Method, StatusCode};
use model::Clock as _;
use serde_json::{Value, json};
use store::{InventoryKindStatus, SeenInventory};

use crate::access_file::{Application, synced};
use crate::app::App;

const BASE: &str = "/api/v1/connection/crm/access";
const HOUR: Duration = Duration::from_hours(1);

/// Every question about `crm` that is answered with rows.
const QUESTIONS: [&str; 9] = [
    "",
    "/resource",
    "/account",
    "/entitlement",
    "/grant",
    "/who?target=role:admin",
    "/what?principal=user:ana",
    "/why?principal=user:ana&target=role:admin",
    "/diff?from=2026-01-15T12:00:00Z",
];

/// Ana is a member of the group, which is an admin; Ben is one by himself.
const FIRST: Application<'static> = Application { people: &["ana", "ben"], members: &["ana"] };
/// Ana has left the group, and Zoe is new.
const LATER: Application<'static> = Application { people: &["ana", "ben", "zoe"], members: &[] };

async fn known() -> App {
    let app = App::start().await;
    let connection = json!([{"key": "crm", "name": "CRM", "connection_type": "saas", "access": "read"}]);
    assert_eq!(app.send(Method::PATCH, "/api/v1/connection", connection).await.0, StatusCode::OK);
    synced(&app, "crm", &FIRST).await;
    app
}

async fn answer(app: &App, question: &str) -> Value {
    let (status, answer) = app.get(&format!("{BASE}{question}")).await;
    assert_eq!(status, StatusCode::OK, "{question}: {answer}");
    answer
}

async fn refused(app: &App, question: &str) -> (StatusCode, String) {
    let (status, answer) = app.get(&format!("{BASE}{question}")).await;
    (status, answer.to_string())
}

/// One text of each item.
fn each<'a>(answer: &'a Value, pointer: &str) -> BTreeSet<&'a str> {
    let items = answer["items"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let texts: BTreeSet<_> =
        items.iter().map(|item| item.pointer(pointer).unwrap().as_str().unwrap()).collect();
    assert_eq!(texts.len(), items.len(), "each once: {answer}");
    texts
}

// rule: governance 6
#[tokio::test]
async fn lists_are_read_page_by_page_with_their_totals() {
    let app = known().await;

    let kinds = answer(&app, "").await;
    let mut pages = Vec::new();
    let mut next = Some(String::new());
    while let Some(cursor) = next {
        let page = answer(&app, &format!("/resource?limit=2&cursor={cursor}")).await;
        next = page["next"].as_str().map(str::to_owned);
        pages.push(page);
    }

    let ids: Vec<&str> =
        kinds["kinds"].as_array().unwrap().iter().map(|kind| kind["type"].as_str().unwrap()).collect();
    assert_eq!(ids, ["user", "group", "role"]);
    assert_eq!(
        (&kinds["resources"], &kinds["entitlements"], &kinds["reported_grants"]),
        (&json!(4), &json!(2), &json!(3))
    );
    assert_eq!((&kinds["incomplete"], &kinds["not_current"]), (&json!(false), &json!([])));
    let sizes: Vec<usize> = pages.iter().map(|page| each(page, "/id").len()).collect();
    let names: BTreeSet<&str> = pages.iter().flat_map(|page| each(page, "/display_name")).collect();
    assert_eq!(sizes, [2, 2]);
    assert_eq!(names, ["admin", "ana", "ben", "eng"].into());
    assert_eq!((&pages[0]["total"], &pages[1]["total"]), (&json!(4), &Value::Null), "counted once");
}

// rule: governance 6
#[tokio::test]
async fn pages_of_one_state_fit_together_whatever_comes_meanwhile() {
    let app = known().await;
    let first = answer(&app, "/who?target=role:admin&limit=1").await;
    let resources = answer(&app, "/resource?limit=3").await;
    app.clock().advance(2 * HOUR);
    synced(&app, "crm", &LATER).await;
    let state = first["state"].as_str().unwrap();

    let mut who = vec![first.clone()];
    while let Some(next) = who.last().unwrap()["next"].as_str() {
        let page = answer(&app, &format!("/who?target=role:admin&limit=1&state={state}&cursor={next}")).await;
        who.push(page);
    }
    let cursor = resources["next"].as_str().unwrap();
    let rest = answer(&app, &format!("/resource?state={state}&cursor={cursor}")).await;
    let what = answer(&app, &format!("/what?principal=user:ana&state={state}&cursor=1")).await;
    let why =
        answer(&app, &format!("/why?principal=user:ana&target=role:admin&state={state}&cursor=1")).await;
    let diff = answer(&app, "/diff?from=2026-01-15T12:00:00Z&limit=2").await;
    let last = answer(&app, "/diff?from=2026-01-15T12:00:00Z&limit=2&cursor=2").await;

    let holders: BTreeSet<&str> = who.iter().flat_map(|page| each(page, "/principal/id")).collect();
    assert_eq!((holders, who.len()), (["ana", "ben", "eng"].into(), 3));
    assert!(who.iter().all(|page| page["state"] == state), "{who:?}");
    assert_eq!(each(&rest, "/id").len(), 1);
    assert_eq!((each(&what, "/entitlement/id").len(), &what["next"]), (1, &Value::Null));
    assert_eq!(why["ways"], json!([]));
    let rows = |page: &Value| page["rows"].as_array().unwrap().len();
    assert_eq!((rows(&diff), &diff["next"], rows(&last)), (2, &json!("2"), 1));
    assert_eq!(diff["grants"], last["grants"], "the counts are whole");
    for wrong in [
        "/who?target=role:admin&cursor=x",
        "/who?target=role:admin&resource=role:admin",
        "/who?entitlement=role:admin",
        "/who?resource=role:admin:member",
        "/resource?state=none",
        "/resource?state=inv_0&at=2026-01-15T12:00:00Z",
    ] {
        let (status, text) = refused(&app, wrong).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}: {text}");
    }
}

// rule: governance 6, ACC-1
#[tokio::test]
async fn connections_with_an_inventory_are_listed_and_an_address_means_all_its_accounts() {
    let app = known().await;
    let others: Vec<Scope> = Scope::ALL.iter().copied().filter(|scope| *scope != Scope::AccessRead).collect();
    let may_not = app.with_scopes(&others).await;

    let connections = app.get("/api/v1/access").await;
    let before = app.get("/api/v1/access?at=2020-01-01T00:00:00Z").await;
    let ana = answer(&app, "/principal?name=ana@example.com").await;
    let (absent, text) = refused(&app, "/principal?name=zoe@example.com").await;

    let state = answer(&app, "").await["state"].clone();
    assert_eq!(connections.1["items"], json!([{"connection": "crm", "state": state}]));
    assert_eq!(before.1["items"], json!([]));
    assert_eq!(ana["items"][0]["principal"]["id"], "ana");
    assert_eq!(ana["items"][0]["account"]["emails"], json!(["ana@example.com"]));
    assert_eq!((absent, text.contains("zoe")), (StatusCode::NOT_FOUND, false));
    assert_eq!(may_not.get("/api/v1/access").await.0, StatusCode::FORBIDDEN);
    assert_eq!(refused(&may_not, "/principal?name=ana").await.0, StatusCode::FORBIDDEN);
}

// rule: governance 6
#[tokio::test]
async fn every_answer_tells_all_kinds_and_what_is_left_out() {
    let app = known().await;

    for question in QUESTIONS {
        let answer = answer(&app, question).await;
        let kinds: Vec<&str> = answer["kind_states"]
            .as_array()
            .unwrap()
            .iter()
            .map(|kind| kind["kind"].as_str().unwrap())
            .collect();
        assert_eq!((kinds, &answer["left_out"]), (vec!["user", "group", "role"], &json!(0)), "{question}");
    }
}

// rule: governance 6
#[tokio::test]
async fn lists_are_narrowed_and_wrong_questions_are_refused_by_name() {
    let app = known().await;

    let groups = answer(&app, "/resource?kind=group").await;
    let accounts = answer(&app, "/account?search=ANA@example").await;
    let on_group = answer(&app, "/entitlement?resource=group:eng").await;
    let of_ana = answer(&app, "/grant?principal=ana@example.com").await;
    let inherited = answer(&app, "/grant?held=inherited").await;
    let of_role = answer(&app, "/grant?entitlement=role:admin:member&principal_kind=user").await;

    assert_eq!((each(&groups, "/id"), &groups["total"]), (["eng"].into(), &json!(1)));
    assert_eq!(
        (each(&accounts, "/id"), &accounts["items"][0]["emails"]),
        (["ana"].into(), &json!(["ana@example.com"]))
    );
    assert_eq!(each(&on_group, "/id"), ["group:eng:member"].into());
    assert_eq!(each(&of_ana, "/entitlement/id"), ["group:eng:member", "role:admin:member"].into());
    assert_eq!(each(&inherited, "/id"), ["role:admin:member:user:ana"].into());
    assert_eq!(each(&of_role, "/principal/id"), ["ana", "ben"].into());
    let resources = answer(&app, "/resource?limit=1").await;
    let foreign = format!("/entitlement?cursor={}", resources["next"].as_str().unwrap());
    for wrong in [
        "/resource?limit=0",
        "/resource?limit=1001",
        "/resource?kind=none",
        "/resource?cursor=x",
        "/resource?at=yesterday",
        "/account?status=odd",
        "/account?account_type=odd",
        "/account?unused_since=long",
        "/grant?held=odd",
        "/who",
        "/who?target=role:admin&limit=0",
        "/diff",
        foreign.as_str(),
    ] {
        let (status, text) = refused(&app, wrong).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}: {text}");
    }
    for absent in ["/grant?entitlement=none", "/who?target=none", "/what?principal=zoe@example.com"] {
        let (status, text) = refused(&app, absent).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{absent}: {text}");
        assert!(!text.contains("zoe"), "whom somebody looks for stays out of errors: {text}");
    }
    assert_eq!(app.get("/api/v1/connection/none/access").await.0, StatusCode::NOT_FOUND);
}

// rule: governance 6
#[tokio::test]
async fn who_what_and_why_tell_of_ways_through_groups() {
    let app = known().await;

    let who = answer(&app, "/who?target=role:admin").await;
    let one = answer(&app, "/who?target=role:admin&limit=1").await;
    let people = answer(&app, "/who?target=role:admin&kind=user").await;
    let what = answer(&app, "/what?principal=ana@example.com").await;
    let why = answer(&app, "/why?principal=user:ana&target=role:admin:member").await;
    let no_way = answer(&app, "/why?principal=user:ben&target=group:eng").await;

    assert_eq!((each(&who, "/principal/id"), &who["more"]), (["ana", "ben", "eng"].into(), &json!(false)));
    let ana = who["items"].as_array().unwrap().iter().find(|item| item["principal"]["id"] == "ana").unwrap();
    assert_eq!((&ana["held"], &ana["through"][0]["id"]), (&json!("inherited"), &json!("group:eng:member")));
    assert_eq!((each(&one, "/id").len(), &one["more"]), (1, &json!(true)));
    assert_eq!(each(&people, "/principal/id"), ["ana", "ben"].into());
    assert_eq!(what["principal"], json!({"type": "user", "id": "ana", "display_name": "ana"}));
    assert_eq!(each(&what, "/entitlement/id"), ["group:eng:member", "role:admin:member"].into());
    assert_eq!(why["ways"].as_array().unwrap().len(), 1);
    assert_eq!(why["ways"][0]["sentence"], "ana → member on eng → member on admin");
    assert_eq!((&no_way["ways"], &no_way["more"]), (&json!([]), &json!(false)));
}

// rule: governance 6
#[tokio::test]
async fn another_time_is_answered_by_what_was_in_force_then_and_differences_are_counted() {
    let app = known().await;
    let first = app.clock().now();
    app.clock().advance(2 * HOUR);
    synced(&app, "crm", &FIRST).await;
    app.clock().advance(22 * HOUR);
    synced(&app, "crm", &LATER).await;
    let then = first + HOUR;

    let before = answer(&app, &format!("/who?target=role:admin&at={then}")).await;
    let now = answer(&app, "/who?target=role:admin").await;
    let diff = answer(&app, &format!("/diff?from={then}")).await;
    let short = answer(&app, &format!("/diff?from={then}&limit=1")).await;
    let same = answer(&app, &format!("/diff?from={then}&to={then}")).await;
    let earlier = refused(&app, &format!("?at={}", first - HOUR)).await.0;

    assert_eq!(each(&before, "/principal/id"), ["ana", "ben", "eng"].into());
    // It was found again later than that, which is nothing that was known then.
    assert_eq!(before["as_of"], then.to_string());
    assert_eq!(each(&now, "/principal/id"), ["ben", "eng"].into());
    assert_eq!(now["as_of"], app.clock().now().to_string());
    assert_eq!(diff["resources"], json!({"added": 1, "removed": 0, "changed": 0}));
    assert_eq!(diff["grants"], json!({"added": 0, "removed": 2, "changed": 0}));
    assert_eq!((diff["rows"].as_array().unwrap().len(), &diff["more"]), (3, &json!(false)));
    assert_eq!((&diff["state"], &diff["from"]["state"]), (&now["state"], &before["state"]));
    assert_eq!(diff["from"]["as_of"], then.to_string());
    assert_eq!((short["rows"].as_array().unwrap().len(), &short["more"]), (1, &json!(true)));
    assert_eq!(short["grants"], diff["grants"], "the counts are whole");
    assert_eq!((same["rows"].as_array().unwrap().len(), &same["from"]["state"]), (0, &same["state"]));
    assert_eq!(earlier, StatusCode::NOT_FOUND);
}

// rule: governance 6
#[tokio::test]
async fn every_answer_names_the_kinds_that_are_not_current() {
    let app = known().await;
    // Asked before, so that the inventory lies in memory when a sync finds the same rows and one kind unread.
    let whole = answer(&app, "/who?target=role:admin").await;
    let (store, crm) = (app.store(), "crm".parse().unwrap());
    let state = store.inventory_state_now(&crm).await.unwrap().unwrap();
    let mut kinds = state.kinds.clone();
    let group = kinds.iter_mut().find(|kind| kind.kind == "group").unwrap();
    group.status = InventoryKindStatus::Incomplete;
    group.reason = Some("too many calls".to_owned());
    let read_at = app.clock().now();
    let seen = SeenInventory { connection: &crm, state: &state.id, read_at, kinds: &kinds, parts: &[] };
    assert!(store.inventory_state_seen(&seen).await.unwrap());

    for question in QUESTIONS {
        let answer = answer(&app, question).await;
        assert_eq!(answer["incomplete"], true, "{question}: {answer}");
        let named = &answer["not_current"];
        assert_eq!(named.as_array().unwrap().len(), 1, "{question}: {answer}");
        assert_eq!((&named[0]["kind"], &named[0]["status"]), (&json!("group"), &json!("incomplete")));
        assert_eq!(named[0]["reason"], "too many calls");
        assert!(named[0]["as_of"].is_string(), "of when it is: {answer}");
    }
    let diff = answer(&app, QUESTIONS[8]).await;
    assert_eq!(diff["from"]["not_current"][0]["kind"], "group");
    assert_eq!((&whole["incomplete"], &whole["not_current"]), (&json!(false), &json!([])));
}

// rule: fides-api 2.4
#[tokio::test]
async fn whoever_may_not_read_access_learns_nothing_of_it() {
    let app = known().await;
    let others: Vec<Scope> = Scope::ALL.iter().copied().filter(|scope| *scope != Scope::AccessRead).collect();
    let (may, may_not) = (app.with_scopes(&[Scope::AccessRead]).await, app.with_scopes(&others).await);

    for question in QUESTIONS {
        let (status, text) = refused(&may_not, question).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{question}");
        assert!(!text.contains("example.com"), "{text}");
        assert_eq!(refused(&may, question).await.0, StatusCode::OK, "{question}");
    }
}

// rule: governance 6
#[tokio::test]
async fn the_inventory_of_one_connection_is_not_that_of_another() {
    let app = known().await;
    let other = json!([{"key": "shop", "name": "Shop", "connection_type": "saas", "access": "read"}]);
    app.send(Method::PATCH, "/api/v1/connection", other).await;
    let nothing = app.get("/api/v1/connection/shop/access").await.0;
    synced(&app, "shop", &Application { people: &["zoe"], members: &[] }).await;

    let accounts = app.get("/api/v1/connection/shop/access/account").await.1;
    let cursor = answer(&app, "/resource?kind=user&limit=1").await["next"].as_str().unwrap().to_owned();
    let foreign = app.get(&format!("/api/v1/connection/shop/access/resource?cursor={cursor}")).await;

    assert_eq!(nothing, StatusCode::NOT_FOUND);
    assert_eq!(each(&accounts, "/id"), ["zoe"].into());
    assert_eq!(foreign.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!foreign.1.to_string().contains("ana"), "{foreign:?}");
}
