mod keep;
mod read;
mod rows;

use std::sync::Arc;

use model::Clock;

use crate::failure::Failure;
use crate::project::Instance;
use crate::recording::{Difference, Expectation, RecordingFile};

pub(crate) use keep::kept_paths;
pub(crate) use read::{ReadAccess, read};

/// What a recording of who has access holds: the traffic of one sync, and the rows that came of it, under the same
/// pseudonyms.
pub(crate) type AccessRecording = RecordingFile<ReadAccess>;

impl Expectation for ReadAccess {
    const FORMAT: &'static str = "tutela.access-recording/1";
}

impl AccessRecording {
    /// Runs the same sync from the recording; opens no socket.
    pub(crate) async fn replay(
        &self,
        instance: &Instance,
        clock: Arc<dyn Clock>,
    ) -> Result<ReadAccess, Failure> {
        read(self.calls(&clock)?.connector(instance.connection.clone()), clock).await
    }

    /// Takes what a replay gave as what one must give.
    pub(crate) fn expect(&mut self, replayed: ReadAccess) {
        self.expected = replayed;
    }

    /// Compares what a replay gave with what is expected. Names places, shows no values.
    pub(crate) fn compare(&self, replayed: &ReadAccess) -> Vec<Difference> {
        self.expected.differences(replayed)
    }
}
