//! People who sign in.

use std::net::SocketAddr;
use std::time::Duration;

use api::Scope;
use axum::body::Body;
use axum::extract::ConnectInfo;
use base64::Engine as _;
use http::header::CONTENT_TYPE;
use http::{Method, Request, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::app::{App, Reply};

const PATH: &str = "/api/v1/user";
const PASSWORD: &str = "Canary-pass-1";

fn path(id: &str, rest: &str) -> String {
    format!("{PATH}/{id}{rest}")
}

impl App {
    /// An account with these roles; its id.
    async fn new_user(&self, username: &str, roles: &[&str]) -> String {
        let email = format!("{username}@example.com");
        let body = json!({"username": username, "email_address": email, "password": PASSWORD});
        let (status, user) = self.send(Method::POST, PATH, body).await;
        assert_eq!(status, StatusCode::CREATED, "{user}");
        let id = user.get("id").unwrap().as_str().unwrap().to_owned();
        let (status, reply) =
            self.send(Method::PUT, &path(&id, "/permission"), json!({"roles": roles})).await;
        assert_eq!(status, StatusCode::OK, "{reply}");
        id
    }

    /// Tries to sign in, from an address that depends on `host`.
    async fn login_from(&self, host: u8, username: &str, password: &str) -> Reply {
        let address = ConnectInfo(SocketAddr::from(([198, 51, 100, host], 40_000)));
        let body = json!({"username": username, "password": password}).to_string();
        let request = Request::post("/api/v1/login")
            .header(CONTENT_TYPE, "application/json")
            .extension(address)
            .body(Body::from(body));
        self.call_raw(request.unwrap()).await
    }

    /// The same interface, called by this person.
    async fn as_user(&self, username: &str, password: &str) -> Self {
        let reply = self.login_from(1, username, password).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        self.with_token(reply.json().pointer("/token_data/access_token").unwrap().as_str().unwrap())
    }
}

#[tokio::test]
async fn an_account_signs_in_as_viewer_and_signs_out_everywhere() {
    let app = App::start().await;
    let body = json!({
        "username": "ana", "email_address": "ana@example.com", "password": PASSWORD,
        "first_name": "Ana", "last_name": "Canary",
    });
    let (status, made) = app.send(Method::POST, PATH, body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let reply = app.login_from(1, "ANA", PASSWORD).await.json();

    let user = &reply["user_data"];
    let expected = json!({
        "id": made["id"], "username": "ana", "created_at": user["created_at"],
        "email_address": "ana@example.com", "first_name": "Ana", "last_name": "Canary",
        "disabled": false, "disabled_reason": null, "email_verified_at": null,
        "has_invite": false, "invite_expired": false,
    });
    assert_eq!(user, &expected);
    assert_eq!(reply["token_data"]["token_type"], "Bearer");
    let ana = app.with_token(reply["token_data"]["access_token"].as_str().unwrap());
    let again = app.as_user("ana", PASSWORD).await;
    assert_eq!(ana.get(PATH).await.0, StatusCode::OK);
    assert_eq!(ana.send(Method::POST, PATH, json!({})).await.0, StatusCode::FORBIDDEN);
    assert_eq!(ana.send(Method::POST, "/api/v1/logout", Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(ana.get(PATH).await.0, StatusCode::FORBIDDEN);
    assert_eq!(again.get(PATH).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_program_that_signs_out_ends_its_own_token_only() {
    let app = App::start().await;
    let (id, secret) = app.new_client(&["client:read"]).await;
    let (one, two) = (app.signed_in_with(&id, &secret).await, app.signed_in_with(&id, &secret).await);

    let status = one.send(Method::POST, "/api/v1/logout", Value::Null).await.0;

    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(one.get("/api/v1/oauth/client").await.0, StatusCode::FORBIDDEN);
    assert_eq!(two.get("/api/v1/oauth/client").await.0, StatusCode::OK);
    assert_eq!(
        app.without_token().send(Method::POST, "/api/v1/logout", Value::Null).await.0,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn passwords_may_be_sent_in_base64_everywhere() {
    let app = App::start().await;
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let body = json!({"username": "ana", "email_address": "ana@example.com", "password": encode(PASSWORD)});
    let (_, made) = app.send(Method::POST, PATH, body).await;
    let ana = app.as_user("ana", PASSWORD).await;

    let body = json!({"old_password": encode(PASSWORD), "new_password": encode("Canary-pass-2")});
    let reset = path(made["id"].as_str().unwrap(), "/reset-password");
    let (status, _) = ana.send(Method::POST, &reset, body).await;

    assert_eq!(status, StatusCode::OK);
    app.as_user("ana", "Canary-pass-2").await;
    app.as_user("ana", &encode("Canary-pass-2")).await;
}

#[rstest]
#[case("nobody", PASSWORD)]
#[case("ana", "Canary-pass-2")]
#[case("ana", "")]
#[case("out", PASSWORD)]
#[case("without", "")]
#[tokio::test]
async fn who_does_not_get_in_is_not_told_why(#[case] username: &str, #[case] password: &str) {
    let app = App::start().await;
    app.new_user("ana", &["viewer"]).await;
    for body in [
        json!({"username": "out", "email_address": "out@example.com", "password": PASSWORD, "disabled": true}),
        json!({"username": "without", "email_address": "without@example.com"}),
    ] {
        assert_eq!(app.send(Method::POST, PATH, body).await.0, StatusCode::CREATED);
    }

    let reply = app.login_from(1, username, password).await;

    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert_eq!(reply.json(), json!({"detail": "Incorrect username or password."}));
}

#[tokio::test]
async fn wrong_passwords_for_a_name_are_limited_from_wherever_they_come_and_right_ones_are_not() {
    let app = App::start().await;
    app.new_user("ana", &["viewer"]).await;
    for host in 10..25 {
        assert_eq!(app.login_from(host, "ana", PASSWORD).await.status, StatusCode::OK);
    }
    for host in 30..40 {
        assert_eq!(app.login_from(host, "Ana", "wrong").await.status, StatusCode::FORBIDDEN);
    }

    let refused = app.login_from(50, "ana", PASSWORD).await;
    let other = app.login_from(51, "ben", "wrong").await;

    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(other.status, StatusCode::FORBIDDEN);
    app.clock().advance(Duration::from_mins(1));
    assert_eq!(app.login_from(50, "ana", PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_address_may_try_ten_times_a_minute_whoever_it_says_it_is() {
    let app = App::start().await;
    for number in 0..10 {
        app.login_from(1, &format!("name{number}"), "wrong").await;
    }

    let refused = app.login_from(1, "name11", "wrong").await;

    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(app.login_from(2, "name11", "wrong").await.status, StatusCode::FORBIDDEN);
}

#[rstest]
#[case("username", json!("an"), "letters")]
#[case("username", json!("ana b"), "letters")]
#[case("email_address", json!("ana"), "e-mail address")]
#[case("password", json!("Can-1"), "Password must have at least eight characters.")]
#[case("password", json!("canary-pass-1"), "Password must have at least one capital letter.")]
#[case("username", json!(null), "string")]
#[case("disabled", json!("yes"), "boolean")]
#[tokio::test]
async fn what_is_wrong_with_an_account_is_told_with_its_place(
    #[case] key: &str,
    #[case] value: Value,
    #[case] message: &str,
) {
    let app = App::start().await;
    let mut body = json!({"username": "ana", "email_address": "ana@example.com", "password": PASSWORD});
    body[key] = value;

    let (status, reply) = app.send(Method::POST, PATH, body).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reply["detail"][0]["loc"], json!(["body", key]), "{reply}");
    assert!(reply["detail"][0]["msg"].as_str().unwrap().contains(message), "{reply}");
    assert!(!reply.to_string().contains("anary-pass"), "{reply}");
}

#[tokio::test]
async fn names_and_addresses_are_given_once() {
    let app = App::start().await;
    app.new_user("ana", &["viewer"]).await;
    let ben = app.new_user("ben", &["viewer"]).await;
    let refused = |text: &str| (StatusCode::BAD_REQUEST, json!({"detail": text}));

    let body = |name: &str, email: &str| json!({"username": name, "email_address": email});
    let name = app.send(Method::POST, PATH, body("ANA", "other@example.com")).await;
    let email = app.send(Method::POST, PATH, body("cleo", "ANA@example.com")).await;
    let change = app.send(Method::PUT, &path(&ben, ""), json!({"email_address": "ana@example.com"})).await;

    assert_eq!(name, refused("Username already exists."));
    assert_eq!(email, refused("User with this email address already exists."));
    assert_eq!(change, refused("User with this email address already exists."));
}

#[tokio::test]
async fn people_are_found_by_a_part_of_their_name() {
    let app = App::start().await;
    for name in ["ana", "Banana", "cleo"] {
        app.new_user(name, &["viewer"]).await;
    }

    let (_, page) = app.get(&format!("{PATH}?username=AN&size=1")).await;
    let (_, none) = app.get(&format!("{PATH}?username=%25")).await;

    assert_eq!((&page["total"], &page["items"][0]["username"]), (&json!(2), &json!("Banana")));
    assert_eq!(none["total"], 0);
}

#[tokio::test]
async fn people_change_their_own_account_and_nobody_elses() {
    let app = App::start().await;
    let ana = app.new_user("ana", &["viewer"]).await;
    let ben = app.new_user("ben", &["respondent"]).await;
    let as_ben = app.as_user("ben", PASSWORD).await;

    let body = json!({"first_name": "Ben", "last_name": "Canary"});
    let (status, changed) = as_ben.send(Method::PUT, &path(&ben, ""), body).await;
    let (_, cleared) = as_ben.send(Method::PUT, &path(&ben, ""), json!({"last_name": null})).await;

    assert_eq!((status, &changed["first_name"]), (StatusCode::OK, &json!("Ben")));
    assert_eq!((&cleared["first_name"], &cleared["last_name"]), (&json!("Ben"), &Value::Null));
    assert_eq!(as_ben.get(&path(&ben, "")).await.0, StatusCode::OK);
    assert_eq!(as_ben.get(&path(&ben, "/permission")).await.0, StatusCode::OK);
    let forbidden = |scope: &str| {
        let text = format!("Not Authorized for this action. Required scope(s): [{scope}]");
        (StatusCode::FORBIDDEN, json!({"detail": text}))
    };
    assert_eq!(as_ben.get(&path(&ana, "")).await, forbidden("user:read"));
    assert_eq!(as_ben.get(&path(&ana, "/permission")).await, forbidden("user-permission:read"));
    assert_eq!(as_ben.send(Method::PUT, &path(&ana, ""), json!({})).await, forbidden("user:update"));
    let own = as_ben.send(Method::PUT, &path(&ben, ""), json!({"disabled": false})).await;
    assert_eq!(own, forbidden("user:update"));
    let other = json!({"old_password": PASSWORD, "new_password": "Canary-pass-2"});
    let (status, _) = as_ben.send(Method::POST, &path(&ana, "/reset-password"), other).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_own_password_is_changed_with_the_old_one_and_ends_all_tokens() {
    let app = App::start().await;
    let ana = app.new_user("ana", &["viewer"]).await;
    let as_ana = app.as_user("ana", PASSWORD).await;
    let reset = async |old: &str, new: &str| {
        let body = json!({"old_password": old, "new_password": new});
        as_ana.send(Method::POST, &path(&ana, "/reset-password"), body).await
    };

    let wrong = reset("Canary-pass-9", "Canary-pass-2").await;
    let weak = reset(PASSWORD, "weak").await;
    let (status, user) = reset(PASSWORD, "Canary-pass-2").await;

    assert_eq!(wrong, (StatusCode::UNAUTHORIZED, json!({"detail": "Incorrect password."})));
    assert_eq!(weak.1["detail"][0]["loc"], json!(["body", "new_password"]));
    assert_eq!((status, &user["username"]), (StatusCode::OK, &json!("ana")));
    assert_eq!(as_ana.get(PATH).await.0, StatusCode::FORBIDDEN);
    assert_eq!(app.login_from(2, "ana", PASSWORD).await.status, StatusCode::FORBIDDEN);
    app.as_user("ana", "Canary-pass-2").await;
}

#[tokio::test]
async fn disabled_and_removed_people_lose_their_tokens_at_once() {
    let app = App::start().await;
    let (ana, ben) = (app.new_user("ana", &["viewer"]).await, app.new_user("ben", &["viewer"]).await);
    let (as_ana, as_ben) = (app.as_user("ana", PASSWORD).await, app.as_user("ben", PASSWORD).await);

    let (disabled, user) = app.send(Method::PUT, &path(&ana, ""), json!({"disabled": true})).await;
    let (removed, _) = app.send(Method::DELETE, &path(&ben, ""), Value::Null).await;

    assert_eq!((disabled, &user["disabled"]), (StatusCode::OK, &json!(true)));
    assert_eq!(removed, StatusCode::NO_CONTENT);
    assert_eq!(as_ana.get(PATH).await.0, StatusCode::FORBIDDEN);
    assert_eq!(as_ben.get(PATH).await.0, StatusCode::FORBIDDEN);
    assert_eq!(app.login_from(2, "ana", PASSWORD).await.status, StatusCode::FORBIDDEN);
    assert_eq!(app.login_from(2, "ben", PASSWORD).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn roles_hold_from_the_next_call_on() {
    let app = App::start().await;
    let ana = app.new_user("ana", &["viewer"]).await;
    let as_ana = app.as_user("ana", PASSWORD).await;
    let permission = path(&ana, "/permission");

    let before = as_ana.get("/api/v1/oauth/client").await.0;
    let (status, reply) =
        app.send(Method::PUT, &permission, json!({"roles": ["approver", "approver"], "id": "x"})).await;
    let after = as_ana.get("/api/v1/oauth/client").await.0;

    assert_eq!((before, after), (StatusCode::OK, StatusCode::FORBIDDEN));
    assert_eq!(status, StatusCode::OK);
    assert_eq!((&reply["user_id"], &reply["roles"]), (&json!(ana), &json!(["approver"])));
    assert!(reply["total_scopes"].as_array().unwrap().contains(&json!("privacy-request:review")));
    assert_eq!(app.get(&permission).await.1, reply);
}

#[tokio::test]
async fn roles_are_set_once_and_changed_afterwards() {
    let app = App::start().await;
    let ana = app.new_user("ana", &["viewer"]).await;
    let permission = path(&ana, "/permission");

    let again = app.send(Method::POST, &permission, json!({"roles": ["approver"]})).await;
    app.send(Method::PUT, &permission, json!({"roles": []})).await;
    let (first, reply) = app.send(Method::POST, &permission, json!({"roles": ["approver"]})).await;
    let (unknown, wrong) = app.send(Method::PUT, &permission, json!({"roles": ["viewer", "king"]})).await;

    let text = "This user already has permissions set.";
    assert_eq!(again, (StatusCode::BAD_REQUEST, json!({"detail": text})));
    assert_eq!((first, &reply["roles"]), (StatusCode::CREATED, &json!(["approver"])));
    assert_eq!(unknown, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong["detail"][0]["loc"], json!(["body", "roles", 1]));
}

#[tokio::test]
async fn only_owners_make_owners_and_only_they_act_on_them() {
    let app = App::start().await;
    let owner = app.new_user("owner", &["owner"]).await;
    let ana = app.new_user("ana", &["contributor"]).await;
    let as_ana = app.as_user("ana", PASSWORD).await;

    let roles = |roles: &str| json!({"roles": [roles]});
    let made = as_ana.send(Method::PUT, &path(&ana, "/permission"), roles("owner")).await.0;
    let demoted = as_ana.send(Method::PUT, &path(&owner, "/permission"), roles("viewer")).await.0;
    let reset = json!({"new_password": "Canary-pass-2"});
    let taken = as_ana.send(Method::POST, &path(&owner, "/force-reset-password"), reset.clone()).await.0;
    let changed = as_ana.send(Method::PUT, &path(&owner, ""), json!({"disabled": true})).await.0;
    let removed = as_ana.send(Method::DELETE, &path(&owner, ""), Value::Null).await.0;

    assert_eq!([made, demoted, taken, changed, removed], [StatusCode::FORBIDDEN; 5]);
    let by_owner = app.as_user("owner", PASSWORD).await;
    let made = by_owner.send(Method::PUT, &path(&ana, "/permission"), roles("owner")).await.0;
    let taken = by_owner.send(Method::POST, &path(&ana, "/force-reset-password"), reset).await.0;
    assert_eq!([made, taken], [StatusCode::OK; 2]);
    assert_eq!(as_ana.get(PATH).await.0, StatusCode::FORBIDDEN);
    app.as_user("ana", "Canary-pass-2").await;
}

#[tokio::test]
async fn the_last_owner_cannot_be_lost() {
    let app = App::start().await;
    let owner = app.new_user("owner", &["owner"]).await;

    let removed = app.send(Method::DELETE, &path(&owner, ""), Value::Null).await.0;
    let disabled = app.send(Method::PUT, &path(&owner, ""), json!({"disabled": true})).await.0;
    let demoted = app.send(Method::PUT, &path(&owner, "/permission"), json!({"roles": []})).await.0;

    assert_eq!([removed, disabled, demoted], [StatusCode::BAD_REQUEST; 3]);
}

#[rstest]
#[case("fid_absent")]
#[case("%2e%2e%2fuser")]
#[tokio::test]
async fn absent_people_are_not_found(#[case] id: &str) {
    let app = App::start().await;
    let roles = json!({"roles": ["viewer"]});
    let password = json!({"new_password": "Canary-pass-2"});

    for (method, rest, body) in [
        (Method::GET, "", Value::Null),
        (Method::PUT, "", json!({})),
        (Method::DELETE, "", Value::Null),
        (Method::GET, "/permission", Value::Null),
        (Method::POST, "/permission", roles.clone()),
        (Method::PUT, "/permission", roles),
        (Method::POST, "/force-reset-password", password),
    ] {
        let reply = app.send(method.clone(), &path(id, rest), body).await;

        assert_eq!(reply, (StatusCode::NOT_FOUND, json!({"detail": "User not found"})), "{method} {rest}");
    }
}

#[tokio::test]
async fn a_program_is_no_person_whatever_its_id() {
    let app = App::start().await;
    let ana = app.new_user("ana", &["viewer"]).await;
    let program = app.with_scopes(&[Scope::ClientRead]).await;

    let body = json!({"old_password": PASSWORD, "new_password": "Canary-pass-2"});
    let reset = program.send(Method::POST, &path(&ana, "/reset-password"), body).await.0;

    assert_eq!(reset, StatusCode::FORBIDDEN);
    assert_eq!(program.get(&path(&ana, "")).await.0, StatusCode::FORBIDDEN);
}
