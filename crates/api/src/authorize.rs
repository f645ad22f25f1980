//! One place that decides whether a call may be made, from what the document says about its operation.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method};
use serde_json::Value;
use utoipa::openapi::{HttpMethod, SecurityRequirement};

use crate::address::Address;
use crate::caller::Caller;
use crate::documented::{Described, Security};
use crate::session::{Credential, check_csrf};
use crate::state::ApiState;
use crate::{ApiError, Scope};

/// What each operation asks of its caller.
#[derive(Clone)]
pub(crate) struct Rules {
    state: ApiState,
    table: Arc<Table>,
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
    pub(crate) fn new(state: ApiState, described: impl IntoIterator<Item = Described>) -> Self {
        Self { state, table: Arc::new(Table::new(described)) }
    }
}

/// The rules of all operations, by path.
#[derive(Debug)]
struct Table(HashMap<String, AtPath>);

/// The rules at one path: read off the document's text when it is first called.
#[derive(Debug, Default)]
struct AtPath {
    described: Vec<Described>,
    rules: OnceLock<HashMap<Method, Rule>>,
}

impl Table {
    fn new(described: impl IntoIterator<Item = Described>) -> Self {
        let mut table: HashMap<String, AtPath> = HashMap::new();
        for operations in described {
            table.entry(operations.path.clone()).or_default().described.push(operations);
        }
        Self(table)
    }

    /// The rule of one operation; a path that is not in the document may not be called.
    fn find(&self, path: &str, method: &Method) -> Result<&Rule, ApiError> {
        let Some(at_path) = self.0.get(path) else { return Ok(&Rule::Refused) };
        let rules = at_path.rules.get_or_init(|| {
            at_path.described.iter().flat_map(Described::security).flat_map(rules_of).collect()
        });
        let method = if method == Method::HEAD { &Method::GET } else { method };
        rules.get(method).ok_or_else(|| {
            let mut allowed: Vec<&str> = rules.keys().map(Method::as_str).collect();
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
    match rules.table.find(path.as_str(), request.method())? {
        Rule::Public => {
            if !request.method().is_safe() {
                let address = request.extensions().get::<ConnectInfo<SocketAddr>>();
                rules.state.public_calls().take(&Address::of(address).name())?;
            }
        }
        Rule::Refused => return Err(ApiError::Forbidden(Vec::new())),
        Rule::Scopes(scopes) => {
            let caller = caller(&rules.state, request.method(), request.headers()).await?;
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

/// Whoever holds the token of a call that needs none for what else it may be.
pub(crate) async fn bearer_of(state: &ApiState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let live = state.store().access_token_find(bearer(headers)?).await?;
    live.and_then(|live| Caller::of(live, state.settings())).ok_or(ApiError::Forbidden(Vec::new()))
}

/// Whether who made a call that goes on may still make it: their token or session can have ended since.
pub(crate) async fn still_may(state: &ApiState, headers: &HeaderMap, scope: Scope) -> Result<bool, ApiError> {
    match caller(state, &Method::GET, headers).await {
        Ok(caller) => Ok(caller.scopes.contains(&scope)),
        Err(ApiError::Unauthenticated | ApiError::Forbidden(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whoever holds the token, or the session, with what they may do now.
async fn caller(state: &ApiState, method: &Method, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let live = match Credential::of(headers, state)? {
        Credential::Bearer(token) => state.store().access_token_find(&token).await?,
        Credential::Session(text) => {
            let live = state.store().session_find(&text, state.settings().session_idle).await?;
            if live.is_none() {
                // Over, not forbidden: whoever signs in again may do it.
                return Err(ApiError::Unauthenticated);
            }
            check_csrf(&text, method, headers)?;
            live
        }
    };
    live.and_then(|live| Caller::of(live, state.settings())).ok_or(ApiError::Forbidden(Vec::new()))
}

fn rules_of((methods, security): Security) -> impl Iterator<Item = (Method, Rule)> {
    let rule = rule(security.as_deref());
    methods.into_iter().map(move |method| (method_of(&method), rule.clone()))
}

fn method_of(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}

fn rule(security: Option<&[SecurityRequirement]>) -> Rule {
    let Some([one]) = security else { return Rule::Refused };
    // What is asked can only be read as data.
    match serde_json::to_value(one) {
        Ok(Value::Object(one)) if one.is_empty() => Rule::Public,
        Ok(Value::Object(one)) if one.len() == 1 => match one.get("oauth2").and_then(Value::as_array) {
            Some(names) => {
                let scopes: Option<Vec<Scope>> =
                    names.iter().map(|name| Scope::find(name.as_str()?)).collect();
                scopes.map_or(Rule::Refused, Rule::Scopes)
            }
            None => Rule::Refused,
        },
        Ok(_) | Err(_) => Rule::Refused,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::documented::{OpenApiRouter, routes};

    #[rstest]
    #[case::nothing_said(None, Rule::Refused)]
    #[case::empty_list(Some(json!([])), Rule::Refused)]
    #[case::unknown_scope(Some(json!([{"oauth2": ["connection:raed"]}])), Rule::Refused)]
    #[case::one_of_two_unknown(Some(json!([{"oauth2": ["connection:read", "x"]}])), Rule::Refused)]
    #[case::other_scheme(Some(json!([{"apiKey": []}])), Rule::Refused)]
    #[case::two_schemes(Some(json!([{"oauth2": [], "apiKey": []}])), Rule::Refused)]
    #[case::or_nothing(Some(json!([{}, {"oauth2": ["connection:read"]}])), Rule::Refused)]
    #[case::public(Some(json!([{}])), Rule::Public)]
    #[case::any_token(Some(json!([{"oauth2": []}])), Rule::Scopes(Vec::new()))]
    #[case::scope(Some(json!([{"oauth2": ["connection:read"]}])), Rule::Scopes(vec![Scope::ConnectionRead]))]
    fn only_what_is_said_clearly_opens_an_operation(#[case] security: Option<Value>, #[case] expected: Rule) {
        let security: Option<Vec<SecurityRequirement>> =
            security.map(|security| serde_json::from_value(security).unwrap());

        assert_eq!(rule(security.as_deref()), expected);
    }

    #[utoipa::path(get, path = "/thing/{id}", security(()), responses((status = 200)))]
    async fn read() {}

    #[utoipa::path(put, path = "/thing/{id}", responses((status = 200)))]
    async fn write() {}

    #[test]
    fn a_route_outside_of_the_document_is_refused_and_a_method_is_not_allowed() {
        // Two entries at one path, as two calls of `routes` make them.
        let (_, groups) = OpenApiRouter::new().routes(routes!(read)).routes(routes!(write)).split();

        let table = Table::new(groups.into_iter().flatten());

        assert_eq!(table.find("/other", &Method::GET).unwrap(), &Rule::Refused);
        let error = table.find("/thing/{id}", &Method::DELETE).unwrap_err();
        assert!(matches!(error, ApiError::MethodNotAllowed(allowed) if allowed == "GET, PUT"));
        assert_eq!(table.find("/thing/{id}", &Method::GET).unwrap(), &Rule::Public);
        assert_eq!(table.find("/thing/{id}", &Method::HEAD).unwrap(), &Rule::Public);
        assert_eq!(table.find("/thing/{id}", &Method::PUT).unwrap(), &Rule::Refused);
    }
}
