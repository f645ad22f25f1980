//! The end.

use model::{RunId, kill_point};
use store::RequestStep;

use super::halt::Halt;
use super::journey::Journey;
use super::means::Means;
use crate::request::Ending;

impl Journey<'_> {
    /// Ends the request, or leaves it to a person; `run_over` ends with it.
    pub(super) async fn finish(
        &mut self,
        means: &Means,
        something_stays: bool,
        run_over: Option<RunId>,
    ) -> Result<(), Halt> {
        kill_point!("request.before_finish");
        let (requests, configuration) = (&self.parts().requests, &means.configuration);
        let ending = Ending { something_stays, logs: self.hold.untold(), run_over };
        let ended = requests.finish_at(configuration, &self.hold.lease, ending).await;
        kill_point!("request.finished");
        ended.map(drop).map_err(|error| Halt::of_request(&error, RequestStep::Finalization))
    }
}
