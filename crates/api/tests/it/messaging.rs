//! What messages are sent with, and what they say.

use http::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use store::{MessageFilter, Window};

use crate::app::App;

const CONFIG: &str = "/api/v1/messaging/config";
const DEFAULT: &str = "/api/v1/messaging/default";
const TEMPLATES: &str = "/api/v1/messaging/templates";

fn smtp() -> Value {
    json!({
        "service_type": "smtp",
        "details": {"host": "mail.example.com", "username": "tutela", "email_from": "privacy@example.com"},
    })
}

// rule: fides-api 14.1
#[tokio::test]
async fn a_service_is_set_read_changed_and_removed_and_never_shows_its_secrets() {
    let app = App::start().await;

    let (status, made) = app.send(Method::POST, CONFIG, smtp()).await;
    let key = made["key"].as_str().unwrap_or_default().to_owned();
    let path = format!("{CONFIG}/{key}");
    let secret = json!({"smtp_password": "canary"});
    let (_, kept) = app.send(Method::PUT, &format!("{path}/secret"), secret).await;
    let mut moved = smtp();
    moved["name"] = json!("Mail");
    let (_, changed) = app.send(Method::PATCH, &path, moved).await;
    let (_, listed) = app.get(CONFIG).await;
    let removed = app.send(Method::DELETE, &path, Value::Null).await.0;

    assert_eq!((status, key.as_str()), (StatusCode::OK, "default_messaging_config_smtp"), "{made}");
    assert_eq!(kept["msg"], format!("Secrets updated for MessagingConfig with key: {key}."));
    assert_eq!((&changed["name"], &changed["service_type"]), (&json!("Mail"), &json!("smtp")));
    assert_eq!(listed["items"], json!([changed]));
    assert!(!listed.to_string().contains("canary"));
    assert_eq!((removed, app.get(&path).await.0), (StatusCode::NO_CONTENT, StatusCode::NOT_FOUND));
}

// rule: fides-api 14.1
#[tokio::test]
async fn the_default_of_a_service_is_put_and_tells_whether_messages_can_be_sent() {
    let app = App::start().await;
    let status = async || app.get(&format!("{DEFAULT}/status")).await.1;

    let nothing = status().await;
    app.send(Method::PUT, DEFAULT, smtp()).await;
    let without = status().await;
    let secret = json!({"smtp_password": "canary"});
    app.send(Method::PUT, &format!("{DEFAULT}/smtp/secret"), secret).await;
    let whole = status().await;

    assert_eq!(nothing["config_status"], "not configured");
    assert!(without["detail"].as_str().unwrap().starts_with("No secrets found"), "{without}");
    assert_eq!(whole["config_status"], "configured");
    let (_, active) = app.get(&format!("{DEFAULT}/active")).await;
    assert_eq!(app.get(&format!("{DEFAULT}/smtp")).await, (StatusCode::OK, active));
    assert_eq!(app.get(&format!("{DEFAULT}/mailgun")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(app.get(&format!("{DEFAULT}/pigeon")).await.0, StatusCode::NOT_FOUND);
}

#[rstest]
#[case::service(json!({"service_type": "pigeon"}), "enum", json!(["body", "service_type"]))]
#[case::missing(json!({"service_type": "mailgun", "details": {}}), "missing", json!(["body", "details", "domain"]))]
#[case::unknown(
    json!({"service_type": "mailgun", "details": {"domain": "a", "colour": "canary"}}),
    "extra_forbidden",
    json!(["body", "details", "colour"])
)]
#[case::secret(
    json!({"service_type": "mailgun", "details": {"domain": "a"}, "secrets": {"mailgun_api_key": ["canary"]}}),
    "string_type",
    json!(["body", "secrets", "mailgun_api_key"])
)]
#[tokio::test]
async fn what_does_not_fit_is_told_at_its_place(#[case] sent: Value, #[case] kind: &str, #[case] loc: Value) {
    let app = App::start().await;

    let (status, body) = app.send(Method::POST, CONFIG, sent).await;

    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    assert_eq!((&body["detail"][0]["type"], &body["detail"][0]["loc"]), (&json!(kind), &loc), "{body}");
    assert!(!body.to_string().contains("canary"), "{body}");
}

