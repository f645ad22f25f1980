//! What resources that are kept as documents have in common (fides-api 6.4).

use axum::Json;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use store::Put;
use utoipa::ToSchema;

use crate::ApiError;

/// How many resources were kept.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Upserted {
    /// In words.
    message: String,
    /// How many there were none of before.
    inserted: usize,
    /// How many were replaced.
    updated: usize,
}

impl Upserted {
    /// 201 if any is new.
    pub(super) fn reply(puts: &[Put], noun: &str) -> (StatusCode, Json<Self>) {
        let inserted = puts.iter().filter(|put| **put == Put::Inserted).count();
        let updated = puts.len() - inserted;
        let message = format!("{} of kind {noun} kept: {inserted} new, {updated} replaced", puts.len());
        let status = if inserted > 0 { StatusCode::CREATED } else { StatusCode::OK };
        (status, Json(Self { message, inserted, updated }))
    }
}

/// A resource that was removed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Removed {
    /// In words.
    message: &'static str,
    /// As it was.
    #[schema(value_type = Object)]
    resource: Value,
}

impl Removed {
    pub(super) fn new(resource: Value) -> Self {
        Self { message: "resource deleted", resource }
    }
}

/// 404.
pub(super) fn not_there(kind: &str, key: &str) -> ApiError {
    ApiError::Resource(StatusCode::NOT_FOUND, detail("not found", kind, key))
}

/// 409.
pub(super) fn already_there(kind: &str, key: &str) -> ApiError {
    ApiError::Resource(StatusCode::CONFLICT, detail("already exists", kind, key))
}

/// 403.
pub(super) fn not_allowed(why: &str, kind: &str, key: &str) -> ApiError {
    ApiError::Resource(StatusCode::FORBIDDEN, detail(why, kind, key))
}

/// 409 about one that something needs.
pub(super) fn still_used(why: &str, kind: &str, key: &str) -> ApiError {
    ApiError::Resource(StatusCode::CONFLICT, detail(why, kind, key))
}

fn detail(error: &str, kind: &str, key: &str) -> Value {
    json!({"error": error, "resource_type": kind, "fides_key": key})
}
