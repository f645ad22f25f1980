use governance::SinkError;
use thiserror::Error;

/// Why a file of somebody else is not taken.
#[derive(Debug, Error)]
pub enum ImportError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] c1z::ReadError),
    /// Its newest sync is not one of everything, or not finished.
    #[error(
        "sync `{sync_id}` of the file (`{sync_type}`) is not a finished one of everything, so what it lacks may be \
         there; let the connector sync again"
    )]
    NotWhole {
        /// The sync.
        sync_id: String,
        /// Its type, as the file says.
        sync_type: String,
    },
    /// There is nothing in it.
    #[error(
        "sync `{sync_id}` of the file is finished and has no rows, as after a sync that was skipped; nothing is \
         taken from it"
    )]
    Empty {
        /// The sync.
        sync_id: String,
    },
    /// Whoever gets the rows does not keep them.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// A file of our own could not be written.
    #[error(transparent)]
    Write(#[from] c1z::WriteError),
}
