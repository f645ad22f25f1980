//! Connectors that run elsewhere: credentials, calls in gRPC beside the interface, and what is shown of them.

use std::convert::Infallible;
use std::time::Duration;

use api::Scope;
use axum::Router;
use axum::body::Body;
use baton::assertion::sign_assertion;
use baton::credential::{ClientSecret, Credential};
use bytes::Bytes;
use crypto::Secret;
use governance::inventory::ShrinkGuard;
use http::{Method, Request, StatusCode, Version};
use model::{Clock as _, RandomIds};
use protos::c1::connector::v2::{
    Capability, ConnectorCapabilities, ConnectorMetadata, GrantManagerServiceGrantResponse,
};
use protos::c1::connectorapi::baton::v1 as wire;
use serde_json::{Value, json};
use store::{AUDIT_LEASE, Actor};
use tonic::Code;
use tower::ServiceExt as _;
use wire::baton_service_client::BatonServiceClient;
use wire::baton_service_finish_task_request::{Error, FinalState, Success};

use crate::access_file::{Application, FEW, MANY, kept, synced};
use crate::app::App;

const BASE: &str = "/api/v1/connection/office/self-hosted";

impl App {
    /// A connection with a registered connector.
    async fn with_connector() -> Self {
        let app = Self::start().await;
        let connection =
            json!([{"key": "office", "name": "Office", "connection_type": "saas", "access": "write"}]);
        assert_eq!(app.send(Method::PATCH, "/api/v1/connection", connection).await.0, StatusCode::OK);
        assert_eq!(app.send(Method::PUT, BASE, Value::Null).await.0, StatusCode::OK);
        app
    }

    async fn rotated(&self) -> (Credential, Value) {
        let (status, fresh) = self.send(Method::POST, &format!("{BASE}/credential"), Value::Null).await;
        assert_eq!(status, StatusCode::CREATED, "{fresh}");
        let secret = Secret::new(fresh["client_secret"].as_str().unwrap().to_owned());
        let client_secret = ClientSecret::parse(&secret).unwrap();
        let client_id = fresh["client_id"].as_str().unwrap().parse().unwrap();
        (Credential { client_id, client_secret }, fresh)
    }

    /// What the token endpoint answers to this credential.
    async fn ask_for_token(&self, credential: &Credential) -> (StatusCode, Value) {
        let assertion = sign_assertion(credential, self.clock().now(), &RandomIds);
        let client_id = credential.client_id.as_str().replace('@', "%40").replace('/', "%2F");
        let form = format!(
            "client_id={client_id}&grant_type=client_credentials\
             &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer\
             &client_assertion={}",
            assertion.expose()
        );
        let media = "application/x-www-form-urlencoded";
        let reply = self.without_token().call(Method::POST, "/auth/v1/token", media, form).await;
        (reply.status, reply.json())
    }

    async fn connector_token(&self, credential: &Credential) -> String {
        let (status, answer) = self.ask_for_token(credential).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["access_token"].as_str().unwrap().to_owned()
    }

    fn connector(&self) -> BatonServiceClient<Router> {
        BatonServiceClient::new(self.router())
    }

    /// What was entered into the audit log.
    pub(crate) async fn actions(&self) -> Vec<String> {
        let lease = self.store().lease_take(AUDIT_LEASE, "test", Duration::from_secs(9)).await;
        let lease = lease.unwrap().unwrap();
        while self.store().audit_sequence(&lease, 100).await.unwrap().is_some() {}
        let (_, log) = self.get("/api/v1/audit-log?size=100").await;
        let items = log["items"].as_array().unwrap_or_else(|| panic!("{log}"));
        items.iter().map(|item| item["entry"]["action"].as_str().unwrap().to_owned()).collect()
    }
}

fn called<T>(message: T, token: &str) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

fn hello(capabilities: &[Capability]) -> wire::BatonServiceHelloRequest {
    let capabilities = ConnectorCapabilities {
        connector_capabilities: capabilities.iter().map(|one| i32::from(*one)).collect(),
        ..ConnectorCapabilities::default()
    };
    wire::BatonServiceHelloRequest {
        host_id: "pod-1".to_owned(),
        connector_metadata: Some(ConnectorMetadata {
            display_name: "Office".to_owned(),
            capabilities: Some(capabilities),
            ..ConnectorMetadata::default()
        }),
        ..wire::BatonServiceHelloRequest::default()
    }
}

fn grant() -> Value {
    json!({
        "kind": "grant",
        "entitlement": "group:g1:member",
        "resource": {"type": "group", "id": "g1"},
        "principal": {"type": "user", "id": "u1"},
    })
}

