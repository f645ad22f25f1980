use std::path::Path;

use ::baton::foreign::ForeignConnector;
use c1z::Limits;
use engine::Canceller;
use governance::inventory::{KeepRequest, keep_file};
use governance::source::{Source as _, SourceError, SourceErrorKind};

use super::sync::Synced;
use crate::failure::Failure;
use crate::runtime;

/// Reads who has access by a Baton connector of somebody else, and makes it the inventory, and a file if one is wanted.
///
/// # Errors
/// A failure if the program does not do its job, or its file says nothing that can be believed.
pub(super) async fn run(
    foreign: &ForeignConnector,
    keep: &KeepRequest<'_>,
    target: Option<&Path>,
) -> Result<Synced, Failure> {
    let (canceller, cancellation) = Canceller::new();
    let read = async { foreign.read(cancellation).await.map_err(|error| failure(&error)) };
    let reading = runtime::cancelled_when_interrupted(&canceller, read).await?;
    // The file has nothing of a kind that could not be believed; that it is not gone stands in the report.
    let kept = keep_file(keep, (reading.believed(), &Limits::default()), &reading.report().kinds).await;
    let kept = kept.map_err(|error| Failure::failed(&error))?;
    if let Some(target) = target {
        put(reading.believed(), target)?;
    }
    Ok(Synced { report: reading.report().clone(), kept: Some(kept), error: None })
}

fn failure(error: &SourceError) -> Failure {
    match error.kind {
        SourceErrorKind::BadInput => Failure::bad_input(error),
        SourceErrorKind::Refused => Failure::refused(error),
        SourceErrorKind::Failed | SourceErrorKind::Stopped => Failure::failed(error),
    }
}

/// Puts the file where it is wanted; nothing stands there before all of it does.
fn put(believed: &Path, target: &Path) -> Result<(), Failure> {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |error: std::io::Error| {
        Failure::Failed(format!(
            "{} cannot be written: {error}; the inventory is up to date",
            target.display()
        ))
    };
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let mut from = std::fs::File::open(believed).map_err(failed)?;
    std::io::copy(&mut from, &mut file).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(target).map_err(|error| failed(error.error))?;
    Ok(())
}
