use std::sync::Arc;

use http::{Method, StatusCode};
use model::{Clock, PrivacyRequestId, RandomIds, RunId};
use privacy::policy_book::PolicyBook;
use privacy::storage::{PackageRecord, RecordedPlace};
use privacy::storage_book::{PackageSettings, StorageBook};
use serde_json::{Value, json};
use spec::{ServerInputs, SourceFile, server_settings};
use store::{
    Actor, NewPlan, NewRun, PlanDigest, PrivacyRequest, PrivacyRequestChange, PrivacyRequestStatus,
    RequestStep, RunKind, TokenEnd,
};

use super::{id, made, made_with, now, started};
use crate::app::App;

/// Changes a request as a worker would.
async fn worked(app: &App, request: &Value, edit: impl FnOnce(&mut PrivacyRequest)) -> PrivacyRequestId {
    let id: PrivacyRequestId = id(request).parse().unwrap();
    let mut change = PrivacyRequestChange::of(&app.store().get_privacy_request(&id).await.unwrap());
    edit(&mut change.request);
    app.store().privacy_request_change(change, Actor::system(), "privacy_request.step").await.unwrap();
    id
}

/// A request whose plan waits for approval.
async fn planned(app: &App) -> (Value, PlanDigest) {
    let body = json!({"policy_key": "erasure", "identity": {"email": "ana@example.com"}});
    let request = made_with(app, body).await;
    let run = RunId::new(&RandomIds);
    let new = NewRun {
        id: run.clone(),
        kind: RunKind::Erasure,
        policy: Some("erasure".to_owned()),
        subject: crypto::Secret::new(b"{}".to_vec()),
        deadline_at: None,
        actor: Actor::system(),
    };
    app.store().run_create(new, &[]).await.unwrap();
    let body = br#"{"format": "tutela.plan/1", "operations": []}"#;
    let digest = PlanDigest::of(body);
    let plan =
        NewPlan { digest: digest.clone(), run: run.clone(), body, operations: 1, actor: Actor::system() };
    app.store().plan_put(&plan).await.unwrap();
    let waits = digest.clone();
    worked(app, &request, |request| {
        request.status = PrivacyRequestStatus::RequiresInput;
        request.step = Some(RequestStep::ApprovePlan);
        request.attention = Some("plan_approval".to_owned());
        request.change_run = Some(run);
        request.plan = Some(waits);
    })
    .await;
    (request, digest)
}

#[tokio::test]
async fn a_plan_is_read_and_exactly_it_is_approved() {
    let app = started().await;
    let (request, digest) = planned(&app).await;
    let path = |action: &str| format!("/api/v1/privacy-request/{}/{action}", id(&request));
    let approve =
        async |digest: &str| app.send(Method::POST, &path("approve"), json!({"digest": digest})).await;

    let (status, plan) = app.get(&path("plan")).await;
    let waits = now(&app, &request).await;
    let other = PlanDigest::of(b"other");
    let refused = [approve("sha256:x").await.0, approve(other.as_str()).await.0];
    let (approved, reply) = approve(digest.as_str()).await;
    let again = approve(digest.as_str()).await.0;

    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&plan["digest"], &plan["plan"]["format"]),
        (&json!(digest.as_str()), &json!("tutela.plan/1"))
    );
    assert_eq!(plan["approved_by"], Value::Null);
    assert_eq!(waits["action_required_details"]["step"], "approve_plan");
    assert_eq!(waits["progress"]["plan"], digest.as_str());
    assert_eq!(
        waits["resume_endpoint"],
        format!("/privacy-request/{}/resume_from_requires_input", id(&request))
    );
    assert_eq!(refused, [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::CONFLICT]);
    assert_eq!((approved, &reply["progress"]["step"]), (StatusCode::OK, &json!("erasure")), "{reply}");
    assert_eq!(again, StatusCode::NOT_FOUND);
    assert!(app.get(&path("plan")).await.1["approved_by"].is_string());
}

