//! Connections that sync, applications, owners, access that ends.

use std::time::Duration;

use governance::inventory::ShrinkGuard;
use http::{Method, StatusCode};
use model::{ConnectionKey, RandomIds, RunId};
use serde_json::{Value, json};
use store::{
    AccessEndState, Actor, HeldAccess, MessageFilter, MessageKind, NewAccessEnd, SyncResult, SyncSettled,
    Window,
};

use crate::access_file::{Application, FEW, MANY, kept, synced};
use crate::app::App;

const PATH: &str = "/api/v1/connection/crm/sync";

fn crm() -> ConnectionKey {
    "crm".parse().unwrap()
}

impl App {
    async fn crm(&self) {
        let new = json!([{"name": "CRM", "key": "crm", "connection_type": "saas", "access": "write"}]);
        let put = self.send(Method::PATCH, "/api/v1/connection", new).await;
        assert_eq!(put.1["failed"], json!([]), "{put:?}");
    }

    /// The newest reading of the connection lost much; why it is held back.
    async fn held(&self) -> String {
        synced(self, "crm", &Application { people: &MANY, members: &[] }).await;
        let few = Application { people: &FEW, members: &[] };
        kept(self, ("crm", ShrinkGuard::On), &few).await.held.unwrap().to_string()
    }

    async fn person(&self, username: &str) -> String {
        let new = json!({"username": username, "email_address": format!("{username}@example.com")});
        let made = self.send(Method::POST, "/api/v1/user", new).await;
        made.1["id"].as_str().unwrap().to_owned()
    }

    async fn mails(&self, kind: MessageKind) -> usize {
        let all = self.store().message_list(MessageFilter::default(), Window::ALL).await.unwrap().items;
        all.iter().filter(|message| message.kind == kind).count()
    }
}

// rule: governance 3.3, CON-21, CON-22, CON-25
#[tokio::test]
async fn a_connection_shows_how_it_is_and_takes_a_schedule_a_sync_now_and_a_pause() {
    let app = App::start().await;
    app.crm().await;

    let unseen = app.get(PATH).await;
    app.store().connection_sync_connect(&crm(), "1").await.unwrap();
    let changed = json!({"schedule": {"cron": "0 3 * * *", "zone": "Europe/Berlin"}, "guard": false});
    let set = app.send(Method::PATCH, PATH, changed).await;
    let asked = app.send(Method::POST, PATH, json!(null)).await;
    let paused = app.send(Method::POST, &format!("{PATH}/pause"), json!({"reason": "maintenance"})).await;
    let refused = app.send(Method::POST, PATH, json!(null)).await;
    let resumed = app.send(Method::POST, &format!("{PATH}/resume"), json!(null)).await;

    assert_eq!((unseen.0, unseen.1["label"].as_str()), (StatusCode::OK, Some("Not connected")));
    assert_eq!(unseen.1["schedule"], json!({"every_s": 86_400}));
    assert_eq!((set.0, &set.1["guard"]), (StatusCode::OK, &json!(false)));
    assert_eq!(set.1["schedule"], json!({"cron": "0 3 * * *", "zone": "Europe/Berlin"}));
    assert_eq!((asked.0, &asked.1["is_asked_for"]), (StatusCode::ACCEPTED, &json!(true)));
    assert_eq!(
        (paused.1["label"].as_str(), &paused.1["paused_category"]),
        (Some("Paused"), &json!("person"))
    );
    assert_eq!(paused.1["status"], "SYNC_STATUS_DISABLED");
    assert_eq!(refused.0, StatusCode::CONFLICT);
    assert_eq!((resumed.0, &resumed.1["paused_at"]), (StatusCode::OK, &Value::Null));
    for wrong in [
        json!({"schedule": {"every_s": 60}}),
        json!({"schedule": {"cron": "0 3 * * *"}}),
        json!({"schedule": {"cron": "0 3 * * *", "zone": "Europe/Nowhere"}}),
        json!({"schedule": {"cron": "* * * * *", "zone": "UTC"}}),
        json!({"unknown": 1}),
    ] {
        assert_eq!(
            app.send(Method::PATCH, PATH, wrong.clone()).await.0,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{wrong}"
        );
    }
    assert_eq!(app.get("/api/v1/connection/none/sync").await.0, StatusCode::NOT_FOUND);
}

