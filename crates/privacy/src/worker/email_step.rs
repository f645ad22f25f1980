//! Waiting until vendors that erase by hand are written to (privacy-requests 15.6).

use model::ConnectionKey;
use store::{Hold, NewRequestLog, PrivacyRequestStatus, RequestStep};

use super::halt::Halt;
use super::journey::Journey;
use crate::hold;
use crate::request::Waits;
use crate::vendor_mail::concerned;

const STEP: RequestStep = RequestStep::EmailPostSend;

/// The vendors that a request concerns.
pub(super) struct Vendors {
    /// Those that are written to.
    pub(super) told: Vec<ConnectionKey>,
    /// Those that must keep what they have, each with the hold that says so.
    held: Vec<(ConnectionKey, Hold)>,
    /// All holds about the person.
    holds: Vec<Hold>,
}

impl Journey<'_> {
    /// Lets the request wait for the next batch of messages, if vendors are to be told of it that were
    /// not told yet. What a hold covers is left to the request that comes after it.
    pub(super) async fn tell_vendors(&mut self) -> Result<(), Halt> {
        let failed = |error| Halt::of_store(&error, STEP);
        let vendors = self.vendors().await?;
        for (connection, hold) in &vendors.held {
            let text = format!("{}: the vendor is not written to", hold::reason(hold));
            let mut log = NewRequestLog::of_work(connection.as_str(), "skipped", &text);
            log.connection_key = Some(connection.to_string());
            self.hold.tell(log);
        }
        if !vendors.held.is_empty() {
            self.keep_rest(&vendors.holds).await?;
        }
        if vendors.told.is_empty() {
            return Ok(());
        }
        self.store().vendor_mail_await(&self.request.id, &vendors.told).await.map_err(failed)?;
        let unsent = self.store().vendor_mail_unsent(&self.request.id).await.map_err(failed)?;
        if unsent.is_empty() {
            return Ok(());
        }
        for connection in unsent {
            let text = "the vendor erases by hand: it is written to with the next batch";
            let mut log = NewRequestLog::of_work(&connection, "pending", text);
            log.connection_key = Some(connection);
            self.hold.tell(log);
        }
        Err(Halt::waits(Waits {
            status: PrivacyRequestStatus::AwaitingEmailSend,
            step: STEP,
            attention: Some("vendor_mail"),
            until: None,
        }))
    }

    /// The vendors of the request, as connections and holds are now.
    pub(super) async fn vendors(&self) -> Result<Vendors, Halt> {
        let failed = |error| Halt::of_store(&error, self.step());
        let concerned = concerned(self.store(), &self.identities).await.map_err(failed)?;
        let mut vendors = Vendors { told: Vec::new(), held: Vec::new(), holds: Vec::new() };
        if concerned.is_empty() {
            return Ok(vendors);
        }
        vendors.holds = self.store().hold_list_of(&self.request.id).await.map_err(failed)?;
        for connection in concerned {
            match vendors.holds.iter().find(|hold| hold::is_about(hold, connection.as_str())) {
                Some(hold) => vendors.held.push((connection, hold.clone())),
                None => vendors.told.push(connection),
            }
        }
        Ok(vendors)
    }
}