// rule: fides-api 11.5
#[tokio::test]
async fn a_plan_that_waits_is_not_resumed_by_other_means() {
    let app = started().await;
    let (request, _) = planned(&app).await;
    let path = format!("/api/v1/privacy-request/{}/resume_from_requires_input", id(&request));

    let (status, reply) = app.send(Method::POST, &path, json!({})).await;

    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(reply["detail"].as_str().unwrap().starts_with("Cannot resume privacy request. "));
}

#[tokio::test]
async fn under_dual_control_who_asked_for_a_plan_does_not_approve_it() {
    let app = started().await;
    let file = SourceFile::new("server.yml", "security: {dual_control: true}");
    let inputs = ServerInputs { file: Some(file), ..ServerInputs::default() };
    let configured = server_settings(&inputs).value.unwrap();
    let app = app.restarted(|settings| settings.configured = configured);
    let (request, digest) = planned(&app).await;
    let planner = request["id"].as_str().unwrap();
    let path = |action: &str| format!("/api/v1/privacy-request/{planner}/{action}");
    worked(&app, &request, |request| request.planned_by = None).await;

    let (asked, again) = app.send(Method::POST, &path("plan"), json!({})).await;
    let rest = worked(&app, &request, |request| {
        request.status = PrivacyRequestStatus::RequiresInput;
        request.step = Some(RequestStep::ApprovePlan);
        request.plan = Some(digest.clone());
    });
    rest.await;
    let body = json!({"digest": digest.as_str()});
    let own = app.send(Method::POST, &path("approve"), body.clone()).await.0;
    let another = app.with_scopes(api::Scope::ALL).await.send(Method::POST, &path("approve"), body).await.0;

    assert_eq!((asked, &again["progress"]["plan"]), (StatusCode::OK, &Value::Null), "{again}");
    assert_eq!((own, another), (StatusCode::FORBIDDEN, StatusCode::OK));
}

#[tokio::test]
async fn what_has_no_plan_and_no_certificate_says_so() {
    let app = started().await;
    let request = made(&app).await;
    let path = |action: &str| format!("/api/v1/privacy-request/{}/{action}", id(&request));

    let (plan, _) = app.get(&path("plan")).await;
    let (certificate, _) = app.get(&path("certificate")).await;
    let (asked, reply) = app.send(Method::POST, &path("plan"), json!({})).await;
    let (verified, _) = app.send(Method::POST, &path("verify"), json!({})).await;
    let reader = app.with_scopes(&[api::Scope::PrivacyRequestRead]).await;
    let (forbidden, _) = reader.send(Method::POST, &path("verify"), json!({})).await;
    let (tasks, list) = app.get(&path("tasks")).await;

    assert_eq!((plan, certificate), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    assert_eq!(asked, StatusCode::BAD_REQUEST, "{reply}");
    assert_eq!((verified, forbidden), (StatusCode::NOT_FOUND, StatusCode::FORBIDDEN));
    assert_eq!((tasks, list), (StatusCode::OK, json!([])));
}

#[tokio::test]
async fn who_follows_a_request_is_told_until_it_is_over() {
    let app = started().await;
    let request = made(&app).await;
    let follower = app.clone();
    let path = format!("/api/v1/privacy-request/{}/events", id(&request));
    let following = async move { follower.call(Method::GET, &path, "application/json", "").await };

    let cancel = async {
        let body = json!([id(&request)]);
        tokio::task::yield_now().await;
        app.send(Method::PATCH, "/api/v1/privacy-request/administrate/cancel", body).await
    };
    let (reply, _) = tokio::join!(following, cancel);

    assert_eq!(reply.header("content-type"), "text/event-stream");
    let text = reply.text();
    let last = text.lines().filter_map(|line| line.strip_prefix("data: ")).next_back().unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    assert!(text.contains("event: progress"));
    assert_eq!((&last["status"], &last["rows"]), (&json!("canceled"), &json!(0)));
}

#[tokio::test]
async fn who_may_not_read_any_more_is_told_no_more() {
    let app = started().await;
    let request = made(&app).await;
    let follower = app.with_scopes(&[api::Scope::PrivacyRequestRead]).await;
    let path = format!("/api/v1/privacy-request/{}/events", id(&request));
    let revoked = follower.own_token().to_owned();
    let following = async { follower.call(Method::GET, &path, "application/json", "").await };

    let revoke = async {
        tokio::task::yield_now().await;
        app.store().access_token_end(TokenEnd::Token(&revoked), Actor::system()).await.unwrap();
    };
    let (reply, ()) = tokio::join!(following, revoke);

    // The request is not over: the stream would go on for a quarter of an hour.
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.text().matches("event: progress").count(), 1, "{}", reply.text());
    assert_eq!(reply.text().matches(":\n\n").count(), 0, "it ended before the first sign of life");
}

