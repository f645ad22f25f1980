//! What comes before everything and after everything, and the end.

use store::{ClaimEnd, RequestStep};

use super::halt::Halt;
use super::journey::{Journey, Means};

impl Journey<'_> {
    /// Asks webhooks whether the request may be approved.
    pub(super) async fn ask_before_approval(&mut self) -> Result<(), Halt> {
        // Nobody is asked: a person decides.
        let released = self.change("privacy_request.left", |change| {
            change.request.work_at = None;
            change.claim = ClaimEnd::End;
        });
        released.await.map_err(|error| Halt::of_store(&error, RequestStep::PreWebhooks))
    }

    /// Calls the webhooks that come before everything.
    #[expect(clippy::unused_async, reason = "webhooks are calls")]
    pub(super) async fn pre_webhooks(&mut self, _means: &Means) -> Result<(), Halt> {
        Ok(())
    }

    /// Calls the webhooks that come after everything.
    #[expect(clippy::unused_async, reason = "webhooks are calls")]
    pub(super) async fn post_webhooks(&mut self, _means: &Means) -> Result<(), Halt> {
        Ok(())
    }

    /// Ends the request, or leaves it to a person.
    pub(super) async fn finish(&mut self, something_stays: bool) -> Result<(), Halt> {
        let ended = self.parts().requests.finish(&self.hold.lease, something_stays, self.hold.untold()).await;
        ended.map(drop).map_err(|error| Halt::of_request(&error, RequestStep::Finalization))
    }
}
