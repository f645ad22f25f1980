//! A person's authorization: the address they are sent to, and the token for the code that they come
//! back with (saas-config 6.24, 6.25).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::Secret;
use spec::connector_file::{Authentication, OAuth2, Request};
use url::Url;

use super::{Flow, TokenCall, require};
use crate::auth::AuthError;
use crate::auth::token_call::TOKEN_CALL;
use crate::build::{Build, BuildError};
use crate::client::Client;
use crate::connector::Connector;
use crate::values::{Origin, ValueMap};

/// What the authorization server gave a person to bring back.
#[derive(Debug)]
pub struct AuthorizationCode {
    /// Good for one token, for a short time.
    pub code: Secret<String>,
    /// What the person was sent away with.
    pub state: Secret<String>,
    /// What only who sent the person away knows (PKCE).
    pub verifier: Secret<String>,
}

impl Connector {
    /// Where a person agrees that this connection may be used. `state` comes back with them. Of `verifier`,
    /// 43 to 128 characters that stand in an address, the file may send the hash as `<code_challenge>`, and
    /// the whole with the code as `<code_verifier>`: then nobody else can use the code.
    ///
    /// # Errors
    /// [`AuthError`] if the file does not authorize in this way, secrets are missing, or the address
    /// cannot be made of them.
    pub fn authorization_url(
        &self,
        state: &Secret<String>,
        verifier: &Secret<String>,
    ) -> Result<Url, AuthError> {
        let (request, oauth2) = self.code_flow()?;
        require(&self.connection().secrets, Flow::AuthorizationCode(oauth2))?;
        let challenge = Secret::new(URL_SAFE_NO_PAD.encode(crypto::sha256(verifier.expose().as_bytes())));
        let values = self.with_secrets([("state", state), ("code_challenge", &challenge)]);
        let connection = self.connection();
        let build = Build { connection, endpoint: TOKEN_CALL, request, params: &[], values: &values };
        let prepared = build.prepare_without_authentication().map_err(not_built)?;
        Ok(prepared.url().clone())
    }

    /// Gets the tokens for a code and keeps them; those of before are gone.
    ///
    /// # Errors
    /// [`AuthError`] as [`Connector::authorization_url`], and if no token comes back. The code may be
    /// used up then.
    pub async fn take_code(&self, code: &AuthorizationCode) -> Result<(), AuthError> {
        let (_, oauth2) = self.code_flow()?;
        let flow = Flow::AuthorizationCode(oauth2);
        require(&self.connection().secrets, flow)?;
        let client =
            Client::new(&self.connection().file.client_config, self.connection().secrets.as_values())
                .map_err(|source| {
                    not_built(BuildError::Client { place: "`client_config`".to_owned(), source })
                })?;
        let key = self.token_key(&client, flow);
        let _lock = self.tokens().lock(&self.connection().key).await?;
        let call =
            TokenCall { request: &oauth2.token_request, lifetime: oauth2.expires_in, repeatable: false };
        let AuthorizationCode { code, state, verifier } = code;
        let values = self.with_secrets([("code", code), ("state", state), ("code_verifier", verifier)]);
        let tokens = self.call_for_token_with(call, values, None).await?;
        self.tokens().save(&key, tokens).await?;
        tracing::info!(connection = %self.connection().key, "connection authorized");
        Ok(())
    }

    /// The file's own way of being authorized, if it is this one.
    fn code_flow(&self) -> Result<(&Request, &OAuth2), AuthError> {
        match &self.connection().file.client_config.authentication {
            Some(Authentication::OAuth2AuthorizationCode { authorization_request, oauth2 }) => {
                Ok((authorization_request, oauth2))
            }
            Some(_) | None => Err(AuthError::NotByCode),
        }
    }

    fn with_secrets<const N: usize>(&self, more: [(&str, &Secret<String>); N]) -> ValueMap {
        let mut values = self.connection().secrets.as_values().clone();
        for (name, value) in more {
            values.insert(name, value.expose().clone().into(), Origin::Secret);
        }
        values
    }
}

fn not_built(source: BuildError) -> AuthError {
    AuthError::TokenRequest { source: Box::new(source) }
}