// rule: governance CON-27
#[tokio::test]
async fn kinds_are_switched_off_one_by_one_and_not_all_of_them() {
    let app = App::start().await;
    app.crm().await;
    synced(&app, "crm", &Application { people: &MANY, members: &["ana"] }).await;

    let off = app.send(Method::PATCH, PATH, json!({"kinds_off": ["role", "later"]})).await;
    let all = app.send(Method::PATCH, PATH, json!({"kinds_off": ["user", "group", "role"]})).await;
    let other = app.send(Method::PATCH, PATH, json!({"guard": false})).await;
    synced(&app, "crm", &Application { people: &MANY, members: &["ana"] }).await;
    let access = app.get("/api/v1/connection/crm/access").await.1;
    let roles = app.get("/api/v1/connection/crm/access/resource?kind=role").await;
    let on = app.send(Method::PATCH, PATH, json!({"kinds_off": []})).await;

    assert_eq!((off.0, &off.1["kinds_off"]), (StatusCode::OK, &json!(["later", "role"])));
    assert_eq!(all.0, StatusCode::UNPROCESSABLE_ENTITY, "{}", all.1);
    assert!(all.1.to_string().contains("pause the connection"), "{}", all.1);
    assert_eq!(other.1["kinds_off"], json!(["later", "role"]), "what is not sent stays");
    let told = access["not_current"].to_string();
    assert!(told.contains("switched off for this connection"), "{access}");
    assert!(roles.0 != StatusCode::OK || roles.1["items"] == json!([]), "{}", roles.1);
    assert_eq!(on.1["kinds_off"], json!([]));
}

