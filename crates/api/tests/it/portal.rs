//! The page on which people make requests about themselves.

mod bucket;

use std::io::Read as _;
use std::time::Duration;

use api::ApiSettings;
use axum::body::Body;
use crypto::AccessToken;
use http::header::{CONTENT_TYPE, COOKIE};
use http::{Method, Request, StatusCode};
use model::{PrivacyRequestId, RandomIds};
use serde_json::{Value, json};
use spec::SourceFile;
use spec::server_settings::{ServerInputs, server_settings};
use store::{Actor, Download, Intake, MessageKind, PortalEntry, PrivacyRequestStatus};

use crate::app::{App, Reply};

const SETTINGS: &str = "portal: {enabled: true, title: \"Acme & <you>\", policies: [erase_me, gone]}
execution: {subject_identity_verification_required: true}
smtp: {host: mail.example.com, from: privacy@example.com}
";
const EMAIL: &str = "canary-ana@example.com";

async fn app() -> App {
    app_with(|_| {}).await
}

async fn app_with(change: impl FnOnce(&mut ApiSettings)) -> App {
    let inputs =
        ServerInputs { file: Some(SourceFile::new("server.yml", SETTINGS)), ..ServerInputs::default() };
    let checked = server_settings(&inputs);
    let settings = checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
    let app = App::start_with(|api| {
        api.configured = settings;
        change(api);
    })
    .await;
    let policy = json!([{"name": "Erase me", "key": "erase_me"}]);
    let (_, made) = app.send(Method::PATCH, "/api/v1/dsr/policy", policy).await;
    assert_eq!(made["failed"], json!([]), "{made}");
    let rule = json!([{"name": "Erase", "key": "erase", "action_type": "erasure", "masking_strategy": {"strategy": "null_rewrite", "configuration": {}}}]);
    let (_, made) = app.send(Method::PATCH, "/api/v1/dsr/policy/erase_me/rule", rule).await;
    assert_eq!(made["failed"], json!([]), "{made}");
    app
}

/// A browser: its cookie, and the token of the form that it saw last.
#[derive(Default)]
struct Browser {
    cookie: String,
    form: String,
}

impl Browser {
    async fn open(&mut self, app: &App, path: &str) -> Reply {
        let request = Request::get(path).header(COOKIE, &self.cookie).body(Body::empty()).unwrap();
        self.took(app.call_raw(request).await)
    }

    async fn send(&mut self, app: &App, path: &str, fields: &[(&str, &str)]) -> Reply {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("form", &self.form).extend_pairs(fields);
        let request = Request::post(path)
            .header(COOKIE, &self.cookie)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.finish()))
            .unwrap();
        self.took(app.call_raw(request).await)
    }

    fn took(&mut self, reply: Reply) -> Reply {
        if let Some(cookie) = reply.header("set-cookie").split(';').next().filter(|cookie| !cookie.is_empty())
        {
            cookie.clone_into(&mut self.cookie);
        }
        let text = reply.text();
        if let Some((_, rest)) = text.split_once("name=\"form\" value=\"") {
            rest.split('"').next().unwrap().clone_into(&mut self.form);
        }
        reply
    }

    /// Makes a request; the path of its page.
    async fn ask(&mut self, app: &App) -> String {
        self.open(app, "/portal").await;
        let fields = [("policy", "erase_me"), ("email", EMAIL), ("location", "DE")];
        let made = self.send(app, "/portal/request", &fields).await;
        assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text());
        made.header("location").to_owned()
    }
}

