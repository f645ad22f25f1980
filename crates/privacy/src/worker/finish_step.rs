//! The end.

use model::kill_point;
use store::RequestStep;

use super::halt::Halt;
use super::journey::Journey;

impl Journey<'_> {
    /// Ends the request, or leaves it to a person.
    pub(super) async fn finish(&mut self, something_stays: bool) -> Result<(), Halt> {
        kill_point!("request.before_finish");
        let ended = self.parts().requests.finish(&self.hold.lease, something_stays, self.hold.untold()).await;
        kill_point!("request.finished");
        ended.map(drop).map_err(|error| Halt::of_request(&error, RequestStep::Finalization))
    }
}
