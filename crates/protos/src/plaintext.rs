//! Messages that carry a secret in plain text are printed without it. `build.rs` names them.

use std::fmt::{Debug, Formatter, Result};

use crate::c1::connector::v2::PlaintextData;
use crate::c1::connector::v2::local_credential_options::PlaintextPassword;
use crate::c1::connectorapi::baton::v1::GetConnectorOauthTokenResponse;
use crate::c1::utls::v1::Credential;

impl Debug for PlaintextData {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        formatter.debug_struct("PlaintextData").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Debug for PlaintextPassword {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        formatter.debug_struct("PlaintextPassword").finish_non_exhaustive()
    }
}

impl Debug for GetConnectorOauthTokenResponse {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        formatter.debug_struct("GetConnectorOauthTokenResponse").finish_non_exhaustive()
    }
}

impl Debug for Credential {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        formatter.debug_struct("Credential").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::c1::connector::v2::{LocalCredentialOptions, local_credential_options};
    use crate::c1::connector_wrapper::v1::ServerConfig;

    #[test]
    fn secrets_are_not_printed() {
        let canary = "canary-7f3a";
        let password = PlaintextPassword { plaintext_password: canary.into() };
        let credential_options = LocalCredentialOptions {
            options: Some(local_credential_options::Options::PlaintextPassword(password)),
            ..Default::default()
        };
        let key = vec![77, 78, 79];
        let config = ServerConfig {
            credential: Some(Credential { key: key.clone(), ..Default::default() }),
            ..Default::default()
        };
        let data = PlaintextData { name: "password".into(), bytes: key.clone(), ..Default::default() };
        let token = GetConnectorOauthTokenResponse { token: key };

        let printed = format!("{credential_options:?} {config:?} {data:?} {token:?}");

        assert!(printed.contains("password") && printed.contains("Credential"));
        assert!(!printed.contains(canary) && !printed.contains("77, 78"), "{printed}");
    }
}
