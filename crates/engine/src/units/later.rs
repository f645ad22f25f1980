//! Units whose rows an application brings later, by a call of its own (saas-config 23.5 to 23.7).

use std::sync::Arc;
use std::time::Duration;

use connector::Asked;
use egress::Retry;
use jiff::SignedDuration;
use model::{CallStats, Completeness, IncompleteReason, kill_point};
use store::{Callback, CallbackAction, CallbackState, NewCallback};

use super::UnitReader;
use super::tally::{Failures, UnitOutcome};
use crate::row_writer::{RowWriter, StoredWriter};
use crate::source::ReadFault;
use crate::stop::Halt;

/// How long an application may take until it calls back (privacy-requests W-7).
pub(crate) const PATIENCE: Duration = Duration::from_hours(60);

impl UnitReader {
    /// Takes over what came; asks for it if nobody did; else leaves the unit waiting, with nothing held.
    pub(super) async fn read_later(
        this: &Arc<Self>,
        place: &str,
        outcome: &mut UnitOutcome,
        failures: &Failures,
    ) -> Result<(), Halt> {
        let RowWriter::Store(writer) = &this.writer else {
            outcome.fail(nobody_listens(place), failures);
            return Ok(());
        };
        let Some(mut callback) = this.callback(writer, outcome).await? else {
            outcome.fail(nobody_listens(place), failures);
            return Ok(());
        };
        if callback.state == CallbackState::Asked && !callback.is_sent {
            if !this.ask(writer, &callback, (outcome, failures)).await? {
                return Ok(());
            }
            // It may have come while the application was still answering.
            let find = || writer.stage.store.callback_find(&callback.owner, callback.number);
            let found = writer.stage.retried(find).await.map_err(|error| writer.failed(error))?;
            callback = found.unwrap_or(callback);
        }
        match callback.state {
            CallbackState::Answered => Self::take_over(this, writer, &callback, outcome).await,
            CallbackState::Asked if callback.expires_at > writer.stage.store.clock().now() => {
                outcome.wait_until(callback.expires_at);
                Ok(())
            }
            CallbackState::Asked => {
                let until = callback.expires_at;
                let detail = format!("{place} was sent, and nobody called back until {until}; try again");
                outcome.fail(fault(detail), failures);
                Ok(())
            }
            // Its rows are kept with its end, and that is known here no more.
            CallbackState::Taken => {
                let detail = format!("what came for {place} was taken over before and is gone; try again");
                outcome.fail(fault(detail), failures);
                Ok(())
            }
        }
    }

    /// What is waited for, made now if it was not made before; `None` where nobody could take it.
    async fn callback(&self, writer: &StoredWriter, outcome: &UnitOutcome) -> Result<Option<Callback>, Halt> {
        let store = &writer.stage.store;
        let Some(basis) = &outcome.state.basis else { return Ok(None) };
        let (owner, name) = (writer.lease().task.to_string(), self.address.to_string());
        let patience = SignedDuration::try_from(PATIENCE).unwrap_or(SignedDuration::MAX);
        let new = NewCallback {
            request: &self.request,
            owner: &owner,
            number: outcome.unit as u64,
            action: CallbackAction::Access,
            name: &name,
            basis: basis.as_str(),
            expires_at: store.clock().now().saturating_add(patience).unwrap_or(jiff::Timestamp::MAX),
        };
        let opened = writer.stage.retried(|| store.callback_open(writer.lease(), new)).await;
        let opened = opened.map_err(|error| writer.failed(error))?;
        kill_point!("callback.opened");
        Ok(opened)
    }

    /// Sends the request; `false` if nobody will call back. One that breaks off before the application is
    /// known to have taken it is sent again with the same token: it asks and changes nothing.
    async fn ask(
        &self,
        writer: &StoredWriter,
        callback: &Callback,
        (outcome, failures): (&mut UnitOutcome, &Failures),
    ) -> Result<bool, Halt> {
        let (stage, store, lease) = (&writer.stage, &writer.stage.store, writer.lease());
        let token = store.callback_token(callback);
        let mut stats = CallStats::default();
        let asked = async {
            let _slot = self.limits.slot(&self.connection).await;
            self.reading.ask(outcome.unit, &token, &mut stats).await
        };
        let asked = tokio::select! {
            biased;
            halt = self.writer.lost() => return Err(halt),
            why = self.stop.wait() => {
                outcome.stop(why);
                return Ok(false);
            }
            asked = asked => asked,
        };
        outcome.state.stats += stats;
        if let Ok(Asked::Taken) = asked {
            kill_point!("callback.before_sent");
            let sent = stage.retried(|| store.callback_sent(lease, &callback.id)).await;
            sent.map_err(|error| writer.failed(error))?;
            kill_point!("callback.sent");
            self.writer.note(outcome.unit, &outcome.state).await?;
            return Ok(true);
        }
        let dropped = stage.retried(|| store.callback_drop(lease, &callback.id)).await;
        dropped.map_err(|error| writer.failed(error))?;
        match asked {
            Ok(Asked::Taken) => {}
            Ok(Asked::Over(completeness)) => {
                outcome.state.end = Some(completeness.clone().into());
                outcome.completeness = completeness;
                self.writer.note(outcome.unit, &outcome.state).await?;
            }
            Err(fault) => outcome.fail(fault, failures),
        }
        Ok(false)
    }

    /// Keeps the rows that came as the only page of the unit.
    async fn take_over(
        this: &Arc<Self>,
        writer: &StoredWriter,
        callback: &Callback,
        outcome: &mut UnitOutcome,
    ) -> Result<(), Halt> {
        let find = || writer.stage.store.callback_rows(callback);
        let rows = writer.stage.retried(find).await.map_err(|error| writer.failed(error))?;
        Self::keep_only_page(this, (rows, Completeness::Complete), outcome).await?;
        kill_point!("callback.kept");
        this.took(outcome.unit).await
    }

    /// Notes that what came for a unit is kept with its rows.
    pub(super) async fn took(&self, unit: usize) -> Result<(), Halt> {
        let RowWriter::Store(writer) = &self.writer else { return Ok(()) };
        let lease = writer.lease();
        let of = (lease.task.as_str(), unit as u64);
        let taken = writer.stage.retried(|| writer.stage.store.callback_take(lease, of)).await;
        taken.map_err(|error| writer.failed(error))
    }
}

fn nobody_listens(place: &str) -> ReadFault {
    let detail = format!(
        "the rows that {place} asks for come later, by a call of the application, which only a server takes; \
         make the request on a server"
    );
    ReadFault { reason: IncompleteReason::Connection, detail, retry: Retry::No }
}

fn fault(detail: String) -> ReadFault {
    ReadFault { reason: IncompleteReason::Connection, detail, retry: Retry::Yes }
}
