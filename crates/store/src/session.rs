//! People who are signed in with a browser. Of the token in its cookie only the hash is kept.

use std::time::Duration;

use crypto::{AccessToken, PasswordHash};
use jiff::{SignedDuration, Timestamp};

use crate::sql::query;
use crate::{Actor, AuditEvent, IssuedToken, LiveToken, LoginId, Store, StoreError};

/// A use is noted at most this often, so that not every call writes.
const NOTE_EVERY: SignedDuration = SignedDuration::from_secs(30);

/// Who signs in with a browser, and what was proven.
#[derive(Debug)]
pub enum SessionFor<'a> {
    /// The person that the settings name; `root_hash` stands for their name and password.
    Root {
        /// What the session ends with: other settings.
        root_hash: [u8; 32],
    },
    /// A person who gave their password. If it changed meanwhile there is no session.
    Password {
        /// Who.
        id: &'a LoginId,
        /// What is kept of the password that they gave.
        password: &'a PasswordHash,
    },
    /// A person whom a provider of accounts knows.
    Provider {
        /// Who.
        id: &'a LoginId,
    },
}

/// A session to be opened.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// Who signs in.
    pub holder: SessionFor<'a>,
    /// How long it lasts at most.
    pub life: Duration,
    /// Who signs in, for the audit log.
    pub actor: Actor,
}

impl Store {
    /// Opens a session; `None` if its holder is gone or kept out, or has another password by now.
    pub async fn session_open(&self, new: NewSession<'_>) -> Result<Option<IssuedToken>, StoreError> {
        const SWEEP: &str = "DELETE FROM access_token WHERE expires_at <= $1";
        const ROOT: &str = "INSERT INTO access_token (hash, scopes, issued_at, seen_at, expires_at, session, root_hash) VALUES ($1, '[]', $2, $2, $3, 1, $4)";
        const PASSWORD: &str = "INSERT INTO access_token (hash, scopes, issued_at, seen_at, expires_at, session, login_id) SELECT $1, '[]', $2, $2, $3, 1, id FROM login WHERE id = $4 AND password_hash = $5 AND disabled = 0";
        const PROVIDER: &str = "INSERT INTO access_token (hash, scopes, issued_at, seen_at, expires_at, session, login_id) SELECT $1, '[]', $2, $2, $3, 1, id FROM login WHERE id = $4 AND disabled = 0";
        let token = AccessToken::random();
        let issued_at = self.inner.clock.now();
        let life = SignedDuration::try_from(new.life).unwrap_or(SignedDuration::MAX);
        let expires_at = issued_at.saturating_add(life).unwrap_or(Timestamp::MAX);
        let (statement, object) = match &new.holder {
            SessionFor::Root { .. } => (ROOT, "root"),
            SessionFor::Password { id, .. } => (PASSWORD, id.as_str()),
            SessionFor::Provider { id } => (PROVIDER, id.as_str()),
        };
        let open = query(statement)
            .bind(token.hash().to_vec())
            .bind(issued_at.as_microsecond())
            .bind(expires_at.as_microsecond());
        let open = match &new.holder {
            SessionFor::Root { root_hash } => open.bind(root_hash.to_vec()),
            SessionFor::Password { id, password } => open.bind(id.as_str()).bind(password.as_str()),
            SessionFor::Provider { id } => open.bind(id.as_str()),
        };
        let mut tx = self.begin().await?;
        query(SWEEP).bind(issued_at.as_microsecond()).execute(tx.connection()).await?;
        if open.execute(tx.connection()).await?.rows_affected() == 0 {
            return Ok(None);
        }
        self.audit_enter_in(&mut tx, &AuditEvent::new(new.actor, "session.opened", object)).await?;
        tx.commit().await?;
        Ok(Some(IssuedToken { token, issued_at, expires_at }))
    }

    /// Who holds the session `text`, and notes that it is in use; `None` if it is none of ours, has
    /// ended, or was not used for as long as `idle`.
    pub async fn session_find(&self, text: &str, idle: Duration) -> Result<Option<LiveToken>, StoreError> {
        const SEEN: &str = "SELECT seen_at FROM access_token WHERE hash = $1 AND session = 1";
        const NOTE: &str =
            "UPDATE access_token SET seen_at = $2 WHERE hash = $1 AND session = 1 AND seen_at < $2";
        let hash = AccessToken::hash_of(text).to_vec();
        let row = query(SEEN).bind(hash.as_slice()).fetch_optional(&self.inner.reader).await?;
        let Some(row) = row else { return Ok(None) };
        let seen_at: Option<i64> = row.try_get(0)?;
        let now = self.now();
        let unused = SignedDuration::from_micros(now.saturating_sub(seen_at.unwrap_or_default()));
        if unused >= SignedDuration::try_from(idle).unwrap_or(SignedDuration::MAX) {
            return Ok(None);
        }
        let found = self.access_token_find_kind(text, true).await?;
        if found.is_some() && unused >= NOTE_EVERY {
            let mut tx = self.begin().await?;
            query(NOTE).bind(hash.as_slice()).bind(now).execute(tx.connection()).await?;
            tx.commit().await?;
        }
        Ok(found)
    }
}
