//! The sign of life of a task (baton P-25).

use std::sync::Arc;
use std::time::Duration;

use model::Clock;
use protos::c1::connectorapi::baton::v1::BatonServiceHeartbeatResponse;
use tokio::task::JoinSet;

use super::control::ControlPlane;
use super::duration::beat_wait;

/// Failures in a row that end a task.
const MOST_FAILURES: u32 = 10;
/// What a control plane has at least to answer one heartbeat.
const LEAST_PATIENCE: Duration = Duration::from_secs(5);

/// Why a task's heart stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BeatEnd {
    /// The control plane gave the task up.
    Cancelled,
    /// It has not heard of the task for too long: another process may have it.
    Unheard,
}

impl BeatEnd {
    /// What is said of the task then.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Cancelled => "task was cancelled",
            Self::Unheard => {
                "ten heartbeats in a row failed: the task may have been given to another process"
            }
        }
    }
}

/// Whether the answer gives the task up.
pub(super) fn is_cancelled(answer: &BatonServiceHeartbeatResponse, task_id: &str) -> bool {
    answer.cancelled || answer.cancelled_task_ids.iter().any(|id| id == task_id)
}

/// A beating heart, in a task of the runtime of its own: a sync that computes for seconds does not stop it.
/// Dropping it stops it.
pub(super) struct Heartbeat(JoinSet<BeatEnd>);

impl Heartbeat {
    /// Beats on after the first heartbeat, which brought `first`.
    pub(super) fn start(
        control: Arc<ControlPlane>,
        clock: Arc<dyn Clock>,
        (task_id, first): (String, BatonServiceHeartbeatResponse),
        usual: Option<prost_types::Duration>,
    ) -> Self {
        let mut beating = JoinSet::new();
        beating.spawn(async move {
            let mut wait = beat_wait(first.next_heartbeat.as_ref().or(usual.as_ref()));
            let mut failures = 0;
            loop {
                clock.sleep(wait).await;
                match control.heartbeat(&task_id, wait.max(LEAST_PATIENCE)).await {
                    Ok(answer) if is_cancelled(&answer, &task_id) => return BeatEnd::Cancelled,
                    Ok(answer) => {
                        failures = 0;
                        wait = beat_wait(answer.next_heartbeat.as_ref().or(usual.as_ref()));
                    }
                    Err(error) => {
                        failures += 1;
                        tracing::warn!(task = %task_id, failures, %error, "heartbeat failed");
                        if failures >= MOST_FAILURES {
                            return BeatEnd::Unheard;
                        }
                    }
                }
            }
        });
        Self(beating)
    }

    /// Completes when it stops.
    pub(super) async fn stopped(&mut self) -> BeatEnd {
        match self.0.join_next().await {
            Some(Ok(end)) => end,
            // It panicked, or was asked after its end: nobody hears of the task any more.
            Some(Err(_)) | None => BeatEnd::Unheard,
        }
    }
}
