//! Connections that a person authorizes at the vendor's site (saas-config 6.24, 6.25).

use std::time::Duration;

use connector::{AuthError, AuthorizationCode, Connector};
use crypto::{AccessToken, Secret};
use model::ConnectionKey;
use spec::connector_file::Authentication;
use store::{Actor, NewAuthorization, StoreError, StoredConnection};
use thiserror::Error;
use url::Url;

use crate::{Connections, SecretValues, StaleConnector, Trial, TrialRefused};

/// How long a person may take to agree.
const LIFE: Duration = Duration::from_mins(15);

/// Why nobody was sent away, or could come back.
#[derive(Debug, Error)]
pub enum AuthorizeRefused {
    /// No such connection.
    #[error("The connection config cannot be found.")]
    NoConnection,
    /// It has no connector file.
    #[error("The connection config does not contain a SaaS config.")]
    NoConnectorFile,
    /// Its file calls without authentication.
    #[error("The connection config does not contain an authentication configuration.")]
    NoAuthentication,
    /// Its file authenticates otherwise.
    #[error("The connection config does not use OAuth2 Authorization Code authentication.")]
    OtherAuthentication,
    /// Nobody was sent away with this state, or too long ago, or the connection changed meanwhile.
    #[error(
        "no authorization is under way for this state; it holds {} minutes and once, so begin again at the connection",
        LIFE.as_secs() / 60
    )]
    UnknownState,
    /// The person did not agree, or the vendor did not want them to.
    #[error("the authorization was refused: {said}")]
    Denied {
        /// What the vendor says.
        said: String,
    },
    /// The address could not be made, or the vendor gave no token.
    #[error(transparent)]
    Failed(#[from] AuthError),
    /// The connector file that is kept cannot be used.
    #[error(transparent)]
    Stale(#[from] StaleConnector),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a person comes back with.
#[derive(Debug)]
pub struct Returned {
    /// What they were sent away with.
    pub state: Secret<String>,
    /// The code, or what the vendor says instead of one.
    pub code: Result<Secret<String>, String>,
}

/// A connection that a person authorized.
#[derive(Debug)]
pub struct Authorized {
    /// The connection.
    pub connection: ConnectionKey,
    /// The system of the data map that it belongs to.
    pub system_key: Option<String>,
    /// Where the person came from.
    pub return_to: Option<String>,
    /// Whether it works now.
    pub trial: Trial,
}

impl Connections {
    /// Where a person agrees that a connection may be used. They come back to the address that the
    /// connection's `redirect_uri` says.
    ///
    /// # Errors
    /// [`AuthorizeRefused`] if the connection is not authorized in this way, or lacks secrets.
    pub async fn authorize_begin(
        &self,
        key: &str,
        return_to: Option<String>,
        actor: Actor,
    ) -> Result<Url, AuthorizeRefused> {
        let key: ConnectionKey = key.parse().map_err(|_| AuthorizeRefused::NoConnection)?;
        let (_, connector) = self.authorizable(&key).await?;
        let state = AccessToken::random();
        let url = connector.authorization_url(state.text(), &self.verifier(state.text()))?;
        let new = NewAuthorization { connection: &key, state: state.text(), return_to, life: LIFE, actor };
        match self.store().authorization_begin(new).await {
            Ok(()) => Ok(url),
            Err(StoreError::NotFound { .. }) => Err(AuthorizeRefused::NoConnection),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes what a person came back with: gets the tokens, keeps them, and tries the connection.
    ///
    /// # Errors
    /// [`AuthorizeRefused`]; then the connection is as it was, and the state is used up.
    pub async fn authorize_finish(&self, returned: Returned) -> Result<Authorized, AuthorizeRefused> {
        let begun = self.store().authorization_take(&returned.state).await?;
        let begun = begun.ok_or(AuthorizeRefused::UnknownState)?;
        let code = returned.code.map_err(|said| AuthorizeRefused::Denied { said })?;
        let (connection, connector) = self.authorizable(&begun.connection).await?;
        let verifier = self.verifier(&returned.state);
        connector.take_code(&AuthorizationCode { code, state: returned.state, verifier }).await?;
        self.store().connection_authorized(&begun.connection, begun.actor).await?;
        let trial = match self.test(&begun.connection).await {
            Ok(trial) => trial,
            Err(TrialRefused::NoConnection { .. }) => return Err(AuthorizeRefused::NoConnection),
            Err(TrialRefused::Store(error)) => return Err(error.into()),
        };
        let system_key = connection.system_key;
        Ok(Authorized { connection: begun.connection, system_key, return_to: begun.return_to, trial })
    }

    /// What only this installation can say of a state: whoever sees the state and the code of a person
    /// cannot use them (PKCE).
    fn verifier(&self, state: &Secret<String>) -> Secret<String> {
        let text = [b"pkce|", state.expose().as_bytes()].concat();
        Secret::new(crypto::hex(&self.store().keyed_hash(&text)))
    }

    /// A connection that a person authorizes, ready to be called.
    async fn authorizable(
        &self,
        key: &ConnectionKey,
    ) -> Result<(StoredConnection, Connector), AuthorizeRefused> {
        let connection = self.store().connection_find(key).await?.ok_or(AuthorizeRefused::NoConnection)?;
        let Some(kept) = &connection.connector else { return Err(AuthorizeRefused::NoConnectorFile) };
        let file = crate::read_connector(key, kept, self.domain_validation())?;
        match &file.client_config.authentication {
            None => return Err(AuthorizeRefused::NoAuthentication),
            Some(Authentication::OAuth2AuthorizationCode { .. }) => {}
            Some(_) => return Err(AuthorizeRefused::OtherAuthentication),
        }
        let secrets = SecretValues::of(self.store(), key).await?;
        let connector = self.connector(key, file, secrets);
        Ok((connection, connector))
    }
}
