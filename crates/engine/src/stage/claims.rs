//! Collections of one reading that begin at the same time, taken together.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, oneshot};

use super::Stage;
use crate::TaskHold;

/// How often whoever takes for all lets others run before, so that those who are about to ask are among
/// them.
const GATHER: u32 = 2;

/// Collections that are to be taken. Whoever asks first takes all that wait.
#[derive(Debug)]
pub(super) struct Claims {
    waiting: Mutex<Vec<Waiting>>,
    leader: Semaphore,
}

#[derive(Debug)]
struct Waiting {
    name: String,
    answer: oneshot::Sender<TaskHold>,
}

impl Default for Claims {
    fn default() -> Self {
        Self { waiting: Mutex::default(), leader: Semaphore::new(1) }
    }
}

impl Claims {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stage {
    /// Takes a collection together with others that are asked for meanwhile. `None` if it cannot be had so:
    /// asked for by itself, it is told why.
    ///
    /// # Cancel safety
    /// Dropped, what was taken for it is free again when the lease ends.
    pub(super) async fn claim_with_others(&self, name: &str) -> Option<TaskHold> {
        let (answer, mut answered) = oneshot::channel();
        self.claims.waiting().push(Waiting { name: name.to_owned(), answer });
        let leads = tokio::select! {
            biased;
            answer = &mut answered => return answer.ok(),
            permit = self.claims.leader.acquire() => permit,
        };
        for _ in 0..GATHER {
            tokio::task::yield_now().await;
        }
        // Ours is among them, unless somebody took it who ended between the two waits above.
        let all = std::mem::take(&mut *self.claims.waiting());
        self.claim_all(all).await;
        drop(leads);
        answered.try_recv().ok()
    }

    /// Takes what it can; whoever gets nothing asks by itself.
    async fn claim_all(&self, all: Vec<Waiting>) {
        if all.is_empty() {
            return;
        }
        let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
        let taken = TaskHold::claim_some(&self.store, (&self.run, &self.kind), &names, &self.worker).await;
        let mut taken = match taken {
            Ok(taken) => taken,
            Err(error) => {
                tracing::warn!(run = %self.run, %error, "tasks are asked for one by one");
                return;
            }
        };
        for Waiting { name, answer } in all {
            let Some(place) = taken.iter().position(|hold| hold.claimed().name == name) else { continue };
            // Nobody waits any more: it is free when its lease ends.
            let _ = answer.send(taken.swap_remove(place));
        }
    }
}