/// The code that is on its way to the person.
async fn code(app: &App) -> String {
    let message = app.store().message_claim("test", Duration::from_mins(1)).await.unwrap().unwrap();
    assert_eq!(message.kind, MessageKind::VerificationCode);
    app.store().message_sent(&message).await.unwrap();
    message.values["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn there_is_no_portal_unless_the_settings_open_one() {
    let app = App::start().await.without_token();

    for path in ["/portal", "/portal/portal.css", "/portal/request/pri_x", "/portal/find?id=x"] {
        assert_eq!(app.get(path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_first_page_offers_what_there_is_and_nothing_of_others() {
    let app = app().await;

    let page = Browser::default().open(&app, "/portal").await;

    let text = page.text();
    assert!(text.contains("Acme &amp; &lt;you&gt;"), "{text}");
    assert!(text.contains("value=\"erase_me\"") && text.contains("That my data are deleted"));
    assert!(!text.contains("gone") && !text.contains("<script"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; form-action 'self'"), "{policy}");
    assert!(page.header("set-cookie").contains("HttpOnly; SameSite=Lax"), "{}", page.header("set-cookie"));
}

#[tokio::test]
async fn a_form_of_another_page_or_browser_makes_nothing() {
    let app = app().await;
    let (mut mine, mut theirs) = (Browser::default(), Browser::default());
    mine.open(&app, "/portal").await;
    theirs.open(&app, "/portal").await;
    let fields = [("policy", "erase_me"), ("email", EMAIL)];
    let own = std::mem::replace(&mut mine.form, theirs.form.clone());

    let foreign = mine.send(&app, "/portal/request", &fields).await;
    mine.form.clear();
    let none = mine.send(&app, "/portal/request", &fields).await;
    let cookieless =
        Browser { cookie: String::new(), form: own }.send(&app, "/portal/request", &fields).await;

    for refused in [foreign, none, cookieless] {
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text());
    }
    assert_eq!(app.get("/api/v1/privacy-request").await.1["total"], 0);
}

#[tokio::test]
async fn what_does_not_fit_is_said_on_the_page() {
    let app = app().await;
    let mut browser = Browser::default();
    browser.open(&app, "/portal").await;
    let mut note = async |policy: &str, email: &str, place: &str| {
        let fields = [("policy", policy), ("email", email), ("location", place)];
        let page = browser.send(&app, "/portal/request", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", page.text());
        page.text().split("role=\"status\">").nth(1).unwrap().split('<').next().unwrap().to_owned()
    };

    assert_eq!(note("default", EMAIL, "").await, "Choose what you ask for.");
    assert_eq!(note("erase_me", EMAIL, "XX").await, "Choose where you live from the list.");
    for bad in ["ana", "@example.com", "a b@example.com", "a@b@example.com", "ana@localhost"] {
        assert_eq!(note("erase_me", bad, "").await, "That is no e-mail address.", "{bad}");
    }
}

#[tokio::test]
async fn the_code_shows_that_the_address_is_theirs_and_starts_the_clock() {
    let app = app().await;
    let mut browser = Browser::default();
    let path = browser.ask(&app).await;
    let waits = browser.open(&app, &path).await.text();
    let old_cookie = browser.cookie.clone();

    let wrong = browser.send(&app, &format!("{path}/verify"), &[("code", "000")]).await;
    let code = code(&app).await;
    let right = browser.send(&app, &format!("{path}/verify"), &[("code", &format!(" {code} "))]).await;

    assert!(
        waits.contains("We wait for you to show that the address is yours.")
            && !waits.contains("Answered by")
    );
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(right.status, StatusCode::SEE_OTHER, "{}", right.text());
    assert_ne!(browser.cookie, old_cookie, "whoever knew the old one sees no more with it than before");
    let page = browser.open(&app, &path).await.text();
    assert!(page.contains("Answered by") && !page.contains(EMAIL), "{page}");
    let id = path.rsplit('/').next().unwrap();
    let (_, request) = app.get(&format!("/api/v1/privacy-request/{id}")).await;
    assert_eq!(request["source"], "Privacy Center");
    assert!(!request["identity_verified_at"].is_null(), "{request}");
}

#[tokio::test]
async fn another_browser_sees_nothing_and_an_unknown_number_looks_the_same() {
    let app = app().await;
    let path = Browser::default().ask(&app).await;
    let unknown = format!("/portal/request/{}", PrivacyRequestId::new(&RandomIds));
    let cut = |text: String, path: &str| text.replace(path.rsplit('/').next().unwrap(), "ID");
    let mut stranger = Browser::default();

    let theirs = cut(stranger.open(&app, &path).await.text(), &path);
    let nobodys = cut(stranger.open(&app, &unknown).await.text(), &unknown);
    let sent = cut(stranger.send(&app, &format!("{path}/code"), &[]).await.text(), &path);
    let not_sent = cut(stranger.send(&app, &format!("{unknown}/code"), &[]).await.text(), &unknown);

    assert_eq!(theirs, nobodys);
    assert_eq!(sent, not_sent);
    assert!(!theirs.contains("Received"), "{theirs}");
    let script = stranger.open(&app, "/portal/request/%3Cscript%3E").await.text();
    assert!(!script.contains("<script"), "{script}");
}

/// A finished request about [`EMAIL`], with a package in the data folder.
async fn finished(app: &App) -> PrivacyRequestId {
    let rule = json!({"name": "Copy", "key": "copy", "action_type": "access", "targets": [{"data_category": "user.contact"}]});
    let policy = json!([{"name": "Copy me", "key": "copy_me", "rules": [rule]}]);
    let (_, made) = app.send(Method::PATCH, "/api/v1/dsr/policy", policy).await;
    assert_eq!(made["failed"], json!([]), "{made}");
    let id = app.enter_request(("copy_me", Intake::Public), PrivacyRequestStatus::Complete).await;
    let folder = app.data();
    std::fs::create_dir_all(folder.join("packages")).unwrap();
    let name = format!("{id}-copy.zip");
    let file = folder.join(&name);
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&file).unwrap());
    zip.start_file("access.json", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut zip, EMAIL.as_bytes()).unwrap();
    zip.finish().unwrap();
    let now = app.store().clock().now();
    let note = json!({
        "storage": "local", "name": name, "place": {"file": {"file": file}}, "bytes": 1,
        "made_at": now.to_string(), "expires_at": (now + Duration::from_hours(24)).to_string(),
    });
    std::fs::write(folder.join("packages/1.json"), note.to_string()).unwrap();
    // Newer, about the same request, and nothing that its person gets.
    let mut snapshot = note;
    snapshot["name"] = json!(format!("{id}-diagnostics-1.json"));
    snapshot["place"] = json!({"file": {"file": folder.join("snapshot.json")}});
    snapshot["made_at"] = json!((now + Duration::from_secs(1)).to_string());
    std::fs::write(folder.join("packages/2.json"), snapshot.to_string()).unwrap();
    id
}

#[tokio::test]
async fn data_are_given_out_locked_once_and_only_after_a_code() {
    let app = app().await;
    let id = finished(&app).await;
    let path = format!("/portal/request/{id}");
    let mut browser = Browser::default();
    browser.open(&app, "/portal").await;
    let token = browser.cookie.split('=').nth(1).unwrap().to_owned();
    let hash = AccessToken::hash_of(&token);
    let enter = async |entry| {
        app.store().portal_visit_open((&hash, &id), entry, Duration::from_hours(1)).await.unwrap();
    };
    let password = [("password", "correct horse battery")];

    enter(PortalEntry::Made).await;
    let shown = browser.open(&app, &path).await.text();
    let unverified = browser.send(&app, &format!("{path}/download"), &password).await;
    enter(PortalEntry::Verified).await;
    let short = browser.send(&app, &format!("{path}/download"), &[("password", "short")]).await;
    let given = browser.send(&app, &format!("{path}/download"), &password).await;
    let again = browser.send(&app, &format!("{path}/download"), &password).await;

    assert!(shown.contains("show once more that the address is yours"), "{shown}");
    for refused in [unverified, short, again] {
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
        assert!(!refused.text().contains(EMAIL));
    }
    assert_eq!((given.status, given.header("content-type")), (StatusCode::OK, "application/zip"));
    assert!(!given.body.windows(EMAIL.len()).any(|window| window == EMAIL.as_bytes()));
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(given.body)).unwrap();
    let mut text = String::new();
    archive.by_index_decrypt(0, b"correct horse battery").unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, EMAIL);
    // With another code, once more.
    enter(PortalEntry::Verified).await;
    assert_eq!(browser.send(&app, &format!("{path}/download"), &password).await.status, StatusCode::OK);
    app.clock().advance(Duration::from_hours(2));
    let late = browser.send(&app, &format!("{path}/download"), &password).await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
}

// rule: privacy-requests MSG-4
#[tokio::test]
async fn a_link_gives_the_data_out_once_and_looking_at_it_uses_nothing_up() {
    let app = app().await;
    let id = finished(&app).await;
    let download = Download { request: id, rule: None };
    let issued =
        app.store().download_issue(&download, Duration::from_hours(1), Actor::system()).await.unwrap();
    let token = issued.token.text().expose().clone();
    let path = format!("/portal/package?token={token}");
    let mut browser = Browser::default();
    let with = |password| [("token", token.as_str()), ("password", password)];

    let unseen = browser.open(&app, "/portal/package?token=canary").await;
    let first = browser.open(&app, &path).await;
    let again = browser.open(&app, &path).await;
    let short = browser.send(&app, "/portal/package", &with("short")).await;
    let given = browser.send(&app, "/portal/package", &with("correct horse battery")).await;
    let twice = browser.send(&app, "/portal/package", &with("correct horse battery")).await;

    assert!(unseen.text().contains("too old") && !unseen.text().contains("password"), "{}", unseen.text());
    assert!(first.text().contains("password") && again.text().contains("password"));
    assert_eq!(first.header("referrer-policy"), "no-referrer");
    for refused in [short, twice] {
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
        assert!(!refused.text().contains(EMAIL));
    }
    assert_eq!((given.status, given.header("content-type")), (StatusCode::OK, "application/zip"));
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(given.body)).unwrap();
    let mut text = String::new();
    archive.by_index_decrypt(0, b"correct horse battery").unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, EMAIL);
}

#[tokio::test]
async fn codes_for_one_request_are_counted_whether_it_is_there_or_not() {
    let app = app_with(|settings| settings.auth_rate_limit.calls = 2).await;
    let mut browser = Browser::default();
    let known = browser.ask(&app).await;
    let unknown = format!("/portal/request/{}", PrivacyRequestId::new(&RandomIds));

    let mut statuses = Vec::new();
    for path in [&known, &unknown] {
        for _ in 0..3 {
            statuses.push(browser.send(&app, &format!("{path}/code"), &[]).await.status);
        }
    }

    let (sent, refused) = (StatusCode::OK, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(statuses, [sent, sent, refused, sent, sent, refused]);
}

#[tokio::test]
async fn looks_at_a_request_are_counted_by_address() {
    let app = app_with(|settings| settings.public_rate_limit.calls = 2).await;
    let path = format!("/portal/request/{}", PrivacyRequestId::new(&RandomIds));
    let mut browser = Browser::default();

    let mut look = async || browser.open(&app, &path).await.status;
    let statuses = [look().await, look().await, look().await];

    assert_eq!(statuses, [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS]);
}

#[tokio::test]
async fn downloads_by_a_link_are_counted_by_address() {
    let app = app_with(|settings| settings.public_rate_limit.calls = 2).await;
    let mut browser = Browser::default();
    browser.open(&app, "/portal").await;
    let fields = [("token", "canary"), ("password", "correct horse battery")];

    let mut fetch = async || browser.send(&app, "/portal/package", &fields).await.status;
    let statuses = [fetch().await, fetch().await, fetch().await];

    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    assert_eq!(statuses, [refused, refused, StatusCode::TOO_MANY_REQUESTS]);
}

#[tokio::test]
async fn whether_there_are_data_is_told_only_after_a_code() {
    let app = app().await;
    let id = finished(&app).await;
    let path = format!("/portal/request/{id}");
    let mut browser = Browser::default();
    browser.open(&app, "/portal").await;
    let hash = AccessToken::hash_of(browser.cookie.split('=').nth(1).unwrap());
    let visit = (&hash, &id);
    app.store().portal_visit_open(visit, PortalEntry::Made, Duration::from_hours(1)).await.unwrap();
    let note = app.data().join("packages/1.json");

    let with = browser.open(&app, &path).await.text();
    std::fs::rename(&note, note.with_extension("aside")).unwrap();
    let without = browser.open(&app, &path).await.text();

    assert_eq!(with, without);
}

#[tokio::test]
async fn a_hold_is_made_listed_and_lifted() {
    let app = app().await;
    let refused = async |body: Value| {
        let (status, reply) = app.send(Method::POST, "/api/v1/hold", body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{reply}");
        reply["detail"][0]["loc"][1].clone()
    };
    let new = json!({"ground": "HGB 257", "place": "shop:invoices", "until": "2099-01-01", "identities": {"email": EMAIL}});

    let (status, made) = app.send(Method::POST, "/api/v1/hold", new).await;
    let everybody = refused(json!({"ground": "x"})).await;
    let past = refused(json!({"ground": "x", "place": "shop", "until": "1999-01-01"})).await;
    let unfounded = refused(json!({"ground": " ", "place": "shop"})).await;

    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!((&made["of_people"], &made["until"]), (&json!(true), &json!("2099-01-01T00:00:00Z")));
    assert!(!made.to_string().contains(EMAIL));
    assert_eq!([everybody, past, unfounded], [json!("identities"), json!("until"), json!("ground")]);
    let (_, listed) = app.get("/api/v1/hold").await;
    assert_eq!((&listed["total"], &listed["items"][0]), (&json!(1), &made));
    let path = format!("/api/v1/hold/{}", made["id"].as_str().unwrap());
    assert_eq!(app.send(Method::DELETE, &path, Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(app.send(Method::DELETE, &path, Value::Null).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_deadline_is_that_of_the_place_and_extended_as_its_law_allows() {
    let app = app().await;
    let make = async |place: &str| {
        let new = json!([{"policy_key": "erase_me", "identity": {"email": EMAIL}, "location": place, "requested_at": "2026-01-31T09:00:00Z"}]);
        let (_, made) = app.send(Method::POST, "/api/v1/privacy-request/authenticated", new).await;
        made["succeeded"][0]["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    };
    let (berlin, sao_paulo) = (make("DE").await, make("BR-SP").await);
    let path = |id: &str, end: &str| format!("/api/v1/privacy-request/{id}/{end}");

    let (_, german) = app.get(&path(&berlin, "deadline")).await;
    let (_, brazilian) = app.get(&path(&sao_paulo, "deadline")).await;
    let none = app.send(Method::POST, &path(&sao_paulo, "extend"), json!({"reason": "many systems"})).await;

    assert_eq!((&german["jurisdiction"], &german["last_day"]), (&json!("gdpr"), &json!("2026-03-02")));
    assert_eq!(german["extensible_to"], "2026-04-30");
    assert_eq!((&brazilian["jurisdiction"], &brazilian["last_day"]), (&json!("lgpd"), &json!("2026-02-15")));
    let text = "the LGPD allows no extension; answer by 2026-02-15";
    assert_eq!(none, (StatusCode::BAD_REQUEST, json!({"detail": text})));
}
