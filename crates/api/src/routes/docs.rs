//! The document of the interface, and a page that shows it; outside `/api/v1`, for anyone.

use std::sync::LazyLock;

use axum::response::IntoResponse;
use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};

use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(document))
        .routes(routes!(page))
        .routes(routes!(script))
        .routes(routes!(style))
}

/// Made at the first call: the document is the same for the life of the program.
static DOCUMENT: LazyLock<Bytes> =
    LazyLock::new(|| crate::openapi().to_json().map(Bytes::from).unwrap_or_default());

/// What the page may do: run its own script, and read from this server.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// This document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "Documentation",
    security(()),
    responses((status = 200, description = "The OpenAPI document", body = serde_json::Value))
)]
async fn document() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.clone())
}

/// A page that shows this document.
#[utoipa::path(
    get,
    path = "/docs",
    tag = "Documentation",
    security(()),
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
)]
async fn page() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, PAGE_POLICY)];
    (headers, include_str!("docs/page.html"))
}

/// The page's script.
#[utoipa::path(
    get,
    path = "/docs/page.js",
    tag = "Documentation",
    security(()),
    responses((status = 200, description = "The script", body = String, content_type = "text/javascript"))
)]
async fn script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("docs/page.js"))
}

/// The page's style.
#[utoipa::path(
    get,
    path = "/docs/page.css",
    tag = "Documentation",
    security(()),
    responses((status = 200, description = "The style", body = String, content_type = "text/css"))
)]
async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("docs/page.css"))
}
