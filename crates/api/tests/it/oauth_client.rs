//! Programs that use the interface.

use api::Scope;
use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::app::App;

const PATH: &str = "/api/v1/oauth/client";

fn path(id: &str, rest: &str) -> String {
    format!("{PATH}/{id}{rest}")
}

#[rstest]
#[case(json!(["client:read"]))]
#[case(json!({"scopes": ["client:read"], "name": "billing", "description": "Invoices", "colour": 1}))]
#[tokio::test]
async fn a_client_is_made_from_its_scopes_or_from_all_of_it(#[case] body: Value) {
    let app = App::start().await;

    let (status, made) = app.send(Method::POST, PATH, body.clone()).await;

    assert_eq!(status, StatusCode::OK, "{made}");
    let id = made["client_id"].as_str().unwrap();
    assert_eq!(made["client_secret"].as_str().unwrap().len(), 43);
    let (_, read) = app.get(&path(id, "")).await;
    let expected = json!({
        "client_id": id,
        "name": body.get("name"),
        "description": body.get("description"),
        "scopes": ["client:read"],
    });
    assert_eq!(read, expected);
}

#[tokio::test]
async fn a_client_without_a_body_may_do_nothing_and_sees_its_secret_once() {
    let app = App::start().await;

    let made = app.call(Method::POST, PATH, "application/json", "").await;

    let id = made.json()["client_id"].as_str().unwrap().to_owned();
    assert_eq!(app.get(&path(&id, "/scope")).await.1, json!([]));
    let (_, list) = app.get(PATH).await;
    assert!(!list.to_string().contains(made.json()["client_secret"].as_str().unwrap()));
    assert_eq!((&list["page"], &list["size"]), (&json!(1), &json!(50)));
}

#[rstest]
#[case(json!({"scopes": "client:read"}), json!(["body", "scopes"]))]
#[case(json!(["client:read", 1]), json!(["body", 1]))]
#[case(json!("client:read"), json!(["body"]))]
#[tokio::test]
async fn what_is_wrong_with_a_client_is_told_with_its_place(#[case] body: Value, #[case] place: Value) {
    let app = App::start().await;

    let (status, reply) = app.send(Method::POST, PATH, body).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reply["detail"][0]["loc"], place, "{reply}");
}

#[tokio::test]
async fn unknown_scopes_are_refused_with_those_that_there_are() {
    let app = App::start().await;
    let (id, _) = app.new_client(&[]).await;

    for (method, path, body) in [
        (Method::POST, PATH.to_owned(), json!(["everything"])),
        (Method::PUT, path(&id, ""), json!({"scopes": ["everything"]})),
        (Method::PUT, path(&id, "/scope"), json!(["everything"])),
    ] {
        let (status, reply) = app.send(method, &path, body).await;

        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
        let text = reply["detail"].as_str().unwrap();
        assert!(text.starts_with("Invalid Scope. Scopes must be one of ["), "{text}");
    }
}

#[tokio::test]
async fn nobody_gives_a_client_or_takes_from_it_what_they_lack_themselves() {
    let app = App::start().await;
    let (powerful, _) = app.new_client(&["user:delete"]).await;
    let caller = app.with_scopes(&[Scope::ClientCreate, Scope::ClientUpdate]).await;

    for (method, path, body) in [
        (Method::POST, PATH.to_owned(), json!(["client:create", "user:delete"])),
        (Method::PUT, path(&powerful, ""), json!({"scopes": ["user:delete"]})),
        (Method::PUT, path(&powerful, "/scope"), json!(["user:delete"])),
        (Method::POST, path(&powerful, "/secret"), Value::Null),
    ] {
        let (status, reply) = caller.send(method, &path, body).await;

        let text = "Not Authorized for this action. Required scope(s): [user:delete]";
        assert_eq!((status, &reply["detail"]), (StatusCode::FORBIDDEN, &json!(text)), "{path}");
    }
    assert_eq!(caller.send(Method::POST, PATH, json!(["client:create"])).await.0, StatusCode::OK);
}

