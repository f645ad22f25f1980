use schemars::JsonSchema;
use serde::Deserialize;

use super::{EgressSection, ReadingSection};

/// A server file (`server.yml`): how `tutela serve` listens, whom it admits and what it may call.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Tutela server file")]
pub(crate) struct ServerDocument {
    /// Address and port that the server listens on; port 0 takes any free one. `127.0.0.1:8080` if
    /// absent.
    pub(crate) listen: Option<String>,
    /// Data folder; a relative path starts in the folder that the server is started in. `.tutela`
    /// if absent.
    pub(crate) data: Option<String>,
    /// Certificate and key of the server's own TLS; plain HTTP if absent.
    pub(crate) tls: Option<TlsSection>,
    /// Whom the server admits, and how often.
    pub(crate) security: Option<SecuritySection>,
    /// How requests of people are carried out.
    pub(crate) execution: Option<ExecutionSection>,
    /// The console, and what it may ask for.
    pub(crate) admin_ui: Option<AdminUiSection>,
    /// Limits of the server itself.
    pub(crate) server: Option<LoadSection>,
    /// What outgoing calls may do. Nobody can change it over the API.
    pub(crate) egress: Option<EgressSection>,
    /// Limits of reading.
    pub(crate) reading: Option<ReadingSection>,
    /// Databases that are files.
    pub(crate) sqlite: Option<SqliteSection>,
}

/// Certificate and key of the server's own TLS.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsSection {
    /// File with the certificate and those that it is signed by, PEM; it needs `tls.key` beside it.
    pub(crate) certificate: Option<String>,
    /// File with the key of the certificate, PEM.
    pub(crate) key: Option<String>,
}

/// Whom the server admits, and how often.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecuritySection {
    /// Attempts to sign in or to get a token, for each address and each name: a number, `/`, and
    /// `second`, `minute`, `hour` or `day`. `10/minute` if absent.
    pub(crate) auth_rate_limit: Option<String>,
    /// Calls of the API, for each address, in the same form. `2000/minute` if absent.
    pub(crate) request_rate_limit: Option<String>,
    /// How long a token is good for, as in `30m`, `12h` or `8d`. `8d` if absent.
    pub(crate) token_life: Option<String>,
    /// Origins whose pages may call the API from a browser, as in `https://console.example.com`.
    /// `[]` if absent: none but the server's own.
    pub(crate) cors_origins: Option<Vec<String>>,
    /// Whether the data of a person may be downloaded over the API, by callers who may do that.
    /// `false` if absent.
    pub(crate) subject_request_download_ui_enabled: Option<bool>,
    /// How long a link to the data of a person is good for, as in `1h` or `5d`. `5d` if absent.
    pub(crate) subject_request_download_link_ttl: Option<String>,
}

/// How requests of people are carried out.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExecutionSection {
    /// `true`: data are erased only by updates that mask them. `false`: the calls of a connector
    /// that delete rows or a person may be used too. `true` if absent.
    pub(crate) masking_strict: Option<bool>,
    /// Whether each request waits until a person approves it. `false` if absent.
    pub(crate) require_manual_request_approval: Option<bool>,
    /// Whether a code that is sent to the identity must be given back first. `false` if absent.
    pub(crate) subject_identity_verification_required: Option<bool>,
}

/// The console, and what it may ask for.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdminUiSection {
    /// The most rows of a file with privacy requests. `100000` if absent.
    #[schemars(range(min = 1))]
    pub(crate) max_privacy_request_download_rows: Option<u64>,
}

/// Limits of the server itself.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoadSection {
    /// Largest body of a call, in bytes. `4194304` if absent.
    #[schemars(range(min = 1))]
    pub(crate) max_body_bytes: Option<u64>,
    /// How long calls under way may go on when the server is told to end, as in `30s`. `30s` if
    /// absent.
    pub(crate) shutdown_wait: Option<String>,
}

/// Databases that are files.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SqliteSection {
    /// Folders in or below which files of SQLite connections may lie. `[]` if absent: there are no
    /// such connections.
    pub(crate) folders: Option<Vec<String>>,
}
