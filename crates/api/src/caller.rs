use std::collections::BTreeSet;

use axum::extract::FromRequestParts;
use crypto::constant_time_eq;
use http::request::Parts;
use store::{Actor, ClientId, LiveToken, LoginId, TokenHolder};

use crate::{ApiError, Role, RootClient, Scope};

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
    Client(ClientId),
    /// A person, by the id of their login.
    Login(LoginId),
}

impl Caller {
    /// Whom a token stands for; none if it was handed out to a root client that is no longer named.
    pub(crate) fn of(token: LiveToken, root: Option<&RootClient>) -> Option<Self> {
        let handed_out = scopes(&token.scopes);
        let caller = match token.holder {
            TokenHolder::Root { root_hash } => {
                let root = root.filter(|root| constant_time_eq(&root.hash(), &root_hash))?;
                Self { actor: Actor::client(&root.id), who: Who::RootClient, scopes: handed_out }
            }
            TokenHolder::Client { id, scopes: today } => {
                let scopes = &scopes(&today) & &handed_out;
                Self { actor: Actor::client(id.as_str()), who: Who::Client(id), scopes }
            }
            TokenHolder::Login { id, username, roles } => {
                let roles = roles.iter().filter_map(|role| Role::find(role));
                let scopes = roles.flat_map(Role::scopes).collect();
                Self { actor: Actor::person(&username), who: Who::Login(id), scopes }
            }
        };
        Some(caller)
    }

    /// Refuses who lacks the scope; for what depends on the body.
    pub(crate) fn require(&self, scope: Scope) -> Result<(), ApiError> {
        if self.scopes.contains(&scope) { Ok(()) } else { Err(ApiError::Forbidden(vec![scope])) }
    }
}

fn scopes(texts: &[String]) -> BTreeSet<Scope> {
    texts.iter().filter_map(|text| Scope::find(text)).collect()
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or(ApiError::Unauthenticated)
    }
}