// rule: governance CON-19
#[tokio::test]
async fn the_newest_error_stands_with_the_connection_until_a_sync_goes_well() {
    let app = App::start().await;
    app.crm().await;
    app.store().connection_sync_connect(&crm(), "1").await.unwrap();
    let settle = async |result: SyncResult| {
        let taken = app.store().connection_sync_claim("w", Duration::from_secs(9)).await.unwrap().unwrap();
        let running = app.get(PATH).await.1["label"].clone();
        let settled = SyncSettled { run: None, result, next_at: app.store().clock().now() };
        app.store().connection_sync_settle(&taken.lease, &settled).await.unwrap();
        assert_eq!(running, "Syncing");
        app.get(PATH).await.1
    };

    let failed = settle(SyncResult::Failed("the token is refused".to_owned())).await;
    let worked = settle(SyncResult::Taken).await;
    let log = app.get(&format!("{PATH}/log")).await;
    let history = app.get(&format!("{PATH}/history")).await;
    let held = app.get(&format!("{PATH}/held")).await;
    let confirmed = app.send(Method::POST, &format!("{PATH}/held/confirm"), json!(null)).await;

    assert_eq!((&failed["label"], &failed["last_error"]), (&json!("Error"), &json!("the token is refused")));
    assert_eq!((&worked["label"], &worked["last_error"]), (&json!("Connected"), &Value::Null));
    assert_eq!((log.0, history.0), (StatusCode::OK, StatusCode::OK));
    assert_eq!((held.0, confirmed.0), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
}

// rule: governance CON-24
#[tokio::test]
async fn what_is_held_back_is_shown_once_a_person_confirms_it_and_goes_once_they_dismiss_it() {
    for (decision, shown) in [("confirm", 7), ("dismiss", 14)] {
        let app = App::start().await;
        app.crm().await;
        let held = app.held().await;
        app.store().connection_sync_connect(&crm(), "1").await.unwrap();
        let taken = app.store().connection_sync_claim("w", Duration::from_secs(9)).await.unwrap().unwrap();
        let result = SyncResult::Held(held.clone());
        let settled = SyncSettled { run: None, result, next_at: app.store().clock().now() };
        app.store().connection_sync_settle(&taken.lease, &settled).await.unwrap();
        let reader = app.with_scopes(&[api::Scope::ConnectionRead, api::Scope::AccessRead]).await;
        let path = format!("{PATH}/held/{decision}");

        let stopped = app.get(PATH).await.1;
        let looked = reader.get(&format!("{PATH}/held")).await.1;
        let forbidden = reader.send(Method::POST, &path, json!(null)).await.0;
        let decided = app.send(Method::POST, &path, json!(null)).await;
        let again = app.send(Method::POST, &path, json!(null)).await.0;
        let access = reader.get("/api/v1/connection/crm/access").await.1;

        assert_eq!(stopped["paused_category"], "anomaly");
        assert_eq!((&looked["held"]["resources"], &looked["shown"]["resources"]), (&json!(7), &json!(14)));
        assert_eq!(looked["reason"], held);
        assert_eq!(
            (forbidden, decided.0, again),
            (StatusCode::FORBIDDEN, StatusCode::OK, StatusCode::NOT_FOUND)
        );
        assert_eq!((&decided.1["paused_at"], &decided.1["is_asked_for"]), (&Value::Null, &json!(true)));
        assert_eq!(access["resources"], shown, "{decision}: {access}");
        assert!(app.actions().await.contains(&format!("inventory.{decision}ed")), "{decision} is in the log");
    }
}

// rule: governance CON-24, CON-25
#[tokio::test]
async fn what_a_person_stopped_stays_stopped_when_what_is_held_back_is_confirmed() {
    let app = App::start().await;
    app.crm().await;
    app.store().connection_sync_connect(&crm(), "1").await.unwrap();
    app.send(Method::POST, &format!("{PATH}/pause"), json!({"reason": "maintenance"})).await;
    app.held().await;

    let confirmed = app.send(Method::POST, &format!("{PATH}/held/confirm"), json!(null)).await;

    assert_eq!((confirmed.0, &confirmed.1["paused_reason"]), (StatusCode::OK, &json!("maintenance")));
}

// rule: governance CON-10, CON-17
#[tokio::test]
async fn owners_are_named_by_their_ids_and_told() {
    let app = App::start().await;
    app.crm().await;
    let (ana, ben) = (app.person("ana").await, app.person("ben").await);
    let path = "/api/v1/connection/crm/owner";

    let set = app.send(Method::PUT, path, json!([ana, ben])).await;
    let again = app.send(Method::PUT, path, json!([ben])).await;
    let unknown = app.send(Method::PUT, path, json!(["fid_nobody"])).await;
    let left = app.get(path).await;

    assert_eq!((set.0, set.1.as_array().unwrap().len()), (StatusCode::OK, 2));
    assert_eq!((again.0, unknown.0), (StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY));
    assert_eq!(left.1[0]["username"], "ben");
    assert_eq!((left.1.as_array().unwrap().len(), app.mails(MessageKind::OwnerNamed).await), (1, 2));
}

// rule: governance 2.1, APP-5, APP-7, 3.2
#[tokio::test]
async fn a_found_application_is_promoted_once_by_naming_owners() {
    let app = App::start().await;
    for key in ["okta", "shop"] {
        app.send(Method::POST, "/api/v1/system", json!({"fides_key": key, "name": key})).await;
    }
    let (ana, gone) = (app.person("ana").await, app.person("gone").await);
    let path = "/api/v1/application/shop";
    app.send(Method::DELETE, &format!("/api/v1/user/{gone}"), json!(null)).await;

    let found = app.send(Method::PUT, &format!("{path}/parent"), json!({"parent": "okta"})).await;
    let nobody = app.send(Method::POST, &format!("{path}/promote"), json!({"owners": []})).await;
    let unknown = app.send(Method::POST, &format!("{path}/promote"), json!({"owners": [ana, gone]})).await;
    let promoted = app.send(Method::POST, &format!("{path}/promote"), json!({"owners": [ana]})).await;
    let twice = app.send(Method::POST, &format!("{path}/promote"), json!({"owners": [ana]})).await;
    let removed = app.send(Method::DELETE, "/api/v1/system/okta", json!(null)).await;
    let parent = app.get("/api/v1/application/okta").await;
    let detached = app.send(Method::DELETE, &format!("{path}/parent"), json!(null)).await;
    let listed = app.get("/api/v1/application").await;
    let system = app.get(&format!("/api/v1/user/{ana}/system-manager")).await;

    assert_eq!((found.0, &found.1["kind"]), (StatusCode::OK, &json!("unmanaged")));
    assert_eq!((nobody.0, unknown.0), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::UNPROCESSABLE_ENTITY));
    // Whoever named somebody wrong has changed nothing, and can do it again.
    assert_eq!(
        (&promoted.1["kind"], &promoted.1["owners"][0]["username"]),
        (&json!("managed"), &json!("ana"))
    );
    assert_eq!((twice.0, removed.0), (StatusCode::CONFLICT, StatusCode::CONFLICT));
    assert_eq!(parent.1["children"], json!(["shop"]));
    assert_eq!(detached.1["parent"], Value::Null);
    assert_eq!((listed.1["total"].as_u64(), app.mails(MessageKind::OwnerNamed).await), (Some(2), 1));
    // One table: who owns it looks after its system.
    assert_eq!(system.1[0]["fides_key"], "shop");
}

