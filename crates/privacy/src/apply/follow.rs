//! Staying until jobs of applications have ended, at most as long as somebody wants to wait.

use std::time::Duration;

use super::{ApplyError, ApplyOptions, ApplyProgress};
use crate::PrivacyService;
use crate::status::{OperationState, RunStatus};

/// Between two looks at jobs whatever their interval says, so that nobody is asked all the time.
const SHORTEST: Duration = Duration::from_secs(1);

/// How long jobs are still followed. Counts its own waits, so that a clock that is set back or forward
/// makes it neither endless nor short.
pub(super) struct Follower<'a> {
    service: &'a PrivacyService,
    options: &'a ApplyOptions,
    left: Duration,
}

impl<'a> Follower<'a> {
    pub(super) fn new(service: &'a PrivacyService, options: &'a ApplyOptions) -> Self {
        Self { service, options, left: options.wait.unwrap_or_default() }
    }

    /// Waits until something can be done again; `false` if there is nothing to wait for, or no time.
    pub(super) async fn wait(
        &mut self,
        status: &RunStatus,
        on_progress: &(dyn Fn(ApplyProgress) + Send + Sync),
    ) -> Result<bool, ApplyError> {
        let clock = &self.service.parts().clock;
        let open = status.operations.iter().filter(|one| one.state == OperationState::Accepted);
        let Some(next) = open.clone().filter_map(|one| one.next_poll_at).min() else { return Ok(false) };
        if self.left.is_zero() {
            return Ok(false);
        }
        let until_next = Duration::try_from(next.duration_since(clock.now())).unwrap_or_default();
        let wait = until_next.max(SHORTEST).min(self.left);
        self.left -= wait;
        on_progress(ApplyProgress::Following { jobs: open.count() as u64, next: wait });
        tokio::select! {
            () = clock.sleep(wait) => Ok(true),
            () = self.options.cancellation.cancelled() => Ok(false),
        }
    }
}
