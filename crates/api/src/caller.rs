use std::collections::BTreeSet;

use axum::extract::FromRequestParts;
use crypto::constant_time_eq;
use http::request::Parts;
use jiff::Timestamp;
use privacy::request::By;
use store::{Actor, ClientId, LiveToken, LoginId, TokenHolder};

use crate::{ApiError, ApiSettings, Role, Scope};

/// Who calls, as their token says.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// For the audit log.
    pub(crate) actor: Actor,
    /// Which kind of caller.
    pub(crate) who: Who,
    /// What they may do.
    pub(crate) scopes: BTreeSet<Scope>,
    /// When what they showed of themselves ends at the latest.
    pub(crate) expires_at: Timestamp,
}

/// Kinds of callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// The client that the settings name.
    RootClient,
    /// The person that the settings name.
    RootUser,
    /// A program, by its client id.
    Client(ClientId),
    /// A person, by the id of their login.
    Login(LoginId),
}

impl Caller {
    /// Whom a token stands for; none if it was handed out to a root client or person that is no longer
    /// named.
    pub(crate) fn of(token: LiveToken, settings: &ApiSettings) -> Option<Self> {
        let expires_at = token.expires_at;
        let handed_out = scopes(&token.scopes);
        let caller = match token.holder {
            TokenHolder::Root { root_hash } => {
                let user = settings.root_user.as_ref();
                if let Some(user) = user.filter(|user| constant_time_eq(&user.hash(), &root_hash)) {
                    let scopes = Scope::ALL.iter().copied().collect();
                    let actor = Actor::person(&user.username);
                    return Some(Self { actor, who: Who::RootUser, scopes, expires_at });
                }
                let root = settings.root_client.as_ref();
                let root = root.filter(|root| constant_time_eq(&root.hash(), &root_hash))?;
                Self { actor: Actor::client(&root.id), who: Who::RootClient, scopes: handed_out, expires_at }
            }
            TokenHolder::Client { id, scopes: today } => {
                let scopes = &scopes(&today) & &handed_out;
                Self { actor: Actor::client(id.as_str()), who: Who::Client(id), scopes, expires_at }
            }
            TokenHolder::Login { id, username, roles } => {
                let roles = roles.iter().filter_map(|role| Role::find(role));
                let scopes = roles.flat_map(Role::scopes).collect();
                Self { actor: Actor::person(&username), who: Who::Login(id), scopes, expires_at }
            }
        };
        Some(caller)
    }

    /// As privacy requests name them: the id of a person's account or of a client, `root` for the root
    /// client.
    pub(crate) fn by(&self) -> By {
        let user = match &self.who {
            Who::RootClient | Who::RootUser => "root".to_owned(),
            Who::Client(id) => id.as_str().to_owned(),
            Who::Login(id) => id.as_str().to_owned(),
        };
        By { actor: self.actor.clone(), user: Some(user) }
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
