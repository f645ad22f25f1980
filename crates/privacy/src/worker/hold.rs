//! Holding a request: a sign of life each second, and the end of all work once the hold is lost.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::{Cancellation, Canceller};
use store::{NewRequestLog, RequestLease, Store, StoreError};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::{LEASE, WorkerParts};

/// Between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// What is seen from outside of the work on a request, and how it is stopped.
#[derive(Debug)]
pub(super) struct Pulse {
    canceller: Canceller,
    cancellation: Cancellation,
    /// Pages read in this turn.
    pub(super) pages: AtomicU64,
    is_over: AtomicBool,
    is_lost: AtomicBool,
}

/// A request that this process holds.
#[derive(Debug)]
pub(super) struct Hold {
    /// As the store names it.
    pub(super) lease: RequestLease,
    /// How it stands.
    pub(super) pulse: Arc<Pulse>,
    /// What is to be told and was not yet.
    logs: Arc<Mutex<Vec<NewRequestLog>>>,
    ended: Arc<Notify>,
    heart: JoinHandle<()>,
}

impl Pulse {
    pub(super) fn new() -> Arc<Self> {
        let (canceller, cancellation) = Canceller::new();
        Arc::new(Self {
            canceller,
            cancellation,
            pages: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            is_lost: AtomicBool::new(false),
        })
    }

    /// Asks the work to stop where it stands.
    pub(super) fn stop(&self) {
        self.canceller.cancel();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.cancellation.is_cancelled()
    }

    /// How the work hears that it is to stop.
    pub(super) fn cancellation(&self) -> Cancellation {
        self.cancellation.clone()
    }

    /// Whether somebody else may have the request.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed)
    }

    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn lose(&self) {
        self.is_lost.store(true, Ordering::Relaxed);
        self.stop();
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Also where the work ends in a panic: nobody holds what nobody works on.
        self.heart.abort();
        self.pulse.end();
    }
}

impl Hold {
    /// Keeps a request that was just taken, and was asked for at `asked`.
    pub(super) fn keep(
        parts: &WorkerParts,
        (lease, asked): (RequestLease, Instant),
        pulse: &Arc<Pulse>,
    ) -> Self {
        let logs = Arc::new(Mutex::new(Vec::new()));
        let ended = Arc::new(Notify::new());
        let heart = Heart {
            ended: Arc::clone(&ended),
            store: parts.store.clone(),
            lease: lease.clone(),
            pulse: Arc::clone(pulse),
            logs: Arc::clone(&logs),
        };
        Self { lease, pulse: Arc::clone(pulse), logs, ended, heart: tokio::spawn(heart.beat(asked)) }
    }

    /// Enters something in the request's log with the next change, or within a second.
    pub(super) fn tell(&self, log: NewRequestLog) {
        lock(&self.logs).push(log);
    }

    /// What is to be told and was not yet, to be written with a change.
    pub(super) fn untold(&self) -> Vec<NewRequestLog> {
        std::mem::take(&mut *lock(&self.logs))
    }

    /// No sign of life any more; what was to be told is told.
    pub(super) async fn end(mut self) {
        self.ended.notify_one();
        if let Err(error) = (&mut self.heart).await {
            tracing::error!(%error, "the signs of life of a request ended in a panic");
        }
    }
}

struct Heart {
    ended: Arc<Notify>,
    store: Store,
    lease: RequestLease,
    pulse: Arc<Pulse>,
    logs: Arc<Mutex<Vec<NewRequestLog>>>,
}

impl Heart {
    async fn beat(self, mut confirmed: Instant) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(HEARTBEAT) => {}
                () = self.ended.notified() => return self.tell().await,
            }
            let asked = Instant::now();
            // A store that is away may keep us waiting for longer than the hold lasts.
            let beat = self.store.privacy_request_beat(&self.lease, LEASE);
            match timeout_at(confirmed + LEASE, beat).await {
                Ok(Ok(())) => confirmed = asked,
                Err(_) | Ok(Err(StoreError::Fenced { .. })) => return self.pulse.lose(),
                Ok(Err(error)) => tracing::warn!(%error, "a sign of life of a request was not written"),
            }
            if confirmed.elapsed() >= LEASE {
                return self.pulse.lose();
            }
            // Nor is the log waited for longer.
            if timeout_at(confirmed + LEASE, self.tell()).await.is_err() {
                return self.pulse.lose();
            }
        }
    }

    /// What takes long is told while it goes on.
    async fn tell(&self) {
        let logs = std::mem::take(&mut *lock(&self.logs));
        if logs.is_empty() {
            return;
        }
        if let Err(error) = self.store.privacy_request_log_add(&self.lease.request, &logs).await {
            tracing::warn!(%error, "the log of a request was not written; trying again");
            lock(&self.logs).splice(0..0, logs);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