/// A complete request, with its package in a folder of the server.
async fn packed(app: &App) -> Value {
    let request = made(app).await;
    worked(app, &request, |request| request.status = PrivacyRequestStatus::Complete).await;
    let policy = PolicyBook::new(app.store().clone()).document("access").await.unwrap().policy;
    let rule = policy.rules.first().unwrap();
    let data = app.data();
    let packages = PackageSettings::open(egress::DoorSettings::default(), data.clone()).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(app.clock().clone());
    let storage = StorageBook::new(app.store().clone()).of_rule(rule, &packages, &clock).await.unwrap();
    let name = format!("{}-{}.zip", id(&request), rule.key);
    let file = data.join(&name);
    std::fs::create_dir_all(data.join("packages")).unwrap();
    std::fs::write(&file, b"canary-package").unwrap();
    let record = PackageRecord {
        storage: storage.key().to_owned(),
        name,
        place: RecordedPlace::File { file },
        bytes: 14,
        made_at: clock.now(),
        expires_at: clock.now() + jiff::SignedDuration::from_hours(24),
    };
    let note = data.join("packages").join(format!("{}.json", id(&request)));
    std::fs::write(note, serde_json::to_vec(&record).unwrap()).unwrap();
    request
}

/// The key of the rule that delivers packages.
async fn access_rule(app: &App) -> String {
    let policy = PolicyBook::new(app.store().clone()).document("access").await.unwrap().policy;
    policy.rules.first().unwrap().key.clone()
}

fn downloads(app: &App) -> App {
    app.restarted(|settings| settings.configured.server.security.subject_request_download_ui_enabled = true)
}

// rule: fides-api 11.6
#[tokio::test]
async fn packages_are_told_only_if_the_settings_allow_it_and_the_request_is_complete() {
    let app = started().await;
    let (waits, done) = (made(&app).await, packed(&app).await);
    let path = |request: &Value| format!("/api/v1/privacy-request/{}/access-results", id(request));

    let disabled = app.get(&path(&done)).await;
    let app = downloads(&app);
    let early = app.get(&path(&waits)).await;
    let told = app.get(&path(&done)).await;

    assert_eq!(disabled, (StatusCode::FORBIDDEN, json!({"detail": "Access results download is disabled."})));
    let text = format!(
        "Access results for privacy request '{}' are not available because the request is not complete.",
        id(&waits)
    );
    assert_eq!(early, (StatusCode::BAD_REQUEST, json!({"detail": text})));
    let urls = json!({"access_result_urls": ["your local fides_uploads folder"]});
    assert_eq!(told, (StatusCode::OK, urls));
}

