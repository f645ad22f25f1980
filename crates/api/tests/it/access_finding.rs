//! What is odd about grants, as the interface tells it.

use api::Scope;
use c1z::{Limits, NewRun, RunEnd, SyncType, Writer};
use governance::inventory::{KeepRequest, ShrinkGuard, keep_file};
use http::{Method, StatusCode};
use model::Clock as _;
use protos::c1::connector::v2::{Entitlement, Grant, GrantExpandable, Resource, ResourceId, ResourceType};
use protos::{Ksuid, annotations};
use serde_json::{Value, json};
use store::Actor;

use crate::app::App;

const PATH: &str = "/api/v1/connection/crm/access";

fn group(id: &str) -> Resource {
    let name =
        ResourceId { resource_type: "group".to_owned(), resource: id.to_owned(), ..ResourceId::default() };
    Resource { id: Some(name), display_name: id.to_owned(), ..Resource::default() }
}

/// Members of `inner` should be members of `outer`, through a list of members that is nowhere.
fn write(file: &mut Writer) {
    file.resource_type(&ResourceType { id: "group".to_owned(), ..ResourceType::default() }).unwrap();
    for id in ["inner", "outer"] {
        file.resource(&group(id)).unwrap();
    }
    let entitlement = Entitlement {
        id: "group:outer:member".to_owned(),
        slug: "member".to_owned(),
        resource: Some(group("outer")),
        ..Entitlement::default()
    };
    file.entitlement(&entitlement).unwrap();
    let mut grant = Grant {
        id: "group:outer:member:group:inner".to_owned(),
        entitlement: Some(entitlement),
        principal: Some(group("inner")),
        ..Grant::default()
    };
    let through = GrantExpandable {
        entitlement_ids: vec!["group:inner:member".to_owned()],
        ..GrantExpandable::default()
    };
    annotations::append(&mut grant.annotations, &through);
    file.grant(&grant).unwrap();
}

// rule: baton E-2
#[tokio::test]
async fn what_is_odd_is_counted_with_the_kinds_and_listed_by_name() {
    let app = App::start().await;
    let new = json!([{"key": "crm", "name": "CRM", "connection_type": "saas", "access": "read"}]);
    app.send(Method::PATCH, "/api/v1/connection", new).await;
    let (folder, now) = (tempfile::tempdir().unwrap(), app.clock().now());
    let path = folder.path().join("sync.c1z");
    let run = NewRun {
        sync_id: Ksuid::new(now.as_second(), [7; 16]).unwrap().to_string(),
        started_at: now,
        sync_type: SyncType::Full,
        parent_sync_id: String::new(),
    };
    let mut file = Writer::create(&path, Some(folder.path()), run).unwrap();
    write(&mut file);
    file.finish(RunEnd { ended_at: now, actions: 1 }).unwrap();
    let (connection, guard) = ("crm".parse().unwrap(), ShrinkGuard::Off);
    let request = KeepRequest { store: app.store(), connection: &connection, guard, actor: Actor::system() };
    keep_file(&request, (&path, &Limits::default()), &[]).await.unwrap();

    let head = app.get(PATH).await.1;
    let (status, listed) = app.get(&format!("{PATH}/finding")).await;
    let wrong = app.get(&format!("{PATH}/finding?limit=0")).await.0;
    let stranger = app.with_scopes(&[Scope::ConnectionRead]).await.get(&format!("{PATH}/finding")).await.0;

    assert_eq!((head["findings"].as_u64(), status), (Some(1), StatusCode::OK), "{head}");
    assert_eq!(listed["total"], 1);
    assert_eq!(listed["items"][0]["finding"], "missing_source");
    assert_eq!(listed["items"][0]["entitlement"]["id"], "group:outer:member");
    assert_eq!(listed["items"][0]["principal"]["id"], "inner");
    assert_eq!(listed["state"], head["state"]);
    assert_eq!((wrong, stranger), (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::FORBIDDEN));
    assert_ne!(listed["as_of"], Value::Null);
}
