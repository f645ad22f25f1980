use std::time::Duration;

/// How connectors that run elsewhere are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfHostedSettings {
    /// Where they reach this server, with the port if it is not 443.
    pub host: Option<String>,
    /// How long an access token is good for.
    pub token_life: Duration,
    /// When a connector without work asks again.
    pub poll: Duration,
    /// How often one that works on a sync gives a sign of life.
    pub heartbeat: Duration,
    /// How long it may be silent.
    pub lease: Duration,
    /// How long a change may take, and a sync until its first sign of life.
    pub task_time: Duration,
    /// How often one task is handed out.
    pub attempts: u64,
    /// How long a client secret stays good when another was made.
    pub overlap: Duration,
    /// Largest file, in bytes.
    pub max_upload_bytes: u64,
    /// Largest database that it may unpack to, in bytes.
    pub max_unpacked_bytes: u64,
}
