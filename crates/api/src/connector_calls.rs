//! What connectors that run elsewhere call in gRPC, on the port of the interface (baton P-9).

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use baton::control::ControlPlane;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Version};
use tonic::{Code, Status};
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;

use crate::ApiError;
use crate::address::Address;
use crate::layers::{identify, panicked};
use crate::state::ApiState;

/// Where the service is, as gRPC names its methods.
const PATH: &str = "/c1.connectorapi.baton.v1.BatonService/{method}";
/// The call that takes as long as a file does; the service itself bounds its size and its pauses.
const UPLOAD: &str = "/UploadAsset";
/// Where a refusal of gRPC stands that has no content.
const GRPC_STATUS: &str = "grpc-status";

/// Calls in gRPC go to the control plane, all others to `router`. They have a body without end, tokens of their
/// own and errors of their own, so that nothing of what is around the interface holds for them but their id,
/// their log line and their count.
pub(crate) fn beside(router: Router, state: &ApiState, control: &ControlPlane) -> Router {
    let service = control.grpc();
    let calls: Router = Router::new()
        .route_service(PATH, service.clone())
        .fallback_service(service)
        .layer(from_fn_with_state(state.clone(), limit))
        .layer(from_fn(refuse_http1))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), identify));
    router.layer(from_fn_with_state(calls, divert))
}

async fn divert(State(calls): State<Router>, request: Request, next: Next) -> Response {
    if is_grpc(request.headers()) {
        return calls.oneshot(request).await.into_response();
    }
    next.run(request).await
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    media
        .strip_prefix(b"application/grpc")
        .is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// The end of a call would be lost on its way, and nobody would know why.
async fn refuse_http1(request: Request, next: Next) -> Response {
    if request.version() < Version::HTTP_2 {
        let text = "gRPC needs HTTP/2 on the whole way; let the proxy in front of the server pass it on";
        return refused(Status::failed_precondition(text));
    }
    next.run(request).await
}

/// Counts calls of those who are not known, by address, and gives a call up that takes too long. A connector's
/// own calls do not count: it asks when it is told to, and what it may have at once is bounded. Of a call without
/// a token nothing but its head is read: a message is put together in memory before anybody looks at it.
async fn limit(State(state): State<ApiState>, address: Address, request: Request, next: Next) -> Response {
    let name = address.name();
    if let Err(ApiError::TooManyRequests(seconds)) = state.calls().take(&name) {
        return refused(Status::unavailable(format!("too many calls; wait {seconds} seconds")));
    }
    if let Ok(control) = state.control()
        && let Err(status) = control.check_token(request.headers())
    {
        return refused(status);
    }
    let is_upload = request.uri().path().ends_with(UPLOAD);
    let answer = next.run(request);
    let response = if is_upload {
        answer.await
    } else {
        match tokio::time::timeout(state.settings().call_time, answer).await {
            Ok(response) => response,
            Err(_) => return refused(Status::deadline_exceeded("the call took too long; make it again")),
        }
    };
    if !is_unknown(&response) {
        state.calls().give_back(&name);
    }
    response
}

fn is_unknown(response: &Response) -> bool {
    let status = response.headers().get(GRPC_STATUS).map(HeaderValue::as_bytes);
    status.is_some_and(|status| Code::from_bytes(status) == Code::Unauthenticated)
}

fn refused(status: Status) -> Response {
    status.into_http::<Body>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_in_grpc_are_told_by_their_media_type() {
        let is = |media: &str| is_grpc(&HeaderMap::from_iter([(CONTENT_TYPE, media.parse().unwrap())]));

        for media in ["application/grpc", "application/grpc+proto", "application/grpc;x=1"] {
            assert!(is(media), "{media}");
        }
        for media in ["application/grpc-web", "application/json", ""] {
            assert!(!is(media), "{media}");
        }
        assert!(!is_grpc(&HeaderMap::new()));
    }
}
