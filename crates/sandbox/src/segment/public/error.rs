use serde_json::{Value, json};

use crate::segment::plan::RefusedWith;
use crate::server::Answer;

/// An answer of the Public API that is an error (segment-api A8–A10).
#[derive(Debug)]
pub(in crate::segment) struct PublicError {
    status: u16,
    errors: Vec<Value>,
}

impl PublicError {
    fn new(status: u16, kind: &str, message: &str) -> Self {
        Self { status, errors: vec![json!({"type": kind, "message": message})] }
    }

    pub(super) fn unauthenticated() -> Self {
        Self::new(401, "unauthorized", "The token is missing or not valid.")
    }

    /// A valid token without the access: 401 too, or 403 (A10).
    pub(super) fn not_permitted(with: RefusedWith) -> Self {
        Self::refused(with, "The token lacks permission; Workspace Owner access is needed.")
    }

    /// A feature that the plan lacks (A67).
    pub(super) fn not_in_plan(with: RefusedWith) -> Self {
        Self::refused(with, "The feature is not part of the workspace's plan.")
    }

    /// The workspace would be left without an owner (inferred: governance SEG-5).
    pub(super) fn last_owner() -> Self {
        Self::invalid("permissions", "A workspace keeps at least one Workspace Owner.")
    }

    fn refused(with: RefusedWith, message: &str) -> Self {
        let kind = match with {
            RefusedWith::Unauthorized => "unauthorized",
            RefusedWith::Forbidden => "forbidden",
            RefusedWith::NotFound => "not-found",
        };
        Self::new(with.into(), kind, message)
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "not-found", "The resource was not found.")
    }

    pub(super) fn conflict(message: &str) -> Self {
        Self::new(409, "conflict", message)
    }

    pub(super) fn too_large() -> Self {
        Self::new(413, "payload-too-large", "The body is larger than 4 MB.")
    }

    /// The month's quota of regulations is used up (A76).
    pub(super) fn over_quota(left: u64) -> Self {
        let data =
            json!({"msBeforeNext": 86_400_000, "remainingPoints": left, "consumedPoints": 110_000 - left});
        let error = json!({"type": "RequestError", "message": "Monthly quota reached", "data": data});
        Self { status: 429, errors: vec![error] }
    }

    /// One invalid input.
    pub(super) fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        let (field, message) = (field.into(), message.into());
        Self {
            status: 422,
            errors: vec![json!({"type": "input-validation", "message": message, "field": field})],
        }
    }

    /// Adds the errors of another refusal of the same status.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.errors.extend(other.errors);
        self
    }

    pub(super) fn answer(&self) -> Answer {
        Answer::json(self.status, &json!({"errors": self.errors}))
    }
}
