//! Tokens that were handed out for the API. Of each only its hash is kept.

use crypto::{AccessToken, PasswordHash};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

use crate::sql::query;
use crate::store::time;
use crate::words::{list_of, list_text};
use crate::{Actor, AuditEvent, ClientId, LoginId, Store, StoreError};

/// Who a token is for, with what was proven to get it. If that changed meanwhile there is no token.
#[derive(Debug)]
pub enum TokenFor<'a> {
    /// The client that the settings name; `root_hash` stands for its id and secret.
    Root {
        /// What the token ends with: other settings.
        root_hash: [u8; 32],
    },
    /// A client.
    Client {
        /// Which.
        id: &'a ClientId,
        /// What is kept of the secret that it gave.
        secret_hash: &'a [u8],
    },
    /// A person.
    Login {
        /// Who.
        id: &'a LoginId,
        /// What is kept of the password that they gave.
        password: &'a PasswordHash,
    },
}

/// A token to be handed out.
#[derive(Debug)]
pub struct NewAccessToken<'a> {
    /// Who gets it.
    pub holder: TokenFor<'a>,
    /// What it is for, for clients; what a person may do is told by their roles at each call.
    pub scopes: &'a [String],
    /// How long it lasts.
    pub life: Duration,
    /// Who gets it, for the audit log.
    pub actor: Actor,
}

/// A token that was handed out.
#[derive(Debug)]
pub struct IssuedToken {
    /// The token, seen this once.
    pub token: AccessToken,
    /// When it was handed out.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Who holds a token, as things are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenHolder {
    /// The client that the settings named when the token was handed out.
    Root {
        /// What it was handed out for; the caller compares it with the settings of today.
        root_hash: Vec<u8>,
    },
    /// A client.
    Client {
        /// Which.
        id: ClientId,
        /// What the client may do today.
        scopes: Vec<String>,
    },
    /// A person who is let in.
    Login {
        /// Who.
        id: LoginId,
        /// The name they sign in with.
        username: String,
        /// Their roles today.
        roles: Vec<String>,
    },
}

/// A token that is still good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveToken {
    /// Who holds it.
    pub holder: TokenHolder,
    /// What it was handed out for.
    pub scopes: Vec<String>,
    /// When it was handed out.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Whose tokens end.
