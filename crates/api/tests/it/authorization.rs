//! Who may call what: every operation of the document is called by everyone who may not.

use std::collections::BTreeSet;

use api::{Role, Scope};
use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::document::operations;

/// Operations that anyone may call. Whoever adds one says so here too.
const PUBLIC: &[&str] = &[
    "GET /api/v1/consent-request/{consent_request_id}/preferences",
    "GET /api/v1/id-verification/config",
    "GET /api/v1/oauth/callback",
    "GET /api/v1/privacy-request/{privacy_request_id}/access-package",
    "GET /api/v1/session/methods",
    "GET /api/v1/session/oidc",
    "GET /api/v1/session/oidc/callback",
    "GET /docs",
    "GET /docs/page.css",
    "GET /docs/page.js",
    "GET /health",
    "GET /health/database",
    "GET /health/workers",
    "GET /live",
    "GET /openapi.json",
    "GET /portal",
    "GET /portal/find",
    "GET /portal/package",
    "GET /portal/portal.css",
    "GET /portal/request/{privacy_request_id}",
    "GET /ready",
    "PATCH /api/v1/consent-request/{consent_request_id}/preferences",
    "POST /api/v1/consent-request",
    "POST /api/v1/consent-request/{consent_request_id}/verify",
    "POST /api/v1/drp/exercise",
    "POST /api/v1/login",
    "POST /api/v1/oauth/token",
    "POST /api/v1/privacy-request",
    "POST /api/v1/privacy-request/{privacy_request_id}/pre-approve/eligible",
    "POST /api/v1/privacy-request/{privacy_request_id}/pre-approve/not-eligible",
    "POST /api/v1/privacy-request/{privacy_request_id}/resume",
    "POST /api/v1/privacy-request/{privacy_request_id}/verify",
    "POST /api/v1/request-task/callback",
    "POST /api/v1/session",
    "POST /api/v1/user/accept-invite",
    "POST /api/v1/user/forgot-password",
    "POST /api/v1/user/reset-password-with-token",
    "POST /auth/v1/token",
    "POST /portal/package",
    "POST /portal/request",
    "POST /portal/request/{privacy_request_id}/code",
    "POST /portal/request/{privacy_request_id}/download",
    "POST /portal/request/{privacy_request_id}/verify",
];

/// Whoever calls, and what they may do.
struct Tried {
    who: &'static str,
    token: String,
    scopes: BTreeSet<Scope>,
}

// rule: fides-api 1.1
// rule: fides-api 2.4
#[tokio::test]
async fn no_operation_answers_a_role_that_lacks_its_scope() {
    let app = App::start_with(|settings| settings.request_rate_limit.calls = 100_000).await;
    let mut all = Vec::new();
    for role in Role::ALL {
        let scopes = role.scopes();
        let token = app.token(&scopes).await;
        all.push(Tried { who: role.as_str(), token, scopes: scopes.into_iter().collect() });
    }
    all.push(Tried { who: "nobody", token: app.token(&[]).await, scopes: BTreeSet::new() });
    let document = serde_json::to_value(api::openapi()).unwrap();

    let walked = walk(&app.router(), &document, &all).await;

    assert_eq!(walked.open, Vec::<String>::new(), "these were not refused");
    let expected = PUBLIC.iter().filter(|name| exists(&document, name)).map(|name| (*name).to_owned());
    assert_eq!(walked.public, expected.collect::<Vec<_>>(), "these need no token");
    assert!(walked.refused > 8 * 10, "only {} calls were refused", walked.refused);
}

#[utoipa::path(get, path = "/guarded", security(("oauth2" = ["connection:read"])), responses((status = 200)))]
async fn guarded() {}

#[utoipa::path(get, path = "/forgotten", responses((status = 200)))]
async fn forgotten() {}

