//! Which scopes and roles there are.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;

use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;
use crate::{ApiError, Role, Scope};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(scopes)).routes(routes!(roles))
}

/// List all scopes.
#[utoipa::path(
    get,
    path = "/oauth/scope",
    tag = "Sign-in",
    security(("oauth2" = ["scope:read"])),
    responses((status = 200, body = Vec<String>))
)]
async fn scopes() -> Json<Vec<&'static str>> {
    Json(Scope::ALL.iter().map(|scope| scope.as_str()).collect())
}

/// List all roles with their scopes.
#[utoipa::path(
    get,
    path = "/oauth/role",
    tag = "Sign-in",
    security(("oauth2" = ["scope:read"])),
    responses((status = 200, body = BTreeMap<String, Vec<String>>))
)]
async fn roles() -> Json<BTreeMap<&'static str, Vec<&'static str>>> {
    let scopes = |role: &Role| role.scopes().into_iter().map(Scope::as_str).collect();
    Json(Role::ALL.iter().map(|role| (role.as_str(), scopes(role))).collect())
}

/// The scopes of these texts, each once.
pub(super) fn known(texts: &[String]) -> Result<Vec<Scope>, ApiError> {
    let known: Option<Vec<Scope>> = texts.iter().map(|text| Scope::find(text)).collect();
    let mut scopes = known.ok_or_else(|| {
        let all: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
        ApiError::Refused(format!("Invalid Scope. Scopes must be one of [{}]", all.join(", ")))
    })?;
    scopes.sort_unstable();
    scopes.dedup();
    Ok(scopes)
}

impl Caller {
    /// Refuses who lacks one of `scopes`: nobody may give, or take over, what they may not do themselves.
    pub(super) fn require_all(&self, scopes: impl IntoIterator<Item = Scope>) -> Result<(), ApiError> {
        let lacking: BTreeSet<Scope> =
            scopes.into_iter().filter(|scope| !self.scopes.contains(scope)).collect();
        if lacking.is_empty() { Ok(()) } else { Err(ApiError::Forbidden(lacking.into_iter().collect())) }
    }
}