#[derive(Debug, Clone, Copy)]
pub enum TokenEnd<'a> {
    /// This one.
    Token(&'a str),
    /// All of a person.
    Login(&'a LoginId),
    /// All that were handed out for this client or person of the settings, as [`TokenFor::Root`].
    Root(&'a [u8; 32]),
}

impl Store {
    /// Hands out a token; `None` if its holder is gone or kept out, or has another secret by now.
    pub async fn access_token_issue(
        &self,
        new: NewAccessToken<'_>,
    ) -> Result<Option<IssuedToken>, StoreError> {
        const SWEEP: &str = "DELETE FROM access_token WHERE expires_at <= $1";
        const ROOT: &str = "INSERT INTO access_token (hash, scopes, issued_at, expires_at, root_hash) VALUES ($1, $2, $3, $4, $5)";
        const CLIENT: &str = "INSERT INTO access_token (hash, scopes, issued_at, expires_at, client_id) SELECT $1, $2, $3, $4, id FROM client WHERE id = $5 AND secret_hash = $6";
        const LOGIN: &str = "INSERT INTO access_token (hash, scopes, issued_at, expires_at, login_id) SELECT $1, $2, $3, $4, id FROM login WHERE id = $5 AND password_hash = $6 AND disabled = 0";
        let token = AccessToken::random();
        let issued_at = self.inner.clock.now();
        let life = SignedDuration::try_from(new.life).unwrap_or(SignedDuration::MAX);
        let expires_at = issued_at.saturating_add(life).unwrap_or(Timestamp::MAX);
        let (statement, action, object) = match &new.holder {
            TokenFor::Root { .. } => (ROOT, "client.signed_in", "root"),
            TokenFor::Client { id, .. } => (CLIENT, "client.signed_in", id.as_str()),
            TokenFor::Login { id, .. } => (LOGIN, "login.signed_in", id.as_str()),
        };
        let issue = query(statement)
            .bind(token.hash().to_vec())
            .bind(list_text(new.scopes))
            .bind(issued_at.as_microsecond())
            .bind(expires_at.as_microsecond());
        let issue = match &new.holder {
            TokenFor::Root { root_hash } => issue.bind(root_hash.to_vec()),
            TokenFor::Client { id, secret_hash } => issue.bind(id.as_str()).bind(secret_hash.to_vec()),
            TokenFor::Login { id, password } => issue.bind(id.as_str()).bind(password.as_str()),
        };
        let mut tx = self.begin().await?;
        query(SWEEP).bind(issued_at.as_microsecond()).execute(tx.connection()).await?;
        if issue.execute(tx.connection()).await?.rows_affected() == 0 {
            return Ok(None);
        }
        self.audit_enter_in(&mut tx, &AuditEvent::new(new.actor, action, object)).await?;
        tx.commit().await?;
        Ok(Some(IssuedToken { token, issued_at, expires_at }))
    }

    /// Who holds the token `text`; `None` if it is no token of ours, or has ended.
    pub async fn access_token_find(&self, text: &str) -> Result<Option<LiveToken>, StoreError> {
        self.access_token_find_kind(text, false).await
    }

    /// The same for one of the two kinds: what a browser holds is good nowhere else.
    pub(crate) async fn access_token_find_kind(
        &self,
        text: &str,
        is_session: bool,
    ) -> Result<Option<LiveToken>, StoreError> {
        const FIND: &str = "SELECT access_token.scopes, issued_at, expires_at, root_hash, client_id, client.scopes, login_id, username, roles FROM access_token LEFT JOIN client ON client.id = client_id LEFT JOIN login ON login.id = login_id WHERE hash = $1 AND session = $3 AND expires_at > $2 AND COALESCE(disabled, 0) = 0";
        let row = query(FIND)
            .bind(AccessToken::hash_of(text).to_vec())
            .bind(self.now())
            .bind(i64::from(is_session))
            .fetch_optional(&self.inner.reader)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let text = |at: usize| {
            row.try_get::<Option<String>>(at)?.ok_or(StoreError::Damaged { what: "an access token" })
        };
        let id = |text: Option<String>| text.as_deref().and_then(ClientId::parse);
        let holder = if let Some(root_hash) = row.try_get(3)? {
            TokenHolder::Root { root_hash }
        } else if let Some(id) = id(row.try_get(4)?) {
            TokenHolder::Client { id, scopes: list_of(&text(5)?)? }
        } else {
            let id = LoginId::parse(&text(6)?).ok_or(StoreError::Damaged { what: "an access token" })?;
            TokenHolder::Login { id, username: text(7)?, roles: list_of(&text(8)?)? }
        };
        Ok(Some(LiveToken {
            holder,
            scopes: list_of(&text(0)?)?,
            issued_at: time(row.try_get(1)?)?,
            expires_at: time(row.try_get(2)?)?,
        }))
    }

    /// Ends tokens; says how many.
    pub async fn access_token_end(&self, end: TokenEnd<'_>, actor: Actor) -> Result<u64, StoreError> {
        const TOKEN: &str = "DELETE FROM access_token WHERE hash = $1";
        const LOGIN: &str = "DELETE FROM access_token WHERE login_id = $1";
        const ROOT: &str = "DELETE FROM access_token WHERE root_hash = $1";
        let (query, object) = match end {
            TokenEnd::Token(text) => (query(TOKEN).bind(AccessToken::hash_of(text).to_vec()), "token"),
            TokenEnd::Login(id) => (query(LOGIN).bind(id.as_str()), id.as_str()),
            TokenEnd::Root(root_hash) => (query(ROOT).bind(root_hash.to_vec()), "root"),
        };
        let mut tx = self.begin().await?;
        let ended = query.execute(tx.connection()).await?.rows_affected();
        if ended > 0 {
            self.audit_enter_in(&mut tx, &AuditEvent::new(actor, "access_token.ended", object)).await?;
        }
        tx.commit().await?;
        Ok(ended)
    }
}
