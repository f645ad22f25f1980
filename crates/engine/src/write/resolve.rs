//! Finding out what became of a write whose end nobody knows (architecture law 3).

use std::time::Duration;

use connector::{Inputs, ReadError, Reading, SameJob};
use model::Outcome;
use spec::connector_file::{ParamSource, Per, Request, Verify};
use store::{LedgerEntry, Resolution, ResolvedBy, StoreError};

use super::judge::started_job;
use super::later::is_called_back;
use super::send::Sender;
use super::target::{HttpTarget, Target};
use super::{Inner, WriteError, WriteOrder};

/// What the read that proves a write shows.
enum Proof {
    Gone,
    There,
    Unclear,
}

impl Inner {
    /// Settles an unknown attempt, if there is a way; whether the ledger may know more now.
    pub(super) async fn resolve(
        &self,
        sender: &mut Sender<'_>,
        (order, target): (&WriteOrder, &Target<'_>),
        entry: &LedgerEntry,
    ) -> Result<bool, WriteError> {
        sender.flush().await?;
        sender.check()?;
        let found = match target {
            // Its rows are named by key and get constant values: the second time changes nothing more.
            Target::Sql { .. } => Some(Resolution::Repeat),
            Target::Http(http) => {
                self.let_it_end(sender, entry).await?;
                // For as long as anybody waits for an answer, what was sent may still take effect.
                let early = http.connector.read_timeout().saturating_sub(sender.quiet_for(entry));
                match self.found_out(sender, (order, http), entry).await? {
                    // One look that comes too early is no proof; the second one is made in time.
                    Some(Resolution::NotApplied(_)) if !early.is_zero() => {
                        sender.wait(early).await?;
                        sender.check()?;
                        self.found_out(sender, (order, http), entry).await?
                    }
                    found => found,
                }
            }
        };
        let Some(resolution) = found else {
            tracing::warn!(run = %entry.run, operation = order.operation, "what became of a write is unknown");
            return Ok(false);
        };
        sender.check()?;
        match self.parts.store.ledger_found_out(sender.lease(), &entry.id, &resolution).await {
            Ok(()) => {
                model::kill_point!("write.outcome");
                Ok(true)
            }
            // Somebody else settled it; the ledger says how.
            Err(StoreError::Conflict { .. }) => Ok(true),
            Err(error) => Err(sender.refused(error)),
        }
    }

    /// The other side may still be at work on what was sent a moment ago.
    async fn let_it_end(&self, sender: &Sender<'_>, entry: &LedgerEntry) -> Result<(), WriteError> {
        let Some(sent_at) = entry.intent_at else { return Ok(()) };
        let since = self.parts.clock.now().duration_since(sent_at);
        let since = Duration::try_from(since).unwrap_or_default();
        let left = self.retry.before_look.saturating_sub(since);
        if left.is_zero() { Ok(()) } else { sender.wait(left).await }
    }

    async fn found_out(
        &self,
        sender: &Sender<'_>,
        (order, http): (&WriteOrder, &HttpTarget<'_>),
        entry: &LedgerEntry,
    ) -> Result<Option<Resolution>, WriteError> {
        if is_called_back(http.request)
            && let Some(outcome) = self.told(order).await?
        {
            return Ok(Some(Resolution::Applied(outcome, ResolvedBy::Read)));
        }
        if http.request.track.as_ref().is_some_and(|track| track.same.is_some()) {
            let sent_at = entry.intent_at.unwrap_or_else(|| self.parts.clock.now());
            let person = &*self.parts.person;
            let same = http.connector.find_same_job(http.request, http.write, (sent_at, person)).await;
            match same {
                Ok(SameJob::Found { job_id }) => {
                    if let Some(job) = started_job(http.request, job_id) {
                        // Before the ledger's word: if this is all that is kept, the same job is found again.
                        self.parts.store.job_track(&sender.job(order, job)).await?;
                        model::kill_point!("job.tracked");
                    }
                    return Ok(Some(Resolution::Applied(Outcome::Accepted, ResolvedBy::Read)));
                }
                Ok(SameJob::None) => return Ok(Some(Resolution::NotApplied(ResolvedBy::Read))),
                Ok(SameJob::Unclear(why)) => tracing::warn!(why, "an equal job could not be looked for"),
                Err(error) => {
                    tracing::warn!(reason = ?error.reason(), "an equal job could not be looked for");
                }
            }
        }
        if order.repeatable {
            return Ok(Some(Resolution::Repeat));
        }
        Ok(match self.proof(http).await {
            Proof::Gone => Some(Resolution::Applied(order.expected, ResolvedBy::Read)),
            // Only what is sent for the whole person is disproved by something that is still there.
            Proof::There if http.request.per == Per::Person => Some(Resolution::NotApplied(ResolvedBy::Read)),
            Proof::There | Proof::Unclear => None,
        })
    }

    /// Sends the read that proves the write, if it needs nothing but the person's identities: values
    /// from rows are not known here.
    async fn proof(&self, http: &HttpTarget<'_>) -> Proof {
        let connector = http.connector;
        let person = &*self.parts.person;
        let reading = match http.verify {
            None => return Proof::Unclear,
            Some(Verify::Request(request)) if takes_no_rows(request) => {
                connector.read_request((request, &http.write.endpoint), person, Inputs::default())
            }
            Some(Verify::Endpoint(name)) => {
                let endpoint = connector.connection().file.find_endpoint(name);
                if !endpoint.is_some_and(|endpoint| endpoint.read.iter().all(takes_no_rows)) {
                    return Proof::Unclear;
                }
                connector.read(name, person, Inputs::default())
            }
            Some(Verify::Request(_)) => return Proof::Unclear,
        };
        match self.holds_rows(http, reading).await {
            Ok(Some(true)) => Proof::There,
            Ok(Some(false)) => Proof::Gone,
            Ok(None) => Proof::Unclear,
            Err(error) => {
                tracing::warn!(reason = ?error.reason(), "the read that proves a write went wrong");
                Proof::Unclear
            }
        }
    }

    /// Whether a complete reading has rows; `None` if it is not complete.
    async fn holds_rows(
        &self,
        http: &HttpTarget<'_>,
        reading: Result<Reading, ReadError>,
    ) -> Result<Option<bool>, ReadError> {
        let reading = reading?;
        if reading.units() == 0 {
            return Ok(None);
        }
        for unit in 0..reading.units() {
            let _slot = self.parts.limits.slot(&http.connector.connection().key).await;
            let mut pages = reading.open(unit);
            while let Some(page) = pages.next_page().await? {
                if !page.rows.is_empty() {
                    return Ok(Some(true));
                }
            }
            if !pages.completeness().is_complete() {
                return Ok(None);
            }
        }
        Ok(Some(false))
    }
}

fn takes_no_rows(request: &Request) -> bool {
    request.param_values.iter().all(|param| match param.source {
        ParamSource::Identity(_) | ParamSource::ConnectorParam(_) => true,
        ParamSource::References(_) => false,
    })
}