// rule: governance GRA-3
#[tokio::test]
async fn an_end_of_access_is_listed_put_off_and_removed() {
    let app = App::start().await;
    app.crm().await;
    let access = HeldAccess {
        entitlement: "role:9:member".to_owned(),
        principal_kind: "user".to_owned(),
        principal_id: "7".to_owned(),
    };
    let due_at = app.store().clock().now() + Duration::from_hours(1);
    let run = RunId::new(&RandomIds);
    let new = NewAccessEnd { connection: &crm(), access: &access, run: &run, due_at, actor: Actor::system() };
    let end = app.store().access_end_put(&new).await.unwrap();
    let path = format!("/api/v1/connection/crm/access-end/{}", end.id);

    let pending = app.send(Method::DELETE, &path, json!(null)).await;
    app.store().access_end_open(&end.id, due_at, Actor::system()).await.unwrap();
    let listed = app.get("/api/v1/connection/crm/access-end").await;
    let later = due_at + Duration::from_hours(5);
    let put_off = app.send(Method::PATCH, &path, json!({"until": later.to_string()})).await;
    let past = app.send(Method::PATCH, &path, json!({"until": "2020-01-01T00:00:00Z"})).await;
    let reader = app.with_scopes(&[api::Scope::AccessRead]).await;
    let forbidden = reader.send(Method::DELETE, &path, json!(null)).await;
    let kept = app.send(Method::DELETE, &path, json!(null)).await;
    let open = app.get("/api/v1/connection/crm/access-end").await;
    let all = app.get("/api/v1/connection/crm/access-end?all=true").await;

    assert_eq!(pending.0, StatusCode::CONFLICT);
    assert_eq!(listed.1["items"][0]["principal"], "user:7");
    assert_eq!((put_off.0, put_off.1["due_at"].as_str()), (StatusCode::OK, Some(later.to_string().as_str())));
    assert_eq!((past.0, forbidden.0), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::FORBIDDEN));
    assert_eq!((kept.0, kept.1["state"].as_str()), (StatusCode::OK, Some(AccessEndState::Void.as_str())));
    assert_eq!((open.1["total"].as_u64(), all.1["total"].as_u64()), (Some(0), Some(1)));
}

#[tokio::test]
async fn access_is_not_changed_through_a_paused_connection_or_one_for_reading() {
    let app = App::start().await;
    app.crm().await;
    let path = "/api/v1/connection/crm/access-change";
    let grant =
        json!({"action": "grant", "entitlement": "role:9:member", "principal": "user:7", "for_s": 60});

    let nowhere = app.send(Method::POST, path, grant.clone()).await;
    app.send(Method::POST, &format!("{PATH}/pause"), json!({"reason": "maintenance"})).await;
    let paused = app.send(Method::POST, path, grant.clone()).await;
    app.send(Method::POST, &format!("{PATH}/resume"), json!(null)).await;
    let reading = json!([{"name": "CRM", "key": "crm", "connection_type": "saas", "access": "read"}]);
    app.send(Method::PATCH, "/api/v1/connection", reading).await;
    let read_only = app.send(Method::POST, path, grant).await;

    // This server of tests has nothing to change access with.
    assert_eq!(nowhere.0, StatusCode::NOT_IMPLEMENTED);
    assert_eq!((paused.0, read_only.0), (StatusCode::CONFLICT, StatusCode::CONFLICT));
    for wrong in [
        json!({"action": "grant", "entitlement": "x"}),
        json!({"action": "revoke", "grant": "x", "for_s": 5}),
        json!({"action": "grant", "entitlement": "x", "principal": "user:7", "for_s": 0}),
        json!({"action": "take"}),
    ] {
        assert_eq!(
            app.send(Method::POST, path, wrong.clone()).await.0,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{wrong}"
        );
    }
}

// rule: governance CON-22
#[tokio::test]
async fn the_end_of_a_sync_is_waited_for_by_one_call() {
    let app = App::start().await;
    app.crm().await;
    let end = format!("{PATH}/end");
    let never = app.get(&end).await;
    app.store().connection_sync_connect(&crm(), "1").await.unwrap();
    app.send(Method::POST, PATH, json!(null)).await;
    let asked = app.get(&end).await.1;
    let taken = app.store().connection_sync_claim("w", Duration::from_secs(90)).await.unwrap().unwrap();
    let running = app.get(&end).await.1;

    let path = format!("{PATH}/end?wait_s=20");
    let waiting = app.get(&path);
    let working = async {
        synced(&app, "crm", &Application { people: &FEW, members: &[] }).await;
        let next_at = app.store().clock().now();
        let settled = SyncSettled { run: None, result: SyncResult::Taken, next_at };
        app.store().connection_sync_settle(&taken.lease, &settled).await.unwrap();
    };
    let (ended, ()) = tokio::join!(waiting, working);
    let reader = app.with_scopes(&[api::Scope::AccessRead]).await;

    assert_eq!((never.0, &never.1["is_over"]), (StatusCode::OK, &json!(true)), "nothing of it says anything");
    assert_eq!((&asked["is_over"], &running["is_over"]), (&json!(false), &json!(false)));
    assert_eq!((ended.0, &ended.1["is_over"]), (StatusCode::OK, &json!(true)));
    assert_eq!(
        (&ended.1["sync"]["label"], &ended.1["inventory"]["held"]),
        (&json!("Connected"), &Value::Null)
    );
    assert!(ended.1["inventory"]["state"].as_str().unwrap().starts_with("inv_"), "{ended:?}");
    assert_eq!(app.get(&format!("{PATH}/end?wait_s=31")).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reader.get(&end).await.0, StatusCode::FORBIDDEN);
}
