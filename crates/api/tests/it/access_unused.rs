//! Accounts and access that were not used, and what is not known of use.

use std::time::Duration;

use api::Scope;
use governance::activity::{ActivityActor, ActivityEvent, ActivityResource, LastUse, keep_last_use};
use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use model::Clock as _;
use serde_json::{Value, json};
use store::ActivitySpan;

use crate::access_file::{Application, synced};
use crate::app::App;

const BASE: &str = "/api/v1/connection/crm/access/unused";
const DAY: Duration = Duration::from_hours(24);
const BOTH: [&str; 2] = ["/account", "/entitlement"];

/// Ana is a member of the group, which is an admin; Ben is one by himself.
const FIRST: Application<'static> = Application { people: &["ana", "ben"], members: &["ana"] };

async fn known() -> App {
    let app = App::start().await;
    let connection = json!([{"key": "crm", "name": "CRM", "connection_type": "saas", "access": "read"}]);
    assert_eq!(app.send(Method::PATCH, "/api/v1/connection", connection).await.0, StatusCode::OK);
    synced(&app, "crm", &FIRST).await;
    app
}

fn days_ago(app: &App, days: i64) -> Timestamp {
    app.clock().now() - SignedDuration::from_hours(24 * days)
}

/// Events were read from so many days ago up to so many, and Ana did something so many days ago.
async fn read(app: &App, (from, until): (i64, i64), used: i64) {
    read_in_part(app, (from, from, until), used).await;
}

/// The same, and on what something was done is known from so many days ago on.
async fn read_in_part(app: &App, (from, resources_from, until): (i64, i64, i64), used: i64) {
    let [from, resources_from, until] = [from, resources_from, until].map(|days| days_ago(app, days));
    let mut last = LastUse::default();
    last.note(&ActivityEvent {
        id: "1".to_owned(),
        time: days_ago(app, used),
        actor: Some(ActivityActor { kind: "user".to_owned(), id: Some("ana".to_owned()), email: None }),
        action: "Changed".to_owned(),
        resource: Some(ActivityResource {
            kind: "group".to_owned(),
            id: "eng".to_owned(),
            display_name: None,
        }),
    });
    let span = ActivitySpan { from, until, resources_from };
    let reason = Some("the list answered 500");
    keep_last_use(app.store(), &"crm".parse().unwrap(), (&last, Some(span)), reason).await.unwrap();
}

async fn answer(app: &App, question: &str) -> Value {
    let (status, answer) = app.get(&format!("{BASE}{question}")).await;
    assert_eq!(status, StatusCode::OK, "{question}: {answer}");
    answer
}

fn counts(answer: &Value) -> Value {
    json!(["unused", "unknown", "used", "new"].map(|name| answer[name].clone()))
}

// rule: governance AUT-2
#[tokio::test]
async fn what_events_do_not_tell_of_is_unused_with_all_that_it_holds() {
    let app = known().await;
    read(&app, (100, 0), 3).await;

    let accounts = answer(&app, "/account").await;
    let grants = answer(&app, "/entitlement?unused_for_s=2592000").await;
    let shorter = answer(&app, "/account?unused_for_s=172800").await;

    assert_eq!(counts(&accounts), json!([1, 0, 1, 0]));
    let ben = &accounts["items"][0];
    assert_eq!((&ben["account"]["id"], &ben["by"]), (&json!("ben"), &json!("activity")));
    assert_eq!((&accounts["activity"]["standing"], &accounts["total"]), (&json!("complete"), &json!(1)));
    assert_eq!(accounts["since"], days_ago(&app, 90).to_string());
    // Whoever changes a group is taken to use what they hold of it.
    assert_eq!(counts(&grants), json!([1, 0, 1, 0]));
    let grant = &grants["items"][0];
    assert_eq!(
        (&grant["grant"]["id"], &grant["reason"], &grant["held_then"]),
        (&json!("role:admin:member:user:ben"), &json!("account"), &Value::Null)
    );
    assert_eq!(grants["known_then"], false);
    assert_eq!(counts(&shorter), json!([2, 0, 0, 0]));
    assert_eq!(shorter["items"][0]["last_used"], days_ago(&app, 3).to_string());
}

