use schemars::JsonSchema;
use serde::Deserialize;

/// Connectors that run elsewhere and ask this server for work.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SelfHostedSection {
    /// Host, and port if it is not 443, under which connectors reach this server by TLS, as in
    /// `tutela.example.com`. It stands in the client ids that are made from now on. Without it, it is that of
    /// `server.public_url`, if that begins with `https`.
    pub(crate) host: Option<String>,
    /// How long an access token of a connector is good for, as in `10m`. `10m` if absent.
    pub(crate) token_life: Option<String>,
    /// When a connector without work asks again; five minutes at most. `5s` if absent.
    pub(crate) poll: Option<String>,
    /// How often a connector that works on a sync gives a sign of life: one second to five minutes. `30s` if
    /// absent.
    pub(crate) heartbeat: Option<String>,
    /// How long a connector that works on a sync may be silent before another process gets it; longer than
    /// `heartbeat`. `3m` if absent.
    pub(crate) lease: Option<String>,
    /// How long a connector may take for a change, and for its first sign of life in a sync, before another
    /// process gets the task. `5m` if absent.
    pub(crate) task_time: Option<String>,
    /// How often one task is handed out before it has failed. `5` if absent.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) attempts: Option<u64>,
    /// How long a client secret stays good when another was made, as in `1d`; `0s`: it ends at once. `1d` if
    /// absent.
    pub(crate) overlap: Option<String>,
    /// Largest file that a connector may upload, in bytes. `2147483648` if absent.
    #[schemars(range(min = 1024))]
    pub(crate) max_upload_bytes: Option<u64>,
    /// Largest database that such a file may unpack to, in bytes. `10737418240` if absent.
    #[schemars(range(min = 1024))]
    pub(crate) max_unpacked_bytes: Option<u64>,
}
