use std::path::PathBuf;
use std::time::Duration;

use governance::inventory::ShrinkGuard;
use jiff::SignedDuration;

use crate::credential::ApiHost;

/// Times and limits of a control plane.
#[derive(Debug, Clone)]
pub struct ControlPlaneSettings {
    /// Where connectors reach it; stands in new client ids (baton P-1). Without it none are made.
    pub host: Option<ApiHost>,
    /// How long an access token is good.
    pub token_life: Duration,
    /// By how much a connector's clock may be off, besides what assertions allow for themselves.
    pub clock_skew: SignedDuration,
    /// When a process without work asks again (baton P-12).
    pub next_poll: Duration,
    /// How often a sign of life is wanted (baton P-25).
    pub heartbeat: Duration,
    /// How long the holder of a sync may be silent (governance CON-3).
    pub sync_silence: Duration,
    /// How long any task may take from its hand-out to its end or its first sign of life: only syncs give
    /// them (baton P-23).
    pub task_time: Duration,
    /// How often one task is handed out.
    pub most_attempts: u64,
    /// How long a credential stays good when another took its place (governance CON-15).
    pub overlap: Duration,
    /// Largest file that is taken.
    pub upload_bytes: u64,
    /// Largest database that a file may unpack to.
    pub unpacked_bytes: u64,
    /// How long an upload may pause between two parts.
    pub upload_pause: Duration,
    /// Where files lie while they are looked at.
    pub folder: PathBuf,
    /// Whether a file that is much smaller than the one before is held back, unless the connection says that none is
    /// (governance CON-24).
    pub shrink_guard: ShrinkGuard,
}

impl ControlPlaneSettings {
    /// What suits most: the protocol's own figures where it has some.
    pub fn new(host: Option<ApiHost>, folder: PathBuf) -> Self {
        Self {
            host,
            token_life: Duration::from_mins(10),
            clock_skew: SignedDuration::from_secs(60),
            next_poll: Duration::from_secs(5),
            heartbeat: Duration::from_secs(30),
            sync_silence: Duration::from_mins(3),
            task_time: Duration::from_mins(5),
            most_attempts: 5,
            overlap: Duration::from_hours(24),
            upload_bytes: 2 << 30,
            unpacked_bytes: 10 << 30,
            upload_pause: Duration::from_mins(1),
            folder,
            shrink_guard: ShrinkGuard::On,
        }
    }
}
