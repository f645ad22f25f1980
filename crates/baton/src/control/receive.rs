use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use crypto::{constant_time_eq, hex};
use jiff::{SignedDuration, Timestamp};
use protos::c1::connectorapi::baton::v1::BatonServiceUploadAssetRequest;
use protos::c1::connectorapi::baton::v1::baton_service_upload_asset_request::{Msg, UploadMetadata};
use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt as _;
use tonic::{Status, Streaming};

use super::ControlPlane;

/// A file that lies in the folder for as long as this lives.
pub(super) struct Received {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// In hex.
    pub(super) checksum: String,
}

impl Drop for Received {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "a file of an upload stays");
        }
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// Reads the next part, within a time and its limits.
pub(super) async fn next(
    plane: &ControlPlane,
    stream: &mut Streaming<BatonServiceUploadAssetRequest>,
) -> Result<Option<Msg>, Status> {
    let pause = plane.inner.settings.upload_pause;
    let part = tokio::time::timeout(pause, stream.message())
        .await
        .map_err(|_| Status::deadline_exceeded("the upload stood still for too long"))??;
    let Some(part) = part else { return Ok(None) };
    protos::limits::check(&part).map_err(|error| Status::invalid_argument(error.to_string()))?;
    Ok(part.msg)
}

/// The first part of an upload (baton P-26).
pub(super) async fn metadata(
    plane: &ControlPlane,
    stream: &mut Streaming<BatonServiceUploadAssetRequest>,
) -> Result<UploadMetadata, Status> {
    match next(plane, stream).await? {
        Some(Msg::Metadata(metadata)) => Ok(metadata),
        Some(Msg::Data(_) | Msg::Eof(_)) | None => {
            Err(Status::invalid_argument("an upload begins with its metadata"))
        }
    }
}

/// The rest of it: parts into a file, up to the checksum, which must be right. Memory holds one part.
pub(super) async fn file(
    plane: &ControlPlane,
    name: &str,
    stream: &mut Streaming<BatonServiceUploadAssetRequest>,
) -> Result<Received, Status> {
    let settings = &plane.inner.settings;
    let path = settings.folder.join(format!("{name}.upload"));
    let mut file = create(&settings.folder, &path).await.map_err(|error| no_room(&error))?;
    let mut received = Received { path, bytes: 0, checksum: String::new() };
    let mut hash = Context::new(&SHA256);
    loop {
        match next(plane, stream).await? {
            Some(Msg::Data(data)) => {
                received.bytes += data.data.len() as u64;
                if received.bytes > settings.upload_bytes {
                    let most = settings.upload_bytes;
                    return Err(Status::resource_exhausted(format!("a file may have {most} bytes")));
                }
                hash.update(&data.data);
                file.write_all(&data.data).await.map_err(|error| no_room(&error))?;
            }
            Some(Msg::Eof(eof)) => {
                file.flush().await.map_err(|error| no_room(&error))?;
                let found = hash.finish();
                if !constant_time_eq(found.as_ref(), &eof.sha256_checksum) && compares(plane) {
                    return Err(Status::data_loss(
                        "the checksum is another than that of what came; send it again",
                    ));
                }
                received.checksum = hex(found.as_ref());
                return Ok(received);
            }
            Some(Msg::Metadata(_)) => {
                return Err(Status::invalid_argument("an upload has its metadata once"));
            }
            None => return Err(Status::invalid_argument("an upload ends with its checksum")),
        }
    }
}

/// Always, but for the twin of a test, which shows what it is good for.
fn compares(plane: &ControlPlane) -> bool {
    #[cfg(test)]
    if plane.inner.believes_checksums.load(std::sync::atomic::Ordering::Relaxed) {
        return false;
    }
    let _ = plane;
    true
}

/// How old a file is that nobody works on any more: an upload pauses for less.
const LEFT: SignedDuration = SignedDuration::from_hours(1);

impl ControlPlane {
    /// Removes what processes left in the folder that were killed while they looked at a file. To be called now and then;
    /// blocks.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn remove_left_files(&self) -> io::Result<()> {
        let entries = match std::fs::read_dir(&self.inner.settings.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        let now = self.inner.store.clock().now();
        for entry in entries {
            match remove_if_left(&entry?, now) {
                // Its upload has just ended.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
        Ok(())
    }
}

fn remove_if_left(entry: &std::fs::DirEntry, now: Timestamp) -> io::Result<()> {
    let data = entry.metadata()?;
    let written = Timestamp::try_from(data.modified()?).unwrap_or(Timestamp::MAX);
    if data.is_file() && now.duration_since(written) > LEFT {
        std::fs::remove_file(entry.path())?;
    }
    Ok(())
}

/// A new file that nobody else may read.
async fn create(folder: &Path, path: &Path) -> io::Result<File> {
    tokio::fs::create_dir_all(folder).await?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    options.open(path).await
}

fn no_room(error: &io::Error) -> Status {
    tracing::error!(%error, "the folder for uploads cannot be written");
    Status::unavailable("the control plane cannot keep the file now; send it again")
}