// rule: governance CON-15
// rule: governance K8S-3
#[tokio::test]
async fn secret_is_shown_once_with_a_manifest_and_each_credential_is_taken_back_by_itself() {
    let app = App::with_connector().await;

    let (first, shown) = app.rotated().await;
    app.clock().advance(Duration::from_secs(1));
    let (second, _) = app.rotated().await;
    let token = app.connector_token(&first).await;
    let (status, listed) = app.get(&format!("{BASE}/credential")).await;

    assert_eq!(status, StatusCode::OK);
    let secret = shown["client_secret"].as_str().unwrap();
    let manifest = shown["manifest"].as_str().unwrap();
    assert!(manifest.contains(secret) && manifest.contains(first.client_id.as_str()));
    assert!(!listed.to_string().contains(secret));
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(listed[0]["expires_at"].is_null() && listed[0]["last_used_at"].is_null());
    assert!(listed[1]["expires_at"].is_string() && listed[1]["last_used_at"].is_string(), "the overlap");
    let old = format!("{BASE}/credential/{}", listed[1]["id"].as_str().unwrap());
    assert_eq!(app.send(Method::DELETE, &old, Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(app.send(Method::DELETE, &old, Value::Null).await.0, StatusCode::NOT_FOUND);
    let refused = app.connector().hello(called(hello(&[]), &token)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated, "its tokens end with it");
    assert_eq!(app.ask_for_token(&first).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(app.ask_for_token(&second).await.0, StatusCode::OK);
    let actions = app.actions().await;
    for action in
        ["baton_connector.registered", "baton_connector.rotated", "baton_connector.credential_revoked"]
    {
        assert!(actions.iter().any(|known| known == action), "{action}: {actions:?}");
    }
}

// rule: governance CON-19
#[tokio::test]
async fn change_goes_to_the_connector_and_its_answer_comes_back() {
    let app = App::with_connector().await;
    let (credential, _) = app.rotated().await;
    let token = app.connector_token(&credential).await;
    let tasks = format!("{BASE}/task");

    let before = app.send(Method::POST, &tasks, grant()).await;
    let capabilities = [Capability::Sync, Capability::Provision];
    app.connector().hello(called(hello(&capabilities), &token)).await.unwrap();
    let (status, queued) = app.send(Method::POST, &tasks, grant()).await;
    let ask = wire::BatonServiceGetTaskRequest { host_id: "pod-1".to_owned() };
    let given = app.connector().get_task(called(ask, &token)).await.unwrap().into_inner().task.unwrap();

    assert_eq!(before.0, StatusCode::CONFLICT, "{}: nobody said yet that it writes", before.1);
    assert_eq!((status, queued["state"].as_str()), (StatusCode::ACCEPTED, Some("queued")), "{queued}");
    assert_eq!(queued["id"], given.id.as_str());
    let Some(wire::task::TaskType::Grant(order)) = given.task_type else { panic!("another task") };
    assert_eq!(order.entitlement.unwrap().id, "group:g1:member");
    assert_eq!(order.principal.unwrap().id.unwrap().resource, "u1");
    let answer = prost_types::Any::from_msg(&GrantManagerServiceGrantResponse::default()).unwrap();
    let finish = wire::BatonServiceFinishTaskRequest {
        host_id: "pod-1".to_owned(),
        task_id: given.id.clone(),
        status: Some(protos::google::rpc::Status::default()),
        final_state: Some(FinalState::Success(Success { response: Some(answer), ..Success::default() })),
    };
    app.connector().finish_task(called(finish, &token)).await.unwrap();
    let one = format!("{tasks}/{}?wait_s=5", given.id);
    let (_, outcome) = app.get(&one).await;
    assert_eq!((outcome["state"].as_str(), outcome["code"].as_i64()), (Some("done"), Some(0)), "{outcome}");
    assert!(outcome["response"]["@type"].as_str().unwrap().ends_with("GrantResponse"), "{outcome}");
    let (_, shown) = app.get(BASE).await;
    assert_eq!((shown["display_name"].as_str(), shown["host_id"].as_str()), (Some("Office"), Some("pod-1")));
    assert!(shown["first_contact_at"].is_string() && shown["last_contact_at"].is_string(), "{shown}");
    let (_, lines) = app.get(&format!("{BASE}/log?limit=2")).await;
    assert!(lines[0]["line"].as_str().unwrap().ends_with("(grant) done"), "{lines}");
    assert_eq!(lines.as_array().unwrap().len(), 2);
    let (_, instances) = app.get(&format!("{BASE}/instance")).await;
    assert_eq!(instances[0]["host_id"], "pod-1");
    let reader = app.with_scopes(&[Scope::ConnectionRead, Scope::ConnectionCreateOrUpdate]).await;
    assert_eq!(reader.send(Method::POST, &tasks, grant()).await.0, StatusCode::FORBIDDEN);
    assert_eq!(reader.get(&one).await.0, StatusCode::FORBIDDEN);
}

// rule: governance 3.3, CON-20, CON-21
#[tokio::test]
async fn connection_of_a_connector_elsewhere_is_shown_and_steered_like_the_others() {
    let app = App::with_connector().await;
    let (credential, _) = app.rotated().await;
    let token = app.connector_token(&credential).await;
    let system = json!({"fides_key": "shop", "name": "Shop"});
    app.send(Method::POST, "/api/v1/system", system).await;
    let of_shop = json!([{"key": "office", "name": "Office", "connection_type": "saas", "access": "write"}]);
    app.send(Method::PATCH, "/api/v1/system/shop/connection", of_shop).await;
    let path = "/api/v1/connection/office/sync";

    let unheard = app.get(path).await.1;
    app.connector().hello(called(hello(&[Capability::Sync]), &token)).await.unwrap();
    let schedule = json!({"schedule": {"cron": "0 3 * * *", "zone": "Europe/Berlin"}, "guard": false});
    let set = app.send(Method::PATCH, path, schedule).await;
    let asked = app.send(Method::POST, path, Value::Null).await;
    let applications = app.get("/api/v1/application").await.1;
    let paused = app.send(Method::POST, &format!("{path}/pause"), json!({"reason": "it moves"})).await.1;
    let refused = app.send(Method::POST, path, Value::Null).await.0;
    let grant = json!({"action": "grant", "entitlement": "group:g1:member", "principal": "user:u1"});
    let unchanged = app.send(Method::POST, "/api/v1/connection/office/access-change", grant).await;
    let (_, elsewhere) = app.get(BASE).await;
    let resumed = app.send(Method::POST, &format!("{path}/resume"), Value::Null).await.1;

    assert_eq!((&unheard["label"], &unheard["is_self_hosted"]), (&json!("Not connected"), &json!(true)));
    assert!(unheard["lacks"].as_str().unwrap().contains("no process of its connector"), "{unheard}");
    assert_eq!((set.0, &set.1["lacks"]), (StatusCode::OK, &Value::Null));
    assert_eq!(set.1["schedule"], json!({"cron": "0 3 * * *", "zone": "Europe/Berlin"}));
    assert_eq!((asked.0, &asked.1["is_asked_for"]), (StatusCode::ACCEPTED, &json!(true)));
    assert_eq!(applications["items"][0]["connections"][0]["connection"], "office");
    assert_eq!(applications["items"][0]["connections"][0]["label"], "Syncing");
    assert_eq!((&paused["label"], &paused["paused_category"]), (&json!("Paused"), &json!("person")));
    assert_eq!((refused, &elsewhere["paused_reason"]), (StatusCode::CONFLICT, &json!("it moves")));
    assert_eq!(unchanged.0, StatusCode::CONFLICT, "{}", unchanged.1);
    assert_eq!((&resumed["label"], &resumed["paused_at"]), (&json!("Syncing"), &Value::Null));
}

// rule: baton P-25
#[tokio::test]
async fn nobody_waits_for_a_sync_elsewhere_that_was_taken_back() {
    let app = App::with_connector().await;
    let (credential, _) = app.rotated().await;
    let token = app.connector_token(&credential).await;
    let end = "/api/v1/connection/office/sync/end";
    app.connector().hello(called(hello(&[Capability::Sync]), &token)).await.unwrap();
    app.send(Method::POST, "/api/v1/connection/office/sync", Value::Null).await;
    let waiting = app.get(end).await.1;
    let ask = wire::BatonServiceGetTaskRequest { host_id: "pod-1".to_owned() };
    let given = app.connector().get_task(called(ask, &token)).await.unwrap().into_inner().task.unwrap();

    app.send(Method::DELETE, &format!("{BASE}/task/{}", given.id), Value::Null).await;
    let running = app.get(end).await.1;
    let finish = wire::BatonServiceFinishTaskRequest {
        host_id: "pod-1".to_owned(),
        task_id: given.id.clone(),
        status: Some(protos::google::rpc::Status {
            code: Code::Cancelled as i32,
            ..protos::google::rpc::Status::default()
        }),
        final_state: Some(FinalState::Error(Error::default())),
    };
    app.connector().finish_task(called(finish, &token)).await.unwrap();
    let (_, task) = app.get(&format!("{BASE}/task/{}", given.id)).await;
    let ended = app.get(end).await.1;

    assert_eq!(task["state"], "cancelled");
    assert!(task["started_at"].is_string(), "{task}");
    let are_over = [&waiting, &running, &ended].map(|told| told["is_over"] == true);
    assert_eq!(are_over, [false, false, true], "{waiting} {running} {ended}");
}

// rule: baton P-16, P-17
#[tokio::test]
async fn accounts_are_made_and_removed_and_what_is_not_said_whole_is_refused() {
    let app = App::with_connector().await;
    let (credential, _) = app.rotated().await;
    let token = app.connector_token(&credential).await;
    let tasks = format!("{BASE}/task");
    let create = json!({
        "kind": "create_account",
        "account": {"email": "ana@example.com", "profile": {"team": "Sales", "level": 3}},
        "resource_type": "invite",
    });
    let delete = json!({"kind": "delete_resource", "resource": {"type": "user", "id": "u1"}});
    let mut asked = Vec::new();

    let early = app.send(Method::POST, &tasks, create.clone()).await.0;
    let capabilities = [Capability::Sync, Capability::AccountProvisioning, Capability::ResourceDelete];
    app.connector().hello(called(hello(&capabilities), &token)).await.unwrap();
    for task in [create.clone(), delete] {
        let (status, task) = app.send(Method::POST, &tasks, task).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{task}");
        let ask = wire::BatonServiceGetTaskRequest { host_id: "pod-1".to_owned() };
        asked.push(app.connector().get_task(called(ask, &token)).await.unwrap().into_inner().task.unwrap());
    }

    assert_eq!(early, StatusCode::CONFLICT);
    let Some(wire::task::TaskType::CreateAccount(order)) = &asked[0].task_type else { panic!("{asked:?}") };
    let account = protos::json::to_value(order.account_info.as_ref().unwrap()).unwrap();
    assert_eq!(account["emails"], json!([{"address": "ana@example.com", "isPrimary": true}]));
    assert_eq!(account["profile"]["team"], "Sales");
    assert_eq!(order.resource_type_id, "invite");
    let Some(wire::task::TaskType::DeleteResource(order)) = &asked[1].task_type else { panic!("{asked:?}") };
    assert_eq!(order.resource_id.as_ref().unwrap().resource, "u1");
    for wrong in [
        json!({"kind": "create_account"}),
        json!({"kind": "create_account", "account": {}}),
        json!({"kind": "create_account", "account": {"email": "nobody"}}),
        json!({"kind": "delete_resource"}),
        json!({"kind": "delete_resource", "resource": {"type": "user", "id": ""}}),
        json!({"kind": "grant", "entitlement": "group:g1:member"}),
    ] {
        let (status, told) = app.send(Method::POST, &tasks, wrong.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}: {told}");
    }
    let reading = json!([{"key": "office", "name": "Office", "connection_type": "saas", "access": "read"}]);
    app.send(Method::PATCH, "/api/v1/connection", reading).await;
    let (status, told) = app.send(Method::POST, &tasks, create).await;
    assert_eq!(status, StatusCode::CONFLICT, "{told}");
    assert!(told["detail"].as_str().unwrap().contains("for reading only"), "{told}");
}

// rule: governance CON-22
// rule: governance CON-25
#[tokio::test]
async fn sync_is_asked_for_once_and_a_paused_connector_gets_none() {
    let app = App::with_connector().await;
    let sync = format!("{BASE}/sync");

    let (status, first) = app.send(Method::POST, &sync, Value::Null).await;
    let (_, again) = app.send(Method::POST, &sync, Value::Null).await;
    let reason = json!({"reason": "the office moves"});
    let paused = app.send(Method::POST, &format!("{BASE}/pause"), reason).await.0;
    let refused = app.send(Method::POST, &sync, Value::Null).await.0;
    let (_, shown) = app.get(BASE).await;
    let (_, nothing) = app.send(Method::POST, &format!("{BASE}/confirm"), Value::Null).await;
    let (resumed, _) = app.send(Method::POST, &format!("{BASE}/resume"), Value::Null).await;
    let (_, syncs) = app.get(&sync).await;

    assert_eq!(
        (status, paused, refused),
        (StatusCode::ACCEPTED, StatusCode::NO_CONTENT, StatusCode::CONFLICT)
    );
    assert_eq!(first["id"], again["id"]);
    assert_eq!(
        (shown["label"].as_str(), shown["status"].as_str()),
        (Some("Paused"), Some("SYNC_STATUS_DISABLED"))
    );
    assert_eq!(shown["paused_reason"], "the office moves");
    assert_eq!(shown["paused_category"], "person");
    assert_eq!(nothing["detail"], "No sync of 'office' is held back.");
    assert_eq!(resumed, StatusCode::ACCEPTED);
    assert_eq!(syncs.as_array().unwrap().len(), 1);
    let cancel = format!("{BASE}/task/{}", first["id"].as_str().unwrap());
    assert_eq!(app.send(Method::DELETE, &cancel, Value::Null).await.1["state"], "cancelled");
}

#[tokio::test]
async fn connector_goes_with_its_connection_and_its_credentials_with_it() {
    let app = App::with_connector().await;
    let (credential, _) = app.rotated().await;
    let token = app.connector_token(&credential).await;

    let removed = app.send(Method::DELETE, "/api/v1/connection/office", Value::Null).await.0;

    assert_eq!(removed, StatusCode::NO_CONTENT);
    let refused = app.connector().hello(called(hello(&[]), &token)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(app.ask_for_token(&credential).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(app.get(BASE).await.0, StatusCode::NOT_FOUND);
    assert_eq!(app.send(Method::PUT, BASE, Value::Null).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn strangers_are_counted_and_connectors_are_not() {
    let app = App::with_connector().await;
    let few = app.restarted(|settings| {
        settings.request_rate_limit.calls = 20;
        settings.public_rate_limit.calls = 3;
    });
    let (credential, _) = few.rotated().await;

    for _ in 0..5 {
        few.connector_token(&credential).await;
    }
    let token = few.connector_token(&credential).await;
    for _ in 0..30 {
        few.connector().hello(called(hello(&[]), &token)).await.unwrap();
    }
    let mut codes = Vec::new();
    for _ in 0..30 {
        codes.push(few.connector().hello(called(hello(&[]), "stranger")).await.unwrap_err().code());
    }

    assert_eq!(codes.first(), Some(&Code::Unauthenticated));
    assert_eq!(codes.last(), Some(&Code::Unavailable));
}

#[tokio::test]
async fn grpc_that_a_proxy_made_http1_is_refused_with_the_reason() {
    let app = App::with_connector().await;
    let path = "/c1.connectorapi.baton.v1.BatonService/Hello";
    let request = Request::post(path).header("content-type", "application/grpc").body(Body::empty()).unwrap();

    let response = app.router().oneshot(request).await.unwrap();

    assert_eq!(response.headers()["grpc-status"], "9");
    assert!(response.headers()["grpc-message"].to_str().unwrap().contains("HTTP/2"));
    assert!(response.headers().contains_key("x-request-id"));
}

#[tokio::test]
async fn of_a_strangers_call_nothing_is_read_but_its_head() {
    let app = App::with_connector().await;
    let never = futures::stream::pending::<Result<Bytes, Infallible>>();
    let request = Request::post("/c1.connectorapi.baton.v1.BatonService/Hello")
        .version(Version::HTTP_2)
        .header("content-type", "application/grpc")
        .header("authorization", "Bearer stranger")
        .body(Body::from_stream(never))
        .unwrap();

    let answer = tokio::time::timeout(Duration::from_secs(20), app.router().oneshot(request)).await;

    let response = answer.expect("the body, which never comes, is not waited for").unwrap();
    assert_eq!(response.headers()["grpc-status"], (Code::Unauthenticated as i32).to_string().as_str());
}

// rule: governance CON-24
#[tokio::test]
async fn connector_that_its_upload_stopped_goes_on_once_its_connection_is_decided_about() {
    for (decision, reason, goes_on) in
        [("confirm", None, true), ("dismiss", None, true), ("confirm", Some("the office moves"), false)]
    {
        let app = App::with_connector().await;
        synced(&app, "office", &Application { people: &MANY, members: &[] }).await;
        let few = Application { people: &FEW, members: &[] };
        let held = kept(&app, ("office", ShrinkGuard::On), &few).await.held.unwrap().to_string();
        let connector = app.store().baton_connector_of(&"office".parse().unwrap()).await.unwrap().unwrap();
        let why = reason.unwrap_or(&held);
        app.store().baton_connector_pause(&connector.id, why, Actor::system()).await.unwrap();

        let path = format!("/api/v1/connection/office/sync/held/{decision}");
        let decided = app.send(Method::POST, &path, Value::Null).await.0;
        let (_, shown) = app.get(BASE).await;
        let (_, syncs) = app.get(&format!("{BASE}/sync")).await;

        assert_eq!(decided, StatusCode::OK);
        assert_eq!(shown["paused_at"].is_null(), goes_on, "{decision}: {shown}");
        assert_eq!(syncs.as_array().unwrap().len(), usize::from(goes_on), "{decision}: {syncs}");
    }
}