// rule: governance AUT-2, AUT-7
#[tokio::test]
async fn nothing_is_called_unused_that_was_merely_not_read() {
    for (span, says) in
        [(None, None), (Some((100, 1)), Some("known up to")), (Some((50, 0)), Some("known from"))]
    {
        let app = known().await;
        if let Some(span) = span {
            read(&app, span, 3).await;
        }

        let accounts = answer(&app, "/account").await;
        let grants = answer(&app, "/entitlement").await;

        let used = i64::from(span.is_some());
        assert_eq!(counts(&accounts), json!([0, 2 - used, used, 0]), "{span:?}");
        assert_eq!(counts(&grants), json!([0, 2, 0, 0]), "{span:?}");
        for answer in [accounts, grants] {
            let activity = &answer["activity"];
            let standing = if span.is_some() { "incomplete" } else { "none" };
            assert_eq!(activity["standing"], standing, "{answer}");
            let reason = activity["reason"].as_str();
            assert_eq!(reason.is_some(), says.is_some(), "{answer}");
            assert!(says.is_none_or(|says| reason.unwrap().contains(says)), "{answer}");
        }
    }
}

#[tokio::test]
async fn what_came_after_the_time_began_is_new_and_what_was_held_then_is_said() {
    let app = known().await;
    app.clock().advance(100 * DAY);
    synced(&app, "crm", &Application { people: &["ana", "ben", "zoe"], members: &["ana", "zoe"] }).await;
    read(&app, (95, 0), 3).await;

    // The first token is over by now.
    let app = app.with_scopes(&[Scope::AccessRead]).await;
    let accounts = answer(&app, "/account").await;
    let grants = answer(&app, "/entitlement").await;
    let alone = answer(&app, "/account?by=last_login").await;

    assert_eq!(counts(&accounts), json!([1, 0, 1, 1]));
    assert_eq!(counts(&grants), json!([1, 0, 1, 1]));
    assert_eq!((&grants["items"][0]["held_then"], &grants["known_then"]), (&json!(true), &json!(true)));
    assert_eq!(counts(&alone), json!([0, 2, 0, 1]), "no login is told");
}

#[tokio::test]
async fn lists_of_the_unused_come_page_by_page() {
    let app = known().await;
    read(&app, (100, 0), 99).await;

    for question in BOTH {
        let first = answer(&app, &format!("{question}?limit=1")).await;
        let cursor = first["next"].as_str().unwrap().to_owned();
        let last = answer(&app, &format!("{question}?limit=1&cursor={cursor}")).await;

        assert_eq!((&first["total"], &last["next"]), (&json!(2), &Value::Null), "{question}");
        assert_ne!(first["items"], last["items"], "{question}");
        assert_eq!(first["activity"], last["activity"], "{question}");
        assert_eq!(last["activity"]["standing"], "complete", "{question}");
    }
}

// rule: governance AUT-2
#[tokio::test]
async fn every_page_of_accounts_says_what_is_missing_of_events_and_the_first_alone_counts() {
    let app = known().await;
    read_in_part(&app, (100, 50, 0), 99).await;
    let question = "/api/v1/connection/crm/access/account?unused_for_s=7776000&limit=1";

    let (_, first) = app.get(question).await;
    let cursor = first["next"].as_str().unwrap().to_owned();
    let (_, last) = app.get(&format!("{question}&cursor={cursor}")).await;

    assert_eq!((&first["use_unknown"], last.get("use_unknown")), (&json!(0), None), "{last}");
    assert_ne!(first["items"], last["items"]);
    for page in [first, last] {
        assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
        assert_eq!(page["activity"]["standing"], "accounts_only", "{page}");
        assert!(page["activity"]["reason"].as_str().unwrap().contains("too many"), "{page}");
    }
}

// rule: fides-api 2.4
#[tokio::test]
async fn who_may_not_ask_and_what_is_no_question() {
    let app = known().await;
    let others: Vec<Scope> = Scope::ALL.iter().copied().filter(|scope| *scope != Scope::AccessRead).collect();
    let (may, may_not) = (app.with_scopes(&[Scope::AccessRead]).await, app.with_scopes(&others).await);

    for question in BOTH {
        let path = format!("{BASE}{question}");
        assert_eq!(
            (may.get(&path).await.0, may_not.get(&path).await.0),
            (StatusCode::OK, StatusCode::FORBIDDEN)
        );
        for wrong in
            ["unused_for_s=0", "unused_for_s=315360001", "unused_for_s=x", "by=odd", "cursor=x", "limit=0"]
        {
            let (status, told) = app.get(&format!("{path}?{wrong}")).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}: {told}");
        }
        let absent = path.replace("crm", "none");
        assert_eq!(app.get(&absent).await.0, StatusCode::NOT_FOUND);
    }
}