// rule: fides-api 14.1
#[tokio::test]
async fn a_test_message_says_why_it_did_not_leave() {
    let app = App::start().await;
    let test = |service: &str| format!("/api/v1/messaging/test/{service}");
    let to = json!({"to_identity": {"email": "ana@example.com"}});
    let unset = app.send(Method::POST, &test("smtp"), to.clone()).await;
    let details = json!({"host": "127.0.0.1", "port": 1, "security": "none", "email_from": "a@example.com"});
    app.send(Method::POST, CONFIG, json!({"service_type": "smtp", "details": details})).await;
    let mailgun = json!({"service_type": "mailgun", "details": {"domain": "mg.example.com"}});
    app.send(Method::POST, CONFIG, mailgun).await;

    let closed = app.send(Method::POST, &test("smtp"), to.clone()).await;
    let other = app.send(Method::POST, &test("mailgun"), to).await;
    let nobody = app.send(Method::POST, &test("smtp"), json!({"to_identity": {}})).await;

    assert_eq!(unset.0, StatusCode::NOT_FOUND);
    assert_eq!((closed.0, other.0), (StatusCode::BAD_REQUEST, StatusCode::BAD_REQUEST));
    assert!(closed.1["detail"].as_str().unwrap().contains("does not answer"), "{}", closed.1);
    assert!(other.1["detail"].as_str().unwrap().contains("mailgun"), "{}", other.1);
    assert_eq!(nobody.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (_, tested) = app.get(&format!("{CONFIG}/default_messaging_config_smtp")).await;
    assert_eq!(tested["last_test_succeeded"], json!(false));
}

// rule: privacy-requests MSG-4
#[tokio::test]
async fn texts_are_replaced_one_by_one_and_those_that_do_not_fit_are_told() {
    let app = App::start().await;
    let receipt = json!({"type": "privacy_request_receipt", "content": {"subject": "Hi", "body": "Got it"}});
    let unknown = json!({"type": "pigeon", "content": {"subject": "Hi", "body": "Got it"}});
    let wrong = json!({"type": "user_invite", "content": {"subject": "Hi", "body": "{{ cod }}"}});

    let (status, put) = app.send(Method::PUT, TEMPLATES, json!([receipt, unknown, wrong])).await;
    let (_, all) = app.get(TEMPLATES).await;

    assert_eq!((status, put["succeeded"].as_array().unwrap().len()), (StatusCode::OK, 1), "{put}");
    let why: Vec<_> =
        put["failed"].as_array().unwrap().iter().map(|one| one["message"].as_str().unwrap()).collect();
    assert!(why[0].starts_with("there are no messages of this type"), "{why:?}");
    assert!(why[1].contains("did you mean `code`?"), "{why:?}");
    let found = all.as_array().unwrap().iter().find(|one| one["type"] == "privacy_request_receipt").unwrap();
    assert_eq!(found["content"], json!({"subject": "Hi", "body": "Got it"}));
    assert_eq!(all.as_array().unwrap().len(), 21);
}

// rule: privacy-requests MSG-6
#[tokio::test]
async fn who_is_told_of_failures_is_kept_and_turned_off_with_an_empty_list() {
    const PATH: &str = "/api/v1/privacy-request/notification";
    let app = App::start().await;
    let notice = json!({"email_addresses": ["ben@example.com"], "notify_after_failures": 5});

    let before = app.get(PATH).await;
    let put = app.send(Method::PUT, PATH, notice.clone()).await;
    let after = app.get(PATH).await;
    let wrong = json!({"email_addresses": ["ben"], "notify_after_failures": 0});
    let wrong = app.send(Method::PUT, PATH, wrong).await;
    app.send(Method::PUT, PATH, json!({"email_addresses": [], "notify_after_failures": 1})).await;

    assert_eq!(before.1["detail"], "No privacy request notification info found");
    assert_eq!((put, after), ((StatusCode::OK, notice.clone()), (StatusCode::OK, notice)));
    assert_eq!(wrong.1["detail"].as_array().unwrap().len(), 2);
    assert_eq!(app.get(PATH).await.0, StatusCode::NOT_FOUND);
}

/// An interface whose messages go to a mail server that takes none, so that they stay in the outbox.
async fn app_with_mail() -> App {
    let app = App::start().await;
    let details = json!({"host": "127.0.0.1", "port": 1, "security": "none", "email_from": "a@example.com"});
    app.send(Method::POST, CONFIG, json!({"service_type": "smtp", "details": details})).await;
    app
}

impl App {
    /// The code of the only message, as its receiver reads it.
    async fn code(&self) -> String {
        let lease = std::time::Duration::from_mins(1);
        let message = self.store().message_claim("reader", lease).await.unwrap().unwrap();
        message.values["code"].as_str().unwrap().to_owned()
    }

    async fn messages(&self) -> u64 {
        self.store().message_list(MessageFilter::default(), Window::ALL).await.unwrap().total
    }
}

fn ana() -> Value {
    json!({"username": "ana", "email_address": "ana@example.com"})
}

// rule: fides-api 2.3
#[tokio::test]
async fn a_user_without_a_password_is_invited_and_chooses_one() {
    let app = app_with_mail().await;
    let id = app.send(Method::POST, "/api/v1/user", ana()).await.1["id"].as_str().unwrap().to_owned();
    let invited = app.get(&format!("/api/v1/user/{id}")).await.1;
    let accept = |code: &str| format!("/api/v1/user/accept-invite?username=ana&invite_code={code}");
    let password = json!({"new_password": "Canary-pass-1"});

    let code = app.code().await;
    let public = app.without_token();
    let wrong = public.send(Method::POST, &accept("canary"), password.clone()).await;
    let weak = public.send(Method::POST, &accept(&code), json!({"new_password": "weak"})).await;
    let (status, welcome) = public.send(Method::POST, &accept(&code), password.clone()).await;
    let again = public.send(Method::POST, &accept(&code), password).await;

    assert_eq!((&invited["has_invite"], &invited["invite_expired"]), (&json!(true), &json!(false)));
    assert_eq!((wrong.0, weak.0), (StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY));
    assert_eq!((status, &welcome["user_data"]["id"]), (StatusCode::OK, &json!(id)), "{welcome}");
    assert!(welcome["token_data"]["access_token"].is_string());
    assert_eq!(again.1["detail"], "Invite code is invalid.");
    assert_eq!(app.get(&format!("/api/v1/user/{id}")).await.1["has_invite"], json!(false));
}

// rule: fides-api 2.3
#[tokio::test]
async fn whoever_was_invited_is_invited_again_and_whoever_has_a_password_is_not() {
    let app = app_with_mail().await;
    let id = app.send(Method::POST, "/api/v1/user", ana()).await.1["id"].as_str().unwrap().to_owned();
    let mut ben = json!({"username": "ben", "email_address": "ben@example.com", "password": "Canary-pass-1"});
    let ben = app.send(Method::POST, "/api/v1/user", ben.take()).await.1["id"].as_str().unwrap().to_owned();
    let again = |id: &str| format!("/api/v1/user/{id}/reinvite");

    let (status, invited) = app.send(Method::POST, &again(&id), Value::Null).await;
    let refused = app.send(Method::POST, &again(&ben), Value::Null).await;
    let silent = App::start().await;
    let id = silent.send(Method::POST, "/api/v1/user", ana()).await.1["id"].as_str().unwrap().to_owned();
    let unreachable = silent.send(Method::POST, &again(&id), Value::Null).await;

    assert_eq!((status, &invited["has_invite"]), (StatusCode::OK, &json!(true)));
    assert_eq!((refused.0, unreachable.0), (StatusCode::BAD_REQUEST, StatusCode::BAD_REQUEST));
    assert_eq!(app.messages().await, 2);
}

// rule: fides-api 2.3
#[tokio::test]
async fn a_forgotten_password_is_replaced_and_nobody_learns_who_has_an_account() {
    let app = app_with_mail().await;
    let mut ana = ana();
    ana["password"] = json!("Canary-pass-1");
    app.send(Method::POST, "/api/v1/user", ana).await;
    let public = app.without_token();
    let forgot = async |email: &str| {
        public.send(Method::POST, "/api/v1/user/forgot-password", json!({"email": email})).await
    };

    let (known, unknown) = (forgot("ANA@example.com").await, forgot("ben@example.com").await);
    while app.messages().await == 0 {
        tokio::task::yield_now().await;
    }
    let token = app.code().await;
    let reset = json!({"token": token, "new_password": "Other-pass-1"});
    let (status, changed) =
        public.send(Method::POST, "/api/v1/user/reset-password-with-token", reset.clone()).await;
    let again = public.send(Method::POST, "/api/v1/user/reset-password-with-token", reset).await;

    assert_eq!(known, unknown);
    assert_eq!((status, &changed["username"]), (StatusCode::OK, &json!("ana")), "{changed}");
    assert_eq!((again.0, &again.1["detail"]), (StatusCode::BAD_REQUEST, &json!("Token is invalid.")));
    let login = json!({"username": "ana", "password": "Other-pass-1"});
    assert_eq!(public.send(Method::POST, "/api/v1/login", login).await.0, StatusCode::OK);
    assert_eq!(app.messages().await, 1);
}

// rule: privacy-requests W-3
#[tokio::test]
async fn nobody_answers_for_a_webhook_without_its_token() {
    let app = App::start().await;
    let id = "pri_01970000-0000-7000-8000-000000000000";

    for way in ["resume", "pre-approve/eligible", "pre-approve/not-eligible"] {
        let path = format!("/api/v1/privacy-request/{id}/{way}");
        let without = app.without_token().send(Method::POST, &path, json!({})).await;
        let wrong = app.with_token("canary").send(Method::POST, &path, json!({})).await;

        assert_eq!((without.0, wrong.0), (StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN), "{path}");
    }
}
