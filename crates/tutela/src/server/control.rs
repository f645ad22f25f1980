use std::path::Path;
use std::sync::Arc;

use baton::control::{ControlPlane, ControlPlaneParts, ControlPlaneSettings};
use governance::inventory::ShrinkGuard;
use model::RandomIds;
use spec::Server;
use store::Store;

use crate::failure::Failure;

/// What connectors that run elsewhere get their work from. Files that they upload lie in the data folder for as
/// long as they are looked at.
///
/// # Errors
/// Bad input if the settings name no host where connectors could reach the server.
pub(super) fn control(server: &Server, store: &Store, folder: &Path) -> Result<ControlPlane, Failure> {
    let settings = &server.self_hosted;
    let host = settings.host.as_deref().map(str::parse).transpose();
    let host = host.map_err(|error| Failure::BadInput(format!("`self_hosted.host`: {error}")))?;
    let settings = ControlPlaneSettings {
        token_life: settings.token_life,
        next_poll: settings.poll,
        heartbeat: settings.heartbeat,
        sync_silence: settings.lease,
        task_time: settings.task_time,
        most_attempts: settings.attempts,
        overlap: settings.overlap,
        upload_bytes: settings.max_upload_bytes,
        unpacked_bytes: settings.max_unpacked_bytes,
        shrink_guard: guard(server),
        ..ControlPlaneSettings::new(host, folder.join("uploads"))
    };
    let parts = ControlPlaneParts { store: store.clone(), settings, ids: Arc::new(RandomIds) };
    Ok(ControlPlane::new(parts))
}

/// Whether syncs that lost much are held back at all (governance CON-24).
pub(super) fn guard(server: &Server) -> ShrinkGuard {
    if server.governance.shrink_guard { ShrinkGuard::On } else { ShrinkGuard::Off }
}
