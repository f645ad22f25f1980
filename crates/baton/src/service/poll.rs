//! The loop that fetches tasks (baton §13.4).

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use model::{Clock as _, IdSource};
use protos::c1::connectorapi::baton::v1 as wire;
use tokio::task::JoinSet;
use tonic::Code;

use super::control::ControlPlane;
use super::duration::poll_wait;
use super::order::Work;
use super::patience::{after_hello, after_poll};
use super::task::{Shared, Task};
use super::{CallError, ServiceError, ServiceParts};
use crate::command_line::{Permission, ServiceSettings};

/// As many tasks as one question may ask for. The reference asks for more with many tasks side by side.
const MOST_TASKS: usize = 100;

/// Fetches tasks and has them carried out.
pub(super) struct Runner {
    shared: Arc<Shared>,
    ids: Arc<dyn IdSource>,
    /// Tasks side by side.
    concurrency: usize,
    asking: Asking,
}

/// How tasks are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asking {
    /// One at a time, when there is room for it.
    One,
    /// Several at once, kept until there is room (baton P-13).
    Several,
}

/// What is at hand.
#[derive(Default)]
struct AtHand {
    running: JoinSet<String>,
    /// Ids of what is running.
    held: HashSet<String>,
    queue: VecDeque<Task>,
}

/// When to ask next.
struct Due {
    at: Timestamp,
    /// How long the wait was when it began: a clock that is set back does not make it longer.
    most: Duration,
}

impl Due {
    fn after(wait: Duration, now: Timestamp) -> Self {
        let step = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        Self { at: now.saturating_add(step).unwrap_or(Timestamp::MAX), most: wait }
    }

    fn left(&self, now: Timestamp) -> Duration {
        Duration::try_from(self.at.duration_since(now)).unwrap_or_default().min(self.most)
    }
}

impl Runner {
    pub(super) fn new(settings: &ServiceSettings, parts: ServiceParts, control: Arc<ControlPlane>) -> Self {
        let asking = if settings.get_tasks == Permission::Allowed { Asking::Several } else { Asking::One };
        let shared = Shared {
            control,
            connector: parts.connector,
            provisioning: settings.provisioning,
            name: parts.name,
            version: parts.version,
            temp_folder: parts.temp_folder,
            clock: parts.clock,
            stop: parts.stop,
            times: parts.times,
            syncing: tokio::sync::Mutex::default(),
        };
        let concurrency = settings.task_concurrency.max(1);
        Self { shared: Arc::new(shared), ids: parts.ids, concurrency, asking }
    }

    /// Says hello until it is heard (baton P-11). `false` if the process is to stop before.
    pub(super) async fn introduce(&self) -> Result<bool, ServiceError> {
        let mut errors = 0;
        loop {
            let said = tokio::select! {
                biased;
                () = self.shared.stop.cancelled() => return Ok(false),
                said = self.shared.hello("") => said?,
            };
            let error = match said {
                Ok(()) => return Ok(true),
                Err(error) if error.is_final() => return Err(ServiceError::Refused(error)),
                Err(error) => error,
            };
            errors += 1;
            let wait = after_hello(errors, &*self.ids);
            tracing::warn!(%error, wait_s = wait.as_secs_f64(), "hello failed");
            tokio::select! {
                biased;
                () = self.shared.stop.cancelled() => return Ok(false),
                () = self.shared.clock.sleep(wait) => {}
            }
        }
    }

    /// Fetches tasks until the process is to stop, then waits for those that run to end.
    pub(super) async fn serve(mut self) {
        let mut at_hand = AtHand::default();
        let (shared, mut errors) = (Arc::clone(&self.shared), 0);
        let mut due = Due::after(Duration::ZERO, shared.clock.now());
        loop {
            at_hand.begin(&shared, self.concurrency);
            let wants = match self.asking {
                Asking::One => at_hand.running.len() < self.concurrency,
                Asking::Several => at_hand.queue.len() < self.concurrency,
            };
            let wait = due.left(shared.clock.now());
            tokio::select! {
                biased;
                () = shared.stop.cancelled() => break,
                Some(ended) = at_hand.running.join_next(), if !at_hand.running.is_empty() => {
                    at_hand.forget(ended);
                    continue;
                }
                () = shared.clock.sleep(wait), if wants => {}
            }
            let asked = tokio::select! {
                biased;
                () = shared.stop.cancelled() => break,
                asked = self.ask(&mut at_hand) => asked,
            };
            let wait = match asked {
                Ok(wait) => {
                    if errors > 0 {
                        tracing::info!(errors, "the control plane answers again");
                    }
                    errors = 0;
                    wait
                }
                Err(error) => {
                    errors += 1;
                    let wait = after_poll(errors, &*self.ids);
                    tell(&error, errors, wait);
                    wait
                }
            };
            due = Due::after(wait, shared.clock.now());
        }
        at_hand.end(&shared).await;
    }

