//! Signs of life for what a worker took, and the end of its work once somebody else may have it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use engine::{Cancellation, Canceller};
use store::StoreError;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::{BEAT, LEASE};

/// What a sign of life says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// Go on.
    GoOn,
    /// A person stopped it.
    Stop,
}

/// How a hold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Held,
    /// A person, or the end of this process, stopped it, and it is still ours.
    Stopped,
    /// Somebody else may have it.
    Lost,
}

const HELD: u8 = 0;
const STOPPED: u8 = 1;
const LOST: u8 = 2;

/// Something that this process took. Dropped, it gives no sign of life any more.
#[derive(Debug)]
pub(super) struct Hold {
    standing: Arc<AtomicU8>,
    cancellation: Cancellation,
    heart: JoinHandle<()>,
}

impl Hold {
    /// Keeps it by calling `beat` now and then, until `stop` asks this process to let go of it. It was asked for at
    /// `asked`: the answer may have taken a while.
    pub(super) fn keep<B, F>(mut beat: B, (asked, stop): (Instant, Cancellation)) -> Self
    where
        B: FnMut() -> F + Send + 'static,
        F: Future<Output = Result<Said, StoreError>> + Send + 'static,
    {
        let standing = Arc::new(AtomicU8::new(HELD));
        let (canceller, cancellation) = Canceller::new();
        let told = Arc::clone(&standing);
        let heart = tokio::spawn(async move {
            let told_to_stop = async {
                stop.cancelled().await;
                told.store(STOPPED, Ordering::Relaxed);
                canceller.cancel();
                std::future::pending::<u8>().await
            };
            // Signs of life go on while the work ends.
            let end = tokio::select! {
                end = beating(&mut beat, asked) => end,
                end = told_to_stop => end,
            };
            told.store(end, Ordering::Relaxed);
            canceller.cancel();
        });
        Self { standing, cancellation, heart }
    }

    /// Heard once it is not to be gone on with.
    pub(super) fn cancellation(&self) -> Cancellation {
        self.cancellation.clone()
    }

    pub(super) fn standing(&self) -> Standing {
        match self.standing.load(Ordering::Relaxed) {
            HELD => Standing::Held,
            STOPPED => Standing::Stopped,
            _ => Standing::Lost,
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.heart.abort();
    }
}

async fn beating<B, F>(beat: &mut B, mut confirmed: Instant) -> u8
where
    B: FnMut() -> F,
    F: Future<Output = Result<Said, StoreError>>,
{
    loop {
        tokio::time::sleep(BEAT).await;
        let asked = Instant::now();
        // A store that is away may keep us waiting for longer than the hold lasts.
        match timeout_at(confirmed + LEASE, beat()).await {
            Ok(Ok(Said::GoOn)) => confirmed = asked,
            Ok(Ok(Said::Stop)) => return STOPPED,
            Err(_) | Ok(Err(StoreError::Fenced { .. })) => return LOST,
            Ok(Err(error)) => tracing::warn!(%error, "a sign of life was not written"),
        }
        if confirmed.elapsed() >= LEASE {
            return LOST;
        }
    }
}
