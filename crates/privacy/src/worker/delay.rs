//! Requests that are put off because something else is in the way, and what is said of it.

use std::time::Duration;

use store::{NewRequestLog, PrivacyRequestStatus, RequestStep, Window};

use super::ServicesError;
use super::halt::{Halt, PROCESSING};
use super::journey::Journey;
use crate::request::Waits;

/// Between two looks whether connections can be used again.
const UNSERVED_WAIT: Duration = Duration::from_mins(1);
/// What a request waits for whose connections cannot be used: a fixed word.
const UNSERVED: &str = "connection";
const DELAYED: &str = "put off: another process, or the state, is in the way; tried again by itself";

impl Journey<'_> {
    /// A request is put off while connections or settings do not fit together: it is none of its own
    /// faults, and goes on once somebody mended them.
    pub(super) fn unserved(&self, error: &ServicesError, step: RequestStep) -> Halt {
        let connection = match error {
            ServicesError::Store(error) => return Halt::of_store(error, step),
            ServicesError::Connection { connection, .. } => Some(connection.clone()),
            ServicesError::Setup { .. } => None,
        };
        // Told once, however often it is tried.
        if self.request.attention.as_deref() != Some(UNSERVED) {
            let mut log = NewRequestLog::of_work("Dataset traversal", "pending", &error.to_string());
            log.connection_key = connection;
            self.hold.tell(log);
        }
        let now = self.clock().now();
        Halt::waits(Waits {
            status: PrivacyRequestStatus::InProcessing,
            step,
            attention: Some(UNSERVED),
            until: Some(now.saturating_add(UNSERVED_WAIT).unwrap_or(now)),
        })
    }

    /// Says in the log that the request is put off, unless that was the last thing said.
    pub(super) async fn tell_of_delay(&self) {
        if !self.is_last_said(DELAYED).await.unwrap_or(false) {
            self.hold.tell(NewRequestLog::of_work(PROCESSING, "pending", DELAYED));
        }
    }

    /// Whether the last entry of the request's log says this.
    async fn is_last_said(&self, text: &str) -> Result<bool, store::StoreError> {
        let (store, id) = (self.store(), &self.request.id);
        let total = store.privacy_request_log_list(id, None, Window { offset: 0, limit: 1 }).await?.total;
        let last = Window { offset: total.saturating_sub(1), limit: 1 };
        let last = store.privacy_request_log_list(id, None, last).await?.items.pop();
        Ok(last.is_some_and(|log| log.entry.message.as_deref() == Some(text)))
    }
}
