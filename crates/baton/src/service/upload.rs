//! The pieces of an asset (baton P-26).

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use futures::stream::{Stream, unfold};
use protos::c1::connectorapi::baton::v1::BatonServiceUploadAssetRequest;
use protos::c1::connectorapi::baton::v1::baton_service_upload_asset_request::{
    Msg, UploadData, UploadEof, UploadMetadata,
};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

/// Longest piece.
pub(super) const PIECE_BYTES: usize = 512 * 1024;

/// A file on its way.
pub(super) struct Asset {
    pub(super) host_id: String,
    pub(super) task_id: String,
    pub(super) file: PathBuf,
    pub(super) unread: Unread,
}

/// Why a file could not be read to its end; a stream of pieces cannot say it.
#[derive(Clone, Default)]
pub(super) struct Unread(Arc<Mutex<Option<io::Error>>>);

impl Unread {
    /// The error, once.
    pub(super) fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, error: io::Error) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
}

/// What comes next.
enum Next {
    Metadata,
    Open,
    Piece(Box<(File, Context)>),
    Nothing,
}

impl Asset {
    /// First who sends it for which task, then its pieces, at last the checksum of all. Memory holds one
    /// piece. A file that cannot be read ends without its checksum, so that nobody takes it for whole.
    pub(super) fn messages(self) -> impl Stream<Item = BatonServiceUploadAssetRequest> + Send + 'static {
        unfold((self, Next::Metadata), |(asset, next)| async move {
            match asset.next(next).await {
                Ok(Some((msg, next))) => {
                    Some((BatonServiceUploadAssetRequest { msg: Some(msg) }, (asset, next)))
                }
                Ok(None) => None,
                Err(error) => {
                    asset.unread.set(error);
                    None
                }
            }
        })
    }

    async fn next(&self, next: Next) -> io::Result<Option<(Msg, Next)>> {
        let (mut file, mut hash) = match next {
            Next::Nothing => return Ok(None),
            Next::Metadata => {
                let (host_id, task_id) = (self.host_id.clone(), self.task_id.clone());
                let metadata = UploadMetadata { host_id, task_id, annotations: Vec::new() };
                return Ok(Some((Msg::Metadata(metadata), Next::Open)));
            }
            Next::Open => (File::open(&self.file).await?, Context::new(&SHA256)),
            Next::Piece(reading) => *reading,
        };
        let mut data = Vec::with_capacity(PIECE_BYTES);
        (&mut file).take(PIECE_BYTES as u64).read_to_end(&mut data).await?;
        if data.is_empty() {
            let sha256_checksum = hash.finish().as_ref().to_vec();
            return Ok(Some((
                Msg::Eof(UploadEof { sha256_checksum, annotations: Vec::new() }),
                Next::Nothing,
            )));
        }
        hash.update(&data);
        Ok(Some((Msg::Data(UploadData { data }), Next::Piece(Box::new((file, hash))))))
    }
}
