use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::{Cancellation, Canceller};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use jiff::{SignedDuration, Timestamp};
use model::{Clock, IdSource};
use tempfile::TempDir;
use tokio::time::timeout;
use tonic::Code;

use super::snapshot::Snapshot;
use crate::service::{ServedConnector, SyncOrder, TaskContext, TaskFailure, TaskLog};

/// Readings that are kept: the one in hand, and the one of a sync beside it.
const MOST: usize = 2;
/// How long a reading counts as one of now, for the same sync: a driver goes on with a sync for days (baton R-3).
const FRESH: SignedDuration = SignedDuration::from_hours(24);

type Read = Result<Arc<Snapshot>, TaskFailure>;

/// What readings are made with.
pub(super) struct SnapshotsParts {
    pub(super) connector: Arc<dyn ServedConnector>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn IdSource>,
    pub(super) temp_folder: Option<PathBuf>,
    /// How long a reading may take.
    pub(super) within: Duration,
    /// What one has to end in when it is cancelled.
    pub(super) grace: Duration,
}

/// The readings of the application, one for each sync of the driver.
///
/// A reading goes on when the call that asked for it is given up; the next call waits for the same. One that failed
/// is begun anew by the next call. One is read at a time.
pub(super) struct Snapshots {
    parts: SnapshotsParts,
    kept: Mutex<Vec<Kept>>,
    is_closed: AtomicBool,
    turn: Arc<tokio::sync::Mutex<()>>,
}

struct Kept {
    sync_id: String,
    begun_at: Timestamp,
    reading: Shared<BoxFuture<'static, Read>>,
    canceller: Canceller,
}

/// Which moment is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// That of the sync, if it was begun.
    OfSync,
    /// A driver that names no sync begins one (baton M-4, runtimes before 0.4.3).
    Anew,
}

impl Snapshots {
    pub(super) fn new(parts: SnapshotsParts) -> Self {
        Self { parts, kept: Mutex::default(), is_closed: AtomicBool::default(), turn: Arc::default() }
    }

    /// The reading of a sync; begun, if it was not.
    pub(super) async fn get(&self, sync_id: &str, moment: Moment) -> Read {
        let reading = self.reading(sync_id, moment)?;
        let read = reading.clone().await;
        if read.is_err() {
            self.failed(&reading);
        }
        read
    }

    /// The sync is over: nobody asks for its rows any more (baton S-21).
    pub(super) fn forget(&self, sync_id: &str) {
        self.take(|kept| kept.sync_id == sync_id);
    }

    /// Ends what is being read, and begins nothing more.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.take(|_| true);
    }

    fn take(&self, which: impl Fn(&Kept) -> bool) {
        let gone: Vec<Kept> = self
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extract_if(.., |kept| which(kept))
            .collect();
        for kept in gone {
            kept.canceller.cancel();
        }
    }

    fn reading(
        &self,
        sync_id: &str,
        moment: Moment,
    ) -> Result<Shared<BoxFuture<'static, Read>>, TaskFailure> {
        let now = self.parts.clock.now();
        let is_old = |kept: &Kept| moment == Moment::Anew || now.duration_since(kept.begun_at) > FRESH;
        self.take(|kept| kept.sync_id == sync_id && kept.is_read() && is_old(kept));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at behind the lock: what is begun before is ended by who closes.
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(over());
        }
        if let Some(known) = kept.iter().find(|kept| kept.sync_id == sync_id) {
            return Ok(known.reading.clone());
        }
        while kept.len() >= MOST {
            kept.remove(0).canceller.cancel();
        }
        let (canceller, cancellation) = Canceller::new();
        let reading = self.begin(sync_id, self.folder()?, cancellation);
        kept.push(Kept { sync_id: sync_id.to_owned(), begun_at: now, reading: reading.clone(), canceller });
        Ok(reading)
    }

    fn failed(&self, reading: &Shared<BoxFuture<'static, Read>>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|known| !known.reading.ptr_eq(reading));
    }

    fn folder(&self) -> Result<TempDir, TaskFailure> {
        let mut named = tempfile::Builder::new();
        named.prefix("baton-serve-");
        #[cfg(unix)]
        named.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let made = match &self.parts.temp_folder {
            Some(parent) => named.tempdir_in(parent),
            None => named.tempdir(),
        };
        let why = |error: std::io::Error| format!("there is no temporary folder: {}", error.kind());
        made.map_err(|error| TaskFailure::new(Code::Internal, why(error)))
    }

    /// Reads in a task of its own, which no call ends. The name of the task is that of the sync: a process that takes
    /// the place of one that was killed goes on with what that one read.
    fn begin(
        &self,
        sync_id: &str,
        folder: TempDir,
        cancellation: Cancellation,
    ) -> Shared<BoxFuture<'static, Read>> {
        let connector = Arc::clone(&self.parts.connector);
        let (turn, temp_folder) = (Arc::clone(&self.turn), self.parts.temp_folder.clone());
        let task_id = if sync_id.is_empty() {
            format!("sync_{}", self.parts.ids.next_uuid())
        } else {
            format!("sync_{}", crypto::hex(&crypto::sha256(sync_id.as_bytes())))
        };
        let (within, grace) = (self.parts.within, self.parts.grace);
        let reading = tokio::spawn(async move {
            let order = SyncOrder {
                skip_expand_grants: true,
                skip_entitlements_and_grants: false,
                skip_grants: false,
                resources: Vec::new(),
                resource_types: Vec::new(),
                storage: None,
            };
            let context =
                TaskContext { task_id, cancellation: cancellation.clone(), log: TaskLog::default() };
            let file = folder.path().join("sync.c1z");
            let read = async {
                let _turn = turn.lock().await;
                // Its turn may come after its end.
                if cancellation.is_cancelled() {
                    return Err(over());
                }
                let read = timeout(within, connector.sync(&order, &file, &context)).await;
                read.map_err(|_| {
                    TaskFailure::new(Code::DeadlineExceeded, "reading the application took too long")
                })?
            };
            {
                let mut read = pin!(read);
                tokio::select! {
                    read = &mut read => read?,
                    () = cancellation.cancelled() => {
                        // It hears of it too. What it has open is to be closed before the next one opens the same.
                        let _ = timeout(grace, read).await;
                        return Err(over());
                    }
                };
            }
            let opened = tokio::task::spawn_blocking(move || {
                let opened = Snapshot::of_file(&file, temp_folder.as_deref());
                // The rows are in a file of their own by now.
                drop(folder);
                opened
            });
            let opened = opened
                .await
                .map_err(|_| TaskFailure::new(Code::Internal, "opening what was read broke off"))?;
            opened.map(Arc::new).map_err(|error| TaskFailure::new(Code::Internal, error.to_string()))
        });
        let broke_off = || Err(TaskFailure::new(Code::Internal, "reading the application broke off"));
        reading.map(move |ended| ended.unwrap_or_else(|_| broke_off())).boxed().shared()
    }
}

fn over() -> TaskFailure {
    TaskFailure::new(Code::Cancelled, "the sync is over")
}

impl Kept {
    fn is_read(&self) -> bool {
        matches!(self.reading.peek(), Some(Ok(_)))
    }
}
