use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, oneshot};

use super::{LedgerCounts, LedgerWrite};
use crate::{Store, StoreError};

/// Changes of the ledger that wait for a commit. Whoever comes first commits for all that wait: no
/// task of its own, no timer, and one wait for the disk for many writes.
#[derive(Debug)]
pub(crate) struct LedgerQueue {
    waiting: Mutex<Vec<Waiting>>,
    leader: Semaphore,
    writes: AtomicU64,
    commits: AtomicU64,
}

#[derive(Debug)]
struct Waiting {
    writes: Vec<LedgerWrite>,
    answer: oneshot::Sender<Vec<Result<(), StoreError>>>,
}

impl Default for LedgerQueue {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            leader: Semaphore::new(1),
            writes: AtomicU64::new(0),
            commits: AtomicU64::new(0),
        }
    }
}

/// How often the leader lets others run before it commits, so that those who are about to ask share
/// the commit.
const GATHER: u32 = 4;

impl LedgerQueue {
    fn push(&self, waiting: Waiting) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
    }

    fn take(&self) -> Vec<Waiting> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Store {
    /// How many changes of the ledger shared how many commits since the store was opened.
    pub fn ledger_counts(&self) -> LedgerCounts {
        let queue = &self.inner.ledger;
        LedgerCounts {
            writes: queue.writes.load(Ordering::Relaxed),
            commits: queue.commits.load(Ordering::Relaxed),
        }
    }

    /// Commits `writes`, in their order, together with whatever others ask for at the same time.
    ///
    /// # Cancel safety
    /// Dropped, it may have committed or not. Others whose changes were in a dropped commit ask
    /// again; a change that was committed already is recognised by its id.
    pub(crate) async fn ledger_write(
        &self,
        writes: Vec<LedgerWrite>,
    ) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        let queue = &self.inner.ledger;
        loop {
            let (answer, mut answered) = oneshot::channel();
            queue.push(Waiting { writes: writes.clone(), answer });
            let leads = tokio::select! {
                biased;
                answer = &mut answered => match answer {
                    Ok(results) => return Ok(results),
                    // The commit we were in was given up.
                    Err(_) => continue,
                },
                permit = queue.leader.acquire() => permit,
            };
            for _ in 0..GATHER {
                tokio::task::yield_now().await;
            }
            // Ours is among them, unless a leader took it who ended between the two waits above.
            let batch = queue.take();
            self.ledger_commit(batch).await?;
            drop(leads);
            if let Ok(results) = answered.try_recv() {
                return Ok(results);
            }
        }
    }

    async fn ledger_commit(&self, batch: Vec<Waiting>) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        let queue = &self.inner.ledger;
        let mut tx = self.begin().await?;
        let mut answers = Vec::with_capacity(batch.len());
        for waiting in batch {
            let mut results = Vec::with_capacity(waiting.writes.len());
            for write in &waiting.writes {
                results.push(self.ledger_apply(&mut tx, write).await?);
            }
            queue.writes.fetch_add(results.len() as u64, Ordering::Relaxed);
            answers.push((waiting.answer, results));
        }
        tx.commit().await?;
        queue.commits.fetch_add(1, Ordering::Relaxed);
        for (answer, results) in answers {
            // Nobody waits any more: the change stands, and whoever takes the task over finds it.
            let _ = answer.send(results);
        }
        Ok(())
    }
}
