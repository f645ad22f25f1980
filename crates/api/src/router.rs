use axum::Router;
use axum::extract::Request;
use store::Store;
use utoipa::openapi::OpenApi;

use crate::authorize::Rules;
use crate::documented::OpenApiRouter;
use crate::state::ApiState;
use crate::{ApiError, ApiParts, Telemetry, connector_calls, document, documented, layers, routes};

/// Everything that the server answers to: the interface below `/api/v1`, health, its own document, and what
/// connectors that run elsewhere call.
///
/// The server must tell the address of each call
/// (`into_make_service_with_connect_info::<SocketAddr>()`); calls without one share one limit.
pub fn router(parts: ApiParts) -> Router {
    let state = ApiState::new(parts);
    let (router, groups) = whole().split();
    let rules = Rules::new(state.clone(), groups.into_iter().flatten());
    let router = layers::around(router.fallback(not_found), &state, rules).with_state(state.clone());
    match state.control() {
        Ok(control) => connector_calls::beside(router, &state, control),
        Err(_) => router,
    }
}

/// `/metrics` alone, for whoever asks: for a port that only those who look after the server reach.
pub fn metrics_router(store: Store, telemetry: Telemetry) -> Router {
    routes::metrics::alone(store, telemetry)
}

/// The document of the whole interface.
pub fn openapi() -> OpenApi {
    let mut document = document::frame();
    documented::describe(&mut document, &whole().split().1);
    document::complete(&mut document);
    document
}

pub(crate) fn whole() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .nest("/api/v1", routes::api())
        .merge(routes::connection_instance::without_prefix())
        .merge(routes::health::routes())
        .merge(routes::metrics::routes())
        .merge(routes::connector_token::routes())
        .merge(routes::worker::of_health())
        .merge(routes::docs::routes())
        .merge(routes::portal::routes())
}

async fn not_found(request: Request) -> ApiError {
    ApiError::NotFound(format!("there is nothing at {}", request.uri().path()))
}
