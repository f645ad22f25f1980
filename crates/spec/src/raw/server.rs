use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;

use super::{
    EgressSection, LimitsSection, MessagesSection, NotificationsSection, ReadingSection, SelfHostedSection,
    ServerBatonSection, SmtpSection,
};

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
    /// Signing in with an account of the company, by OpenID Connect; with a password only if absent.
    pub(crate) oidc: Option<OidcSection>,
    /// How requests of people are carried out.
    pub(crate) execution: Option<ExecutionSection>,
    /// Which requests of people count as the same.
    pub(crate) privacy_request_duplicate_detection: Option<DuplicateSection>,
    /// The console, and what it may ask for.
    pub(crate) admin_ui: Option<AdminUiSection>,
    /// The server that takes e-mail; no e-mail is sent if absent.
    pub(crate) smtp: Option<SmtpSection>,
    /// Who gets messages, besides the people that they are for.
    pub(crate) messages: Option<MessagesSection>,
    /// Which messages people get about their requests.
    pub(crate) notifications: Option<NotificationsSection>,
    /// Limits of the server itself.
    pub(crate) server: Option<LoadSection>,
    /// What the server tells those who look after it.
    pub(crate) telemetry: Option<TelemetrySection>,
    /// What outgoing calls may do. Nobody can change it over the API.
    pub(crate) egress: Option<EgressSection>,
    /// Limits of reading.
    pub(crate) reading: Option<ReadingSection>,
    /// How much a plan may change, unless the request that it is for has limits of its own. Nobody can
    /// change it over the API.
    pub(crate) limits: Option<LimitsSection>,
    /// Databases that are files.
    pub(crate) sqlite: Option<SqliteSection>,
    /// By when requests of people are answered.
    pub(crate) deadlines: Option<DeadlinesSection>,
    /// The page on which people make requests about themselves.
    pub(crate) portal: Option<PortalSection>,
    /// How long personal data stays.
    pub(crate) retention: Option<RetentionSection>,
    /// Who has access: what holds for all connections that say so.
    pub(crate) governance: Option<GovernanceSection>,
    /// Connectors that run elsewhere and ask this server for work.
    pub(crate) self_hosted: Option<SelfHostedSection>,
    /// Connections that Baton connectors of somebody else read, programs of this machine or files, by the keys of the
    /// connections. Nobody can change it over the API. `{}` if absent.
    pub(crate) baton: Option<BTreeMap<String, ServerBatonSection>>,
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
    /// How long a person who signed in with a browser stays so, as in `12h`. `12h` if absent.
    pub(crate) session_life: Option<String>,
    /// After how long without a call a browser is signed out, as in `1h`. `1h` if absent.
    pub(crate) session_idle: Option<String>,
    /// Calls that change something and need no token, for each address: requests of people about
    /// themselves. A number, `/`, and `second`, `minute`, `hour` or `day`. `60/minute` if absent.
    pub(crate) public_rate_limit: Option<String>,
    /// Whether the plan of a destructive run needs the approval of somebody else than the one who
    /// asked for it; plans that would be approved automatically wait, too. `false` if absent.
    pub(crate) dual_control: Option<bool>,
    /// How many attempts there are at a code that shows whose a request is. `3` if absent.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) identity_verification_attempt_limit: Option<u32>,
    /// How long such a code is good for. `10m` if absent.
    pub(crate) identity_verification_code_ttl: Option<String>,
    /// Origins whose pages may call the API from a browser, as in `https://console.example.com`.
    /// `[]` if absent: none but the server's own.
    pub(crate) cors_origins: Option<Vec<String>>,
    /// Whether the data of a person may be downloaded over the API, by callers who may do that.
    /// `false` if absent.
    pub(crate) subject_request_download_ui_enabled: Option<bool>,
    /// How long a link to the data of a person is good for, as in `1h` or `5d`. `5d` if absent.
    pub(crate) subject_request_download_link_ttl: Option<String>,
    /// Whether a dataset may be tried: one person is read from one connection, and what was found is shown
    /// to callers who may see such data. `false` if absent.
    pub(crate) dsr_testing_tools_enabled: Option<bool>,
}

/// Signing in with an account of the company, by OpenID Connect. The client's secret is the variable
/// `TUTELA_OIDC_CLIENT_SECRET`.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OidcSection {
    /// The provider, as in `https://id.example.com`; it needs `oidc.client_id` and
    /// `server.public_url` beside it. The way back that the provider must know is
    /// `/api/v1/session/oidc/callback` below `server.public_url`.
    pub(crate) issuer: Option<String>,
    /// What the provider calls this server.
    pub(crate) client_id: Option<String>,
    /// What the button to sign in with it says. `Single sign-on` if absent.
    pub(crate) label: Option<String>,
    /// What the provider is asked to tell. `["openid","email","profile"]` if absent.
    pub(crate) scopes: Option<Vec<String>>,
    /// Claim that becomes the username of a new account. `email` if absent.
    pub(crate) username_claim: Option<String>,
    /// Claim with the groups of a person. `groups` if absent.
    pub(crate) groups_claim: Option<String>,
    /// Role for each group, as in `{privacy-team: approver}`. A person has the roles of all their
    /// groups, set at each sign-in; groups without a role count for nothing. `{}` if absent: roles are
    /// given here.
    #[schemars(schema_with = "roles_schema")]
    pub(crate) roles: Option<serde_json::Map<String, Value>>,
    /// Role of people whose groups give them none; without it they are not let in.
    pub(crate) default_role: Option<String>,
    /// Whether somebody signs in to an account that is here already and has their address, if the
    /// provider says that the address is theirs. `false` if absent: such an account stays apart.
    pub(crate) link_accounts: Option<bool>,
}

