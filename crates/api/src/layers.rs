//! What happens around every call, from the outside in: its id and log line, headers of the answer,
//! pages of other origins, panics, limits, and who may call.

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method};
use thiserror::Error;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::ApiError;
use crate::address::Address;
use crate::authorize::{Rules, authorize};
use crate::metric;
use crate::state::ApiState;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts every layer around the routes.
pub(crate) fn around(router: Router<ApiState>, state: &ApiState, rules: Rules) -> Router<ApiState> {
    let settings = state.settings();
    router
        .layer(from_fn_with_state(rules, authorize))
        .layer(from_fn_with_state(state.clone(), limit))
        .layer(DefaultBodyLimit::max(settings.body_bytes))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(cors(&settings.cors_origins))
        .layer(from_fn(harden))
        .layer(from_fn_with_state(state.clone(), identify))
}

/// Gives a call its id, which is in every log line about it and in its answer.
pub(crate) async fn identify(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let id = state.ids().next_uuid().to_string();
    let path = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    let traceparent = caller_trace(request.headers());
    let span = tracing::info_span!("call", request_id = %id, method = %request.method(), path, traceparent, status = Empty);
    let method = metric::method(request.method());
    let started = state.clock().now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = state.clock().now().duration_since(started).unsigned_abs();
    let status = response.status().as_u16();
    span.record("status", status);
    span.in_scope(|| tracing::debug!(status, duration_ms = took.as_millis() as u64, "call answered"));
    metric::call(method, path, status, took);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The place of a caller in its own trace, as W3C Trace Context writes it; other texts stay out of logs.
fn caller_trace(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let allowed = |byte: u8| byte == b'-' || byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (text.len() == 55 && text.bytes().all(allowed)).then_some(text)
}

/// Headers that keep browsers from doing more with an answer than to show it to whoever asked.
async fn harden(request: Request, next: Next) -> Response {
    const FIXED: [(&str, &str); 5] = [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("cache-control", "no-store"),
    ];
    let mut response = next.run(request).await;
    for (name, value) in FIXED {
        response
            .headers_mut()
            .entry(HeaderName::from_static(name))
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Pages of these origins may call, with a token that they were given; cookies are never used.
fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins.iter().filter(|origin| origin.as_str() != "*");
    let origins: Vec<HeaderValue> = origins.filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, HeaderName::from_static("idempotency-key")])
        .expose_headers([REQUEST_ID, RETRY_AFTER])
        .max_age(Duration::from_mins(10))
}

/// What a handler that panicked leaves behind; the panic itself was logged where it happened.
#[derive(Debug, Error)]
#[error("a handler panicked")]
struct Panicked;

pub(crate) fn panicked(_payload: Box<dyn Any + Send>) -> Response {
    ApiError::Private(Box::new(Panicked)).into_response()
}

/// Counts the call for its address, and gives it up when it is too large or takes too long.
async fn limit(
    State(state): State<ApiState>,
    address: Address,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    state.calls().take(&address.name())?;
    let settings = state.settings();
    if announced(request.headers()).is_some_and(|bytes| bytes > settings.body_bytes) {
        return Err(ApiError::TooLarge);
    }
    if request.uri().path().contains("%00") || request.uri().query().unwrap_or_default().contains("%00") {
        return Err(ApiError::NotFound("no address here holds the character U+0000".to_owned()));
    }
    tokio::time::timeout(settings.call_time, next.run(request)).await.map_err(|_| ApiError::TimedOut)
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn broken() {
        panic!("canary-secret");
    }

    #[tokio::test]
    async fn a_panic_is_a_500_that_says_nothing_of_it() {
        let router: Router = Router::new().route("/", get(broken)).layer(CatchPanicLayer::custom(panicked));

        let response = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();

        assert_eq!(response.status(), http::StatusCode::INTERNAL_SERVER_ERROR);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(text.starts_with(r#"{"detail":"the server could not do this"#) && !text.contains("canary"));
    }
}