    /// Asks once, and puts what comes into the queue. Gives when to ask again.
    async fn ask(&mut self, at_hand: &mut AtHand) -> Result<Duration, CallError> {
        let control = &self.shared.control;
        let (tasks, next_poll, beat) = match self.asking {
            Asking::One => {
                let answer = control.task().await?;
                (answer.task.into_iter().collect(), answer.next_poll, answer.next_heartbeat)
            }
            Asking::Several => {
                let known = at_hand.known();
                let most = (2 * self.concurrency).saturating_sub(known.len()).clamp(1, MOST_TASKS);
                let answer = control.tasks(most, &known).await;
                if answer.as_ref().is_err_and(|error| error.code() == Code::Unimplemented) {
                    tracing::warn!("the control plane gives tasks one at a time only");
                    self.asking = Asking::One;
                    return Ok(Duration::ZERO);
                }
                let answer = answer?;
                (answer.tasks, answer.next_poll, answer.next_heartbeat)
            }
        };
        for task in tasks {
            at_hand.take(task, beat);
        }
        Ok(poll_wait(next_poll.as_ref()))
    }
}

impl AtHand {
    /// Takes a task in; what is at hand already is passed over, whoever gives it again.
    fn take(&mut self, task: wire::Task, next_heartbeat: Option<prost_types::Duration>) {
        let wire::Task { id, task_type, debug, .. } = task;
        let work = Work::read(task_type);
        if work == Work::Nothing || id.is_empty() {
            return;
        }
        if self.held.contains(&id) || self.queue.iter().any(|queued| queued.id == id) {
            tracing::warn!(task = %id, "the control plane gives a task again that is worked on");
            return;
        }
        self.queue.push_back(Task { id, work, debug, next_heartbeat });
    }

    fn known(&self) -> Vec<String> {
        self.held.iter().cloned().chain(self.queue.iter().map(|task| task.id.clone())).collect()
    }

    /// Begins what there is room for.
    fn begin(&mut self, shared: &Arc<Shared>, concurrency: usize) {
        while self.running.len() < concurrency
            && let Some(task) = self.queue.pop_front()
        {
            let (shared, id) = (Arc::clone(shared), task.id.clone());
            self.held.insert(id.clone());
            self.running.spawn(async move {
                shared.carry_out(task).await;
                id
            });
        }
    }

    fn forget(&mut self, ended: Result<String, tokio::task::JoinError>) {
        match ended {
            Ok(id) => {
                self.held.remove(&id);
            }
            // Which one it was, nobody knows; all are forgotten when none is left.
            Err(error) => {
                tracing::error!(%error, "a task ended by a defect");
                if self.running.is_empty() {
                    self.held.clear();
                }
            }
        }
    }

    /// Waits for what runs: each was asked to end, and has its time for that and for telling it.
    async fn end(mut self, shared: &Shared) {
        let within = shared.times.grace + shared.times.call;
        let ended = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout(within, ended).await.is_err() {
            tracing::warn!("tasks did not end in time and are left");
        }
    }
}

/// Tells of a failed question; a refusal that waiting does not mend is for a person, once and then rarely.
fn tell(error: &CallError, errors: u32, wait: Duration) {
    let wait_s = wait.as_secs_f64();
    if error.is_final() && (errors == 1 || errors.is_multiple_of(60)) {
        tracing::error!(%error, errors, wait_s, "the control plane refuses this connector");
    } else {
        tracing::warn!(%error, errors, wait_s, "no tasks could be fetched");
    }
}