/// The twin: operations that nobody guards are found, by what they answer or by what they do not say.
#[tokio::test]
async fn an_operation_without_a_check_is_found() {
    let planted = OpenApiRouter::new().routes(routes!(guarded)).routes(routes!(forgotten));
    let (router, document) = planted.split_for_parts();
    let document = serde_json::to_value(document).unwrap();
    let viewer = Tried { who: "nobody", token: "t".to_owned(), scopes: BTreeSet::new() };

    let walked = walk(&router, &document, &[viewer]).await;

    assert_eq!(
        walked.open,
        [
            "GET /forgotten says nothing about who may call it",
            "GET /guarded answers 200 OK without a token",
            "GET /guarded answers 200 OK to nobody",
        ]
    );
}

#[tokio::test]
async fn a_token_that_is_none_is_forbidden_and_a_scheme_that_is_none_is_not_signed_in() {
    let app = App::start().await;
    let with = async |value: &str| {
        let request = Request::get("/api/v1/oauth/scope").header("authorization", value).body(Body::empty());
        let reply = app.call_raw(request.unwrap()).await;
        (reply.status, reply.header("www-authenticate").to_owned(), reply.json())
    };
    let refused = json!({"detail": "Not Authorized for this action"});
    let unknown = json!({"detail": "Failed to authenticate"});

    assert_eq!(with("Bearer nonsense").await, (StatusCode::FORBIDDEN, String::new(), refused));
    for value in ["Basic dTpw", "Bearer", "Bearer ", "nonsense", ""] {
        let expected = (StatusCode::UNAUTHORIZED, "Bearer".to_owned(), unknown.clone());
        assert_eq!(with(value).await, expected, "{value}");
    }
}

// rule: fides-api 2.1
#[tokio::test]
async fn a_token_ends_when_its_time_is_over() {
    let app = App::start().await;
    let before = app.get("/api/v1/oauth/scope").await.0;

    app.clock().advance(std::time::Duration::from_secs(11_520 * 60 + 1));
    let after = app.get("/api/v1/oauth/scope").await;

    assert_eq!(before, StatusCode::OK);
    assert_eq!(after, (StatusCode::FORBIDDEN, json!({"detail": "Not Authorized for this action"})));
}

/// What a walk through the document found.
#[derive(Debug, Default)]
struct Walked {
    open: Vec<String>,
    public: Vec<String>,
    refused: usize,
}

async fn walk(router: &Router, document: &Value, all: &[Tried]) -> Walked {
    let mut walked = Walked::default();
    let mut operations = operations(document);
    operations.sort_by_key(|(method, path, _)| format!("{method} {path}"));
    for (method, path, operation) in operations {
        let name = format!("{method} {path}");
        let Some(scopes) = asked(operation) else {
            if operation["security"] == json!([{}]) {
                walked.public.push(name);
            } else {
                walked.open.push(format!("{name} says nothing about who may call it"));
            }
            continue;
        };
        let (status, _) = call(router, &method, &path, None).await;
        walked
            .note(status == StatusCode::UNAUTHORIZED, || format!("{name} answers {status} without a token"));
        let names: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
        let detail = format!("Not Authorized for this action. Required scope(s): [{}]", names.join(", "));
        for tried in all.iter().filter(|tried| scopes.iter().any(|scope| !tried.scopes.contains(scope))) {
            let (status, body) = call(router, &method, &path, Some(&tried.token)).await;
            let refused = status == StatusCode::FORBIDDEN && body["detail"] == detail.as_str();
            walked.note(refused, || format!("{name} answers {status} to {}", tried.who));
        }
    }
    walked
}

impl Walked {
    fn note(&mut self, refused: bool, problem: impl FnOnce() -> String) {
        if refused {
            self.refused += 1;
        } else {
            self.open.push(problem());
        }
    }
}

/// The scopes that an operation asks for; `None` unless it asks for a token.
fn asked(operation: &Value) -> Option<Vec<Scope>> {
    let names = operation["security"].as_array()?.first()?.get("oauth2")?.as_array()?;
    names.iter().map(|name| Scope::find(name.as_str()?)).collect()
}

fn exists(document: &Value, name: &str) -> bool {
    let (method, path) = name.split_once(' ').unwrap();
    document["paths"][path][method.to_lowercase()].is_object()
}

async fn call(router: &Router, method: &Method, path: &str, token: Option<&str>) -> (StatusCode, Value) {
    let path = path.replace(['{', '}'], "");
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}
