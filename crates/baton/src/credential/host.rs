use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use url::{Host, Url};

/// The host of a control plane, with its port if it is not the usual one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ApiHost {
    host: String,
    port: Option<u16>,
}

impl ApiHost {
    /// The name alone: what an assertion is addressed to (baton P-6).
    pub fn name(&self) -> &str {
        &self.host
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(443)
    }

    /// The address of a path there. `path` begins with `/`.
    ///
    /// # Panics
    /// Never: a host that was read is part of an address.
    pub fn url(&self, path: &str) -> Url {
        let text = format!("https://{self}{path}");
        text.parse().expect("a checked host with a path is an address")
    }
}

impl FromStr for ApiHost {
    type Err = ApiHostError;

    fn from_str(text: &str) -> Result<Self, ApiHostError> {
        let (host, port) = match text.rsplit_once(':') {
            // The colons of an IPv6 address stand in brackets.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            Some(_) | None => (text, None),
        };
        let port = port.map(|port| match port.parse::<u16>() {
            // One port is written in one way.
            Ok(number) if number > 0 && number.to_string() == port => Ok(number),
            Ok(_) | Err(_) => Err(ApiHostError),
        });
        let known = Host::parse(host).map_err(|_| ApiHostError)?;
        // What reads differently than it is written could be addressed by two names.
        if !known.to_string().eq_ignore_ascii_case(host) {
            return Err(ApiHostError);
        }
        Ok(Self { host: host.to_ascii_lowercase(), port: port.transpose()? })
    }
}

impl fmt::Display for ApiHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            None => f.write_str(&self.host),
            Some(port) => write!(f, "{}:{port}", self.host),
        }
    }
}

/// A text that is no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "this is not a host; write `tenant.example.com` or `tenant.example.com:8443`, without `https://` and path"
)]
pub struct ApiHostError;