// rule: fides-api 11.6
#[tokio::test]
async fn a_link_to_a_package_is_good_once_and_for_its_request_alone() {
    let app = downloads(&started().await);
    let (request, other) = (packed(&app).await, packed(&app).await);
    let issue = async || {
        let path = format!("/api/v1/privacy-request/{}/access-package", id(&request));
        let (status, link) = app.send(Method::POST, &path, json!(null)).await;
        assert_eq!(status, StatusCode::OK, "{link}");
        link["path"].as_str().unwrap().to_owned()
    };
    let anybody = app.without_token();
    let fetch = async |path: &str| anybody.call(Method::GET, path, "text/plain", "").await;

    let link = issue().await;
    let fetched = fetch(&link).await;
    let again = fetch(&link).await.status;
    let elsewhere = fetch(&issue().await.replace(id(&request), id(&other))).await.status;
    let late = issue().await;
    app.clock().advance(std::time::Duration::from_hours(5 * 24));
    let late = fetch(&late).await.status;
    let nonsense =
        fetch(&format!("/api/v1/privacy-request/{}/access-package?token=x", id(&request))).await.status;
    let no_id = fetch("/api/v1/privacy-request/x/access-package?token=x").await.status;

    assert_eq!((fetched.status, fetched.text().as_str()), (StatusCode::OK, "canary-package"));
    assert_eq!(fetched.header("content-type"), "application/zip");
    assert_eq!(again, StatusCode::UNAUTHORIZED);
    assert_eq!(elsewhere, StatusCode::FORBIDDEN);
    assert_eq!((late, nonsense), (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
    assert_eq!(no_id, StatusCode::BAD_REQUEST);
}

// rule: fides-api 11.7
#[tokio::test]
async fn how_identities_are_verified_is_told_to_anybody() {
    let app = started().await;
    super::set(&app, "subject_identity_verification_required", true).await;

    let (status, reply) = app.without_token().get("/api/v1/id-verification/config").await;

    let expected = json!({
        "identity_verification_required": true,
        "disable_consent_identity_verification": false,
        "valid_email_config_exists": false,
    });
    assert_eq!((status, reply), (StatusCode::OK, expected));
}

// rule: fides-api 11.4
// rule: privacy-requests L-2
#[tokio::test]
async fn a_deleted_request_hands_out_nothing_but_itself_and_its_log() {
    let app = started().await;
    let (request, digest) = planned(&app).await;
    let path = |end: &str| format!("/api/v1/privacy-request/{}{end}", id(&request));
    let transfer = format!("/api/v1/privacy-request/transfer/{}/rule", id(&request));

    let before = app.get(&path("/plan")).await.0;
    let (deleted, _) = app.send(Method::POST, &path("/soft-delete"), json!(null)).await;
    let mut refused = Vec::new();
    for end in ["/plan", "/certificate", "/tasks", "/deadline", "/events"] {
        refused.push((end.to_owned(), app.get(&path(end)).await));
    }
    refused.push((transfer.clone(), app.get(&transfer).await));
    for (end, body) in [
        ("/plan", json!(null)),
        ("/approve", json!({"digest": digest.to_string()})),
        ("/certificate", json!(null)),
        ("/verify", json!({})),
        ("/extend", json!({"reason": "many systems"})),
    ] {
        refused.push((end.to_owned(), app.send(Method::POST, &path(end), body).await));
    }

    assert_eq!((before, deleted), (StatusCode::OK, StatusCode::OK));
    let text = format!("Privacy request with id {} has been deleted.", id(&request));
    for (end, reply) in refused {
        assert_eq!(reply, (StatusCode::UNPROCESSABLE_ENTITY, json!({"detail": text})), "{end}");
    }
    assert_eq!(app.get(&path("")).await.0, StatusCode::OK);
    assert_eq!(app.get(&path("/log")).await.0, StatusCode::OK);
}

// rule: fides-api 11.6
#[tokio::test]
async fn a_link_is_not_used_up_by_what_gives_no_package() {
    let app = downloads(&started().await);
    let (request, other) = (packed(&app).await, packed(&app).await);
    let issue = format!("/api/v1/privacy-request/{}/access-package", id(&request));
    let (_, link) = app.send(Method::POST, &issue, json!(null)).await;
    let link = link["path"].as_str().unwrap();
    let file = app.data().join(format!("{}-{}.zip", id(&request), access_rule(&app).await));
    let aside = file.with_extension("aside");
    let anybody = app.without_token();
    let call = async |method: Method, path: &str| anybody.call(method, path, "text/plain", "").await;

    let head = call(Method::HEAD, link).await.status;
    let elsewhere = call(Method::GET, &link.replace(id(&request), id(&other))).await.status;
    std::fs::rename(&file, &aside).unwrap();
    let missing = call(Method::GET, link).await.status;
    std::fs::rename(&aside, &file).unwrap();
    let fetched = call(Method::GET, link).await;
    let again = call(Method::GET, link).await.status;

    assert_eq!(head, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!((elsewhere, missing), (StatusCode::FORBIDDEN, StatusCode::NOT_FOUND));
    assert_eq!((fetched.status, fetched.text().as_str()), (StatusCode::OK, "canary-package"));
    assert_eq!(again, StatusCode::UNAUTHORIZED);
}