#[tokio::test]
async fn changes_keep_what_is_not_sent_and_narrow_tokens_at_once() {
    let app = App::start().await;
    let (id, secret) = app.new_client(&["client:read", "scope:read"]).await;
    let client = app.signed_in_with(&id, &secret).await;

    let (_, named) = app.send(Method::PUT, &path(&id, ""), json!({"name": "billing"})).await;
    let before = client.get("/api/v1/oauth/scope").await.0;
    let (_, narrowed) = app.send(Method::PUT, &path(&id, "/scope"), json!(["client:read"])).await;
    let after = client.get("/api/v1/oauth/scope").await.0;
    app.send(Method::PUT, &path(&id, "/scope"), json!(["client:read", "scope:read", "user:read"])).await;

    assert_eq!(named["scopes"], json!(["client:read", "scope:read"]));
    assert_eq!((before, narrowed, after), (StatusCode::OK, Value::Null, StatusCode::FORBIDDEN));
    assert_eq!(client.get("/api/v1/oauth/scope").await.0, StatusCode::OK);
    let later = client.get("/api/v1/user").await.0;
    assert_eq!(later, StatusCode::FORBIDDEN, "a token is never good for more than it was handed out for");
    assert_eq!(app.get(&path(&id, "")).await.1["name"], "billing");
}

#[tokio::test]
async fn tokens_end_with_their_client_and_with_its_secret() {
    let app = App::start().await;
    let (one, secret) = app.new_client(&["client:read"]).await;
    let first = app.signed_in_with(&one, &secret).await;
    let (two, other) = app.new_client(&["client:read"]).await;
    let second = app.signed_in_with(&two, &other).await;

    let (deleted, body) = app.send(Method::DELETE, &path(&one, ""), Value::Null).await;
    let (changed, fresh) = app.send(Method::POST, &path(&two, "/secret"), Value::Null).await;

    assert_eq!((deleted, body, changed), (StatusCode::OK, Value::Null, StatusCode::OK));
    assert_eq!(first.get(PATH).await.0, StatusCode::FORBIDDEN);
    assert_eq!(second.get(PATH).await.0, StatusCode::FORBIDDEN);
    let old = app.ask_token(&format!("client_id={two}&client_secret={other}")).await;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED);
    let again = app.signed_in_with(&two, fresh["client_secret"].as_str().unwrap()).await;
    assert_eq!(again.get(PATH).await.0, StatusCode::OK);
}

#[rstest]
#[case("cli_absent")]
#[case("..%2f..")]
#[tokio::test]
async fn absent_clients_are_told_as_the_interface_says(#[case] id: &str) {
    let app = App::start().await;
    let not_found = (StatusCode::NOT_FOUND, json!({"detail": "Client not found."}));

    assert_eq!(app.get(&path(id, "")).await, not_found);
    assert_eq!(app.send(Method::PUT, &path(id, ""), json!({})).await, not_found);
    assert_eq!(app.send(Method::POST, &path(id, "/secret"), Value::Null).await, not_found);
    assert_eq!(app.get(&path(id, "/scope")).await, (StatusCode::OK, json!([])));
    let done = (StatusCode::OK, Value::Null);
    assert_eq!(app.send(Method::PUT, &path(id, "/scope"), json!([])).await, done);
    assert_eq!(app.send(Method::DELETE, &path(id, ""), Value::Null).await, done);
}

#[tokio::test]
async fn clients_come_in_pages_without_the_root_client() {
    let app = App::start().await;
    for _ in 0..3 {
        app.new_client(&[]).await;
    }

    let (_, page) = app.get(&format!("{PATH}?page=2&size=2")).await;

    // One more is the caller of this test.
    assert_eq!((page["total"].as_u64(), page["pages"].as_u64()), (Some(4), Some(2)));
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    assert!(!page.to_string().contains(crate::app::ROOT_ID));
}
