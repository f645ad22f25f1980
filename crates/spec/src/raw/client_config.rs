use schemars::JsonSchema;
use serde::Deserialize;

use super::{Authentication, Retry, TextOrParam};

/// Base URL and authentication.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct ClientConfig {
    /// `https`; `http` for test systems.
    #[schemars(required)]
    pub(crate) protocol: Option<String>,
    /// Host with placeholders from the connection's settings, as in `<domain>`.
    #[schemars(required)]
    pub(crate) host: Option<TextOrParam>,
    /// How requests prove who asks; without it they are sent without authentication.
    pub(crate) authentication: Option<Authentication>,
    /// Answers that mean "try again", for every request sent this way.
    pub(crate) retry: Option<Retry>,
}
