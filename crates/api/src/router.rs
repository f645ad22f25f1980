use axum::extract::Request;
use axum::{Router, middleware};
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use crate::authorize::{Rules, authorize};
use crate::state::ApiState;
use crate::{ApiError, ApiParts, routes};

/// The document's frame; operations come from the handlers.
#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "Tutela",
    description = "Privacy requests, and the connections, datasets and policies they are done with."
))]
struct Document;

/// Everything that the server answers to: the interface below `/api/v1`, health, its own document.
pub fn router(parts: ApiParts) -> Router {
    let state = ApiState::new(parts);
    let (router, document) = documented().split_for_parts();
    let rules = Rules::new(state.clone(), &document);
    router.fallback(not_found).layer(middleware::from_fn_with_state(rules, authorize)).with_state(state)
}

/// The document of the whole interface.
pub fn openapi() -> utoipa::openapi::OpenApi {
    documented().into_openapi()
}

fn documented() -> OpenApiRouter<ApiState> {
    OpenApiRouter::with_openapi(Document::openapi())
        .nest("/api/v1", routes::api())
        .merge(routes::connection_instance::without_prefix())
        .merge(routes::health::routes())
}

async fn not_found(request: Request) -> ApiError {
    ApiError::NotFound(format!("there is nothing at {}", request.uri().path()))
}
