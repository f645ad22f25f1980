use std::collections::BTreeMap;

use crypto::Secret;
use spec::Server;
use thiserror::Error;

use crate::webhook::{WebhookSecret, WebhookSecretError};

/// The variable with the password of the mail server's account.
const PASSWORD: &str = "TUTELA_SMTP_PASSWORD";

/// Secrets for sending, which come from the environment and are kept nowhere.
#[derive(Debug, Clone, Default)]
pub struct MessageSecrets {
    smtp_password: Option<Secret<String>>,
    webhooks: BTreeMap<String, Vec<WebhookSecret>>,
}

/// A secret that the settings need and the environment does not have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SecretsError {
    /// A variable that the settings name is not there.
    #[error(
        "webhook `{webhook}` is signed with the variable `{variable}`, which is not set; set it, or take it out of `secret_from`"
    )]
    NotSet {
        /// The webhook.
        webhook: String,
        /// The variable.
        variable: String,
    },
    /// What it holds is no secret.
    #[error("the variable `{variable}` for webhook `{webhook}` is unusable: {source}")]
    Unusable {
        /// The webhook.
        webhook: String,
        /// The variable.
        variable: String,
        /// Why.
        #[source]
        source: WebhookSecretError,
    },
    /// The mail server's account has no password.
    #[error(
        "`smtp.username` is set and the variable `TUTELA_SMTP_PASSWORD` is not; set it, or take `smtp.username` away to send without signing in"
    )]
    NoPassword,
}

impl MessageSecrets {
    /// Reads what the settings need; `variable` looks into the environment.
    pub fn read(server: &Server, variable: impl Fn(&str) -> Option<String>) -> Result<Self, SecretsError> {
        let smtp_password = variable(PASSWORD).filter(|text| !text.is_empty()).map(Secret::new);
        let signs_in = server.smtp.as_ref().is_some_and(|smtp| smtp.username.is_some());
        if signs_in && smtp_password.is_none() {
            return Err(SecretsError::NoPassword);
        }
        let mut webhooks = BTreeMap::new();
        for webhook in &server.messages.webhooks {
            let mut secrets = Vec::new();
            for name in &webhook.secret_from {
                let (webhook, variable_name) = (webhook.name.clone(), name.clone());
                let Some(text) = variable(name).map(Secret::new) else {
                    return Err(SecretsError::NotSet { webhook, variable: variable_name });
                };
                let secret = WebhookSecret::parse(text.expose())
                    .map_err(|source| SecretsError::Unusable { webhook, variable: variable_name, source })?;
                secrets.push(secret);
            }
            webhooks.insert(webhook.name.clone(), secrets);
        }
        Ok(Self { smtp_password, webhooks })
    }

    pub(crate) fn smtp_password(&self) -> Option<&Secret<String>> {
        self.smtp_password.as_ref()
    }

    pub(crate) fn of_webhook(&self, name: &str) -> &[WebhookSecret] {
        self.webhooks.get(name).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use spec::{SourceFile, check_server};

    use super::*;

    const SERVER: &str = "\
smtp: {host: mail.example.com, from: a@example.com, username: ana}
messages: {webhooks: [{name: crm, url: 'https://crm.example.com', secret_from: [ONE, TWO]}]}
";

    fn read(variables: &[(&str, &str)]) -> Result<MessageSecrets, SecretsError> {
        let server = check_server(&SourceFile::new("server.yml", SERVER)).value.unwrap();
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
        MessageSecrets::read(&server, |name| find(name).map(|(_, text)| (*text).to_owned()))
    }

    const GOOD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn all_secrets_that_the_settings_name_are_read() {
        let secrets = read(&[("ONE", GOOD), ("TWO", GOOD), (PASSWORD, "canary")]).unwrap();

        assert_eq!(secrets.of_webhook("crm").len(), 2);
        assert!(secrets.of_webhook("other").is_empty());
        assert!(!format!("{secrets:?}").contains("canary"));
    }

    #[rstest]
    #[case::not_set(&[(PASSWORD, "x"), ("ONE", GOOD)], "`TWO`, which is not set")]
    #[case::unusable(&[(PASSWORD, "x"), ("ONE", "canary"), ("TWO", GOOD)], "`ONE` for webhook `crm`")]
    #[case::password(&[("ONE", GOOD), ("TWO", GOOD)], "TUTELA_SMTP_PASSWORD")]
    fn what_is_missing_is_named_and_no_secret_is_shown(
        #[case] variables: &[(&str, &str)],
        #[case] says: &str,
    ) {
        let error = read(variables).unwrap_err().to_string();

        assert!(error.contains(says) && !error.contains("canary"), "{error}");
    }
}
