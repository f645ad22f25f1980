use std::fmt;
use std::str::FromStr;

use super::{ApiHost, CredentialError, MAX_CLIENT_ID};

/// Who a self-hosted connector is: `<name>@<host>[:port]/<anything>` (baton P-1).
///
/// It is no secret. Its host is where the control plane is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientId {
    text: String,
    host: ApiHost,
}

impl ClientId {
    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where its control plane is.
    pub fn host(&self) -> &ApiHost {
        &self.host
    }
}

impl FromStr for ClientId {
    type Err = CredentialError;

    fn from_str(text: &str) -> Result<Self, CredentialError> {
        if text.len() > MAX_CLIENT_ID {
            return Err(CredentialError::IdLength);
        }
        let (name, rest) = text.split_once('@').ok_or(CredentialError::IdWithoutHost)?;
        let (host, end) = rest.split_once('/').ok_or(CredentialError::IdWithoutEnd)?;
        let is_written = |text: &str| text.chars().all(|c| c.is_ascii_graphic());
        if name.is_empty() || !is_written(name) || !is_written(end) {
            return Err(CredentialError::IdName);
        }
        let host = host.parse().map_err(|_| CredentialError::IdHost)?;
        Ok(Self { text: text.to_owned(), host })
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
