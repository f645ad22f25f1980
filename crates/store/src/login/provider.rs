//! People whose accounts somebody else keeps.

use super::change::INSERT;
use super::{Login, LoginId, LoginPerson, NewLogin};
use crate::sql::query;
use crate::store::Tx;
use crate::{Actor, AuditEvent, LoginChange, LoginPut, Store, StoreError};

/// A person as a provider of accounts knows them.
#[derive(Debug)]
pub struct ProviderPerson<'a> {
    /// The provider.
    pub issuer: &'a str,
    /// What the provider calls them, for ever.
    pub subject: &'a str,
    /// Username of a new account.
    pub username: String,
    /// Who they are.
    pub person: LoginPerson,
    /// The roles that the provider gives them; none: roles are given here.
    pub roles: Option<Vec<String>>,
    /// Roles of a new account, if the provider gives none.
    pub first_roles: Vec<String>,
    /// Whether an account that is here already is theirs if it has their address. One whose address
    /// nobody had proven may have been prepared by somebody else: all other ways into it end.
    pub link: bool,
}

/// What became of a sign-in through a provider.
#[derive(Debug)]
pub enum ProviderSignIn {
    /// They are this person.
    Known(Box<Login>),
    /// They are kept out.
    Disabled,
    /// Somebody else has the username.
    UsernameTaken,
    /// Somebody else has the e-mail address.
    EmailTaken,
}

impl Store {
    /// The account of somebody whom a provider knows; makes or links one at the first sign-in, and gives
    /// it the roles of today. The last owner stays owner.
    pub async fn login_of_provider(&self, person: ProviderPerson<'_>) -> Result<ProviderSignIn, StoreError> {
        const LINK: &str = "INSERT INTO login_identity (hash, login_id, linked_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let hash = self.keyed_hash(format!("oidc|{}|{}", person.issuer, person.subject).as_bytes());
        let mut tx = self.begin().await?;
        let login = if let Some(login) = self.login_identified(&mut tx, &hash).await? {
            login
        } else {
            let login = match self.login_to_link(&mut tx, &person).await? {
                Some(login) => login,
                None => match self.login_insert_provided(&mut tx, &person).await? {
                    Ok(login) => login,
                    Err(refused) => return Ok(refused),
                },
            };
            query(LINK)
                .bind(hash.to_vec())
                .bind(login.id.as_str())
                .bind(self.now())
                .execute(tx.connection())
                .await?;
            let event = AuditEvent::new(Actor::system(), "login.linked", login.id.as_str());
            self.audit_enter_in(&mut tx, &event).await?;
            login
        };
        tx.commit().await?;
        if login.disabled {
            return Ok(ProviderSignIn::Disabled);
        }
        let Some(roles) = person.roles.filter(|roles| *roles != login.roles) else {
            return Ok(ProviderSignIn::Known(Box::new(login)));
        };
        let actor = Actor::person(&login.username);
        match self.login_change(&login.id, LoginChange::Roles(roles), actor).await? {
            LoginPut::Done(login) => Ok(ProviderSignIn::Known(login)),
            // Who cannot be spared stays what they are.
            LoginPut::LastOwner => Ok(ProviderSignIn::Known(Box::new(login))),
            LoginPut::Absent | LoginPut::UsernameTaken | LoginPut::EmailTaken => Ok(ProviderSignIn::Disabled),
        }
    }

    /// Ends all ways into an account: its password, tokens and sessions, codes and identities.
    async fn login_close_ways(&self, tx: &mut Tx, id: &LoginId) -> Result<(), StoreError> {
        const CLOSE: [&str; 4] = [
            "UPDATE login SET password_hash = NULL WHERE id = $1",
            "DELETE FROM access_token WHERE login_id = $1",
            "DELETE FROM login_code WHERE login_id = $1",
            "DELETE FROM login_identity WHERE login_id = $1",
        ];
        for statement in CLOSE {
            query(statement).bind(id.as_str()).execute(tx.connection()).await?;
        }
        Ok(())
    }

    async fn login_identified(&self, tx: &mut Tx, hash: &[u8; 32]) -> Result<Option<Login>, StoreError> {
        const FIND: &str = "SELECT login_id FROM login_identity WHERE hash = $1";
        let row = query(FIND).bind(hash.to_vec()).fetch_optional(tx.connection()).await?;
        let Some(row) = row else { return Ok(None) };
        let id = LoginId::parse(&row.try_get::<String>(0)?);
        let id = id.ok_or(StoreError::Damaged { what: "the id of a person" })?;
        self.login_find_in(tx, &id).await
    }

    /// The account that has their address, if such accounts are theirs.
    async fn login_to_link(
        &self,
        tx: &mut Tx,
        person: &ProviderPerson<'_>,
    ) -> Result<Option<Login>, StoreError> {
        const FIND: &str = "SELECT id FROM login WHERE email_hash = $1";
        let Some(hash) = self.login_email_hash(&person.person).filter(|_| person.link) else {
            return Ok(None);
        };
        let row = query(FIND).bind(hash).fetch_optional(tx.connection()).await?;
        let Some(row) = row else { return Ok(None) };
        let id = LoginId::parse(&row.try_get::<String>(0)?);
        let id = id.ok_or(StoreError::Damaged { what: "the id of a person" })?;
        let found = self.login_find_in(tx, &id).await?;
        if found.as_ref().is_some_and(|login| login.email_verified_at.is_none()) {
            self.login_close_ways(tx, &id).await?;
            return self.login_find_in(tx, &id).await;
        }
        Ok(found)
    }

    async fn login_insert_provided(
        &self,
        tx: &mut Tx,
        person: &ProviderPerson<'_>,
    ) -> Result<Result<Login, ProviderSignIn>, StoreError> {
        const NAME_TAKEN: &str = "SELECT 1 FROM login WHERE username_folded = $1";
        let new = NewLogin {
            username: person.username.clone(),
            person: person.person.clone(),
            password: None,
            disabled: false,
            roles: person.roles.clone().unwrap_or_else(|| person.first_roles.clone()),
            actor: Actor::person(&person.username),
        };
        if let Some(login) = self.login_insert(tx, INSERT, new).await? {
            return Ok(Ok(login));
        }
        let folded = person.username.to_lowercase();
        let named = query(NAME_TAKEN).bind(folded).fetch_optional(tx.connection()).await?;
        Ok(Err(if named.is_some() { ProviderSignIn::UsernameTaken } else { ProviderSignIn::EmailTaken }))
    }
}