fn roles_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["object", "null"], "additionalProperties": { "type": "string" } })
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
    /// Whether an erasure ends only when a person says so. `false` if absent.
    pub(crate) erasure_request_finalization_required: Option<bool>,
    /// When vendors that erase by hand are written to: minute, hour, day of the month, month and day of
    /// the week, as `cron` takes them. `0 12 * * mon` if absent.
    pub(crate) email_send_cron_expression: Option<String>,
    /// The time zone of that. `US/Eastern` if absent.
    pub(crate) email_send_timezone: Option<String>,
    /// Whether custom fields of requests are kept; else they are passed over. `false` if absent.
    pub(crate) allow_custom_privacy_request_field_collection: Option<bool>,
    /// How many requests one process works on at once; those that take long come on top. `32` if absent.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) slots: Option<u32>,
    /// How often a request is taken up whose workers broke off, before it is put in `error`. `100` if
    /// absent.
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) attempts: Option<u32>,
    /// How long one turn of work on a request may take, before it is put in `error`; `0s`: as long as it
    /// takes. What waits for people or applications does not count. `0s` if absent.
    pub(crate) task_soft_time_limit: Option<String>,
}

/// How long personal data stays.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionSection {
    /// Rows of requests that ended, and of plans that nobody approved, after the last thing that happened
    /// to them. Those of an erasure go with its certificate. `7d` if absent.
    pub(crate) rows: Option<String>,
    /// Everything about a person, identities too, after the last thing that happened to a request that is
    /// over. `30d` if absent.
    pub(crate) identities: Option<String>,
    /// States of the inventory of who has access that are not in force any more. `400d` if absent.
    pub(crate) inventory: Option<String>,
}

/// Who has access: what holds for all connections that say so.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GovernanceSection {
    /// Whether a sync in which half or more of what there was is gone waits for a person to confirm it, unless its
    /// connection is set otherwise. `false`: none does. `true` if absent.
    pub(crate) shrink_guard: Option<bool>,
}

/// Which requests of people count as the same.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DuplicateSection {
    /// Whether any do. `false` if absent.
    pub(crate) enabled: Option<bool>,
    /// For how many days after the first. `365` if absent.
    #[schemars(range(min = 1, max = 3650))]
    pub(crate) time_window_days: Option<u32>,
    /// Kinds of identities that have to be equal, all of them. `["email"]` if absent.
    pub(crate) match_identity_fields: Option<Vec<String>>,
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
    /// Scheme and host under which people and applications reach the server, as in
    /// `https://tutela.example.com`; the ways back from other services begin with it, and cookies are
    /// for `https` alone if it says so.
    pub(crate) public_url: Option<String>,
    /// Largest body of a call, in bytes. `4194304` if absent.
    #[schemars(range(min = 1))]
    pub(crate) max_body_bytes: Option<u64>,
    /// How long calls under way may go on when the server is told to end, as in `30s`. `30s` if
    /// absent.
    pub(crate) shutdown_wait: Option<String>,
    /// How long calls are still taken when the server is told to end, while `/ready` says that it is
    /// not, as in `5s`: time for those in front of it to send calls elsewhere. `0s` if absent.
    pub(crate) drain_wait: Option<String>,
}

/// What the server tells those who look after it.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TelemetrySection {
    /// Address and port where `/metrics` answers whoever asks, without TLS and without a token;
    /// without it, `/metrics` is there for callers with the scope `worker-stats:read` alone.
    pub(crate) metrics_listen: Option<String>,
}

/// Databases that are files.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SqliteSection {
    /// Folders in or below which files of SQLite connections may lie. `[]` if absent: there are no
    /// such connections.
    pub(crate) folders: Option<Vec<String>>,
}

/// By when requests of people are answered. The law that counts is that of the place where the person
/// lives, if their request says it.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeadlinesSection {
    /// The law that counts where a request names no place with a law that is known here: `gdpr`,
    /// `uk_gdpr`, `ccpa`, `lgpd`, `pipa`, or `none`. `gdpr` if absent.
    pub(crate) jurisdiction: Option<String>,
    /// Time zone in which days begin and end, as in `Europe/Berlin`. `UTC` if absent.
    pub(crate) time_zone: Option<String>,
    /// Days on which nobody works besides Saturdays and Sundays, as in `2026-12-25`. `[]` if absent.
    pub(crate) holidays: Option<Vec<String>>,
    /// How long before a deadline those who are responsible are told, as in `7d`. `7d` if absent.
    pub(crate) remind_before: Option<String>,
}

/// The page below `/portal` on which people make requests about themselves.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PortalSection {
    /// Whether there is one. `false` if absent.
    pub(crate) enabled: Option<bool>,
    /// Its title. `Your data and your rights` if absent.
    pub(crate) title: Option<String>,
    /// Keys of the policies that people can choose from.
    /// `["default_access_policy","default_erasure_policy"]` if absent.
    pub(crate) policies: Option<Vec<String>>,
}
