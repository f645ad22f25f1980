//! One place that decides whether a call may be made, from what the document says about its operation.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};
use serde_json::Value;
use utoipa::openapi::OpenApi;

use crate::caller::Caller;
use crate::state::ApiState;
use crate::{ApiError, Scope};

/// What each operation asks of its caller.
#[derive(Clone)]
pub(crate) struct Rules {
    state: ApiState,
    paths: Arc<HashMap<String, HashMap<Method, Rule>>>,
}

/// What one operation asks of its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Nothing: it says `security(())`.
    Public,
    /// A token with all of these scopes.
    Scopes(Vec<Scope>),
    /// It cannot be called: it says nothing, or something that has no meaning here.
    Refused,
}

impl Rules {
    pub(crate) fn new(state: ApiState, document: &OpenApi) -> Self {
        Self { state, paths: Arc::new(rules(document)) }
    }

    fn find(&self, path: &str, method: &Method) -> Result<&Rule, ApiError> {
        let Some(operations) = self.paths.get(path) else { return Ok(&Rule::Refused) };
        let method = if method == Method::HEAD { &Method::GET } else { method };
        operations.get(method).ok_or_else(|| {
            let mut allowed: Vec<&str> = operations.keys().map(Method::as_str).collect();
            allowed.sort_unstable();
            ApiError::MethodNotAllowed(allowed.join(", "))
        })
    }
}

/// Lets a call through, with its [`Caller`], or refuses it.
pub(crate) async fn authorize(
    State(rules): State<Rules>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let Some(path) = request.extensions().get::<MatchedPath>() else {
        return Ok(next.run(request).await);
    };
    match rules.find(path.as_str(), request.method())? {
        Rule::Public => {}
        Rule::Refused => return Err(ApiError::Forbidden(Vec::new())),
        Rule::Scopes(scopes) => {
            let token = bearer(request.headers())?;
            let caller = caller(&rules.state, token).await?;
            if scopes.iter().any(|scope| !caller.scopes.contains(scope)) {
                return Err(ApiError::Forbidden(scopes.clone()));
            }
            request.extensions_mut().insert(caller);
        }
    }
    Ok(next.run(request).await)
}

/// The token of a call.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, token) = value.and_then(|value| value.split_once(' ')).ok_or(ApiError::Unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.trim().is_empty() {
        return Err(ApiError::Unauthenticated);
    }
    Ok(token.trim())
}

/// Whoever holds the token, with what they may do now.
async fn caller(state: &ApiState, token: &str) -> Result<Caller, ApiError> {
    let live = state.store().access_token_find(token).await?;
    live.and_then(|live| Caller::of(live, state.settings().root_client.as_ref()))
        .ok_or(ApiError::Forbidden(Vec::new()))
}

/// Reads the rules off the document.
fn rules(document: &OpenApi) -> HashMap<String, HashMap<Method, Rule>> {
    let document = serde_json::to_value(document).unwrap_or_default();
    let paths = document.get("paths").and_then(Value::as_object);
    let paths = paths.into_iter().flatten();
    paths.map(|(path, operations)| (path.clone(), methods(operations))).collect()
}

fn methods(operations: &Value) -> HashMap<Method, Rule> {
    let operations = operations.as_object().into_iter().flatten();
    operations
        .filter_map(|(method, operation)| Some((method_of(method)?, rule(operation.get("security")))))
        .collect()
}

fn method_of(name: &str) -> Option<Method> {
    let known = [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::PATCH];
    known.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(name))
}

fn rule(security: Option<&Value>) -> Rule {
    match security.and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::Object(one)]) if one.is_empty() => Rule::Public,
        Some([Value::Object(one)]) if one.len() == 1 => match one.get("oauth2").and_then(Value::as_array) {
            Some(names) => {
                let scopes: Option<Vec<Scope>> =
                    names.iter().map(|name| Scope::find(name.as_str()?)).collect();
                scopes.map_or(Rule::Refused, Rule::Scopes)
            }
            None => Rule::Refused,
        },
        Some(_) | None => Rule::Refused,
    }
}
