use std::collections::BTreeSet;

use axum::extract::FromRequestParts;
use http::request::Parts;
use store::Actor;

use crate::{ApiError, Scope};

/// Who calls, as their token says.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// For the audit log.
    pub(crate) actor: Actor,
    /// Which kind of caller.
    pub(crate) who: Who,
    /// What they may do.
    pub(crate) scopes: BTreeSet<Scope>,
}

/// Kinds of callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// The client that the settings name.
    RootClient,
    /// A program, by its client id.
    Client(String),
    /// A person, by the id of their login.
    Login(String),
}

impl Caller {
    /// Refuses who lacks the scope; for what depends on the body.
    pub(crate) fn require(&self, scope: Scope) -> Result<(), ApiError> {
        if self.scopes.contains(&scope) { Ok(()) } else { Err(ApiError::Forbidden(vec![scope])) }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or(ApiError::Unauthenticated)
    }
}
