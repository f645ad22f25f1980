//! Writing to vendors about the requests that wait for it, all of a vendor's in one message
//! (privacy-requests W-21, W-24).

mod batch;

use jiff::tz::TimeZone;
use model::PrivacyRequestId;
use store::{
    NewRequestLog, PrivacyRequestChange, PrivacyRequestStatus, RequestStep, VendorMail, VendorMailEnd,
};

use self::batch::Batch;
use super::review::audit;
use super::status::{Event, next};
use super::{ATTEMPTS, By, PrivacyRequests, RequestError};
use crate::worker::Services;

/// Name of the schedule in the store.
const SCHEDULE: &str = "vendor_mail";
/// Name of the work in a request's log (privacy-requests LOG-3).
const BATCH: &str = "Pending batch email send";

/// What was put on its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VendorMailSent {
    /// Messages to vendors.
    pub messages: usize,
    /// Of how many requests they tell.
    pub requests: usize,
    /// How many requests wait on because a vendor of theirs cannot be written to; the log of each says why.
    pub held_up: usize,
}

impl PrivacyRequests {
    /// Writes to vendors if a time of the schedule has passed since it was last done; one process at a
    /// time.
    ///
    /// # Errors
    /// [`RequestError`]; what was put on its way is.
    pub async fn vendor_mail_on_time(&self, services: &dyn Services) -> Result<VendorMailSent, RequestError> {
        let Some(configured) = &self.parts.configured else { return Ok(VendorMailSent::default()) };
        let times = &configured.server.vendor_mail;
        // Checked with the settings.
        let zone = TimeZone::get(&times.time_zone).unwrap_or(TimeZone::UTC);
        let since = self.store().scheduled_since(SCHEDULE).await?;
        let now = self.now();
        if times.schedule.next_after(since, &zone).is_none_or(|next| next > now) {
            return Ok(VendorMailSent::default());
        }
        let sent = self.vendor_mail_send(Some(services)).await?;
        self.store().scheduled_done(SCHEDULE, now).await?;
        Ok(sent)
    }

    /// Writes to every vendor that is to be told of requests, now. Those that stand in a dataset are looked
    /// up by way of `services`; without, they are not written to, and the log says so.
    ///
    /// # Errors
    /// [`RequestError`]; what was put on its way is.
    pub async fn vendor_mail_send(
        &self,
        services: Option<&dyn Services>,
    ) -> Result<VendorMailSent, RequestError> {
        let mut batch = Batch::new(self, services);
        for connection in self.store().vendor_mail_vendors().await? {
            batch.write_for(&connection).await?;
        }
        batch.end().await
    }

    /// Notes which messages to vendors left and which did not, and lets go on what waits for none any
    /// more; says how many that are.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn vendor_mail_settle(&self) -> Result<usize, RequestError> {
        self.store().vendor_mail_settle(settled).await?;
        let mut gone_on = 0;
        for id in self.store().vendor_mail_done().await? {
            gone_on += usize::from(self.vendor_mail_go_on(&id).await?);
        }
        Ok(gone_on)
    }

    /// Says whether the request was still waiting.
    async fn vendor_mail_go_on(&self, id: &PrivacyRequestId) -> Result<bool, RequestError> {
        for _ in 0..ATTEMPTS {
            let request = self.get(id).await?;
            if request.status != PrivacyRequestStatus::AwaitingEmailSend || request.deleted_at.is_some() {
                return Ok(false);
            }
            let mut change = PrivacyRequestChange::of(&request);
            change.request.status = next(request.status, Event::EmailsSent)?;
            change.request.step = Some(RequestStep::PostWebhooks);
            change.request.attention = None;
            change.request.work_at = Some(self.now());
            if self.write(change, &By::system(), "privacy_request.vendors_told").await?.is_some() {
                return Ok(true);
            }
        }
        Err(RequestError::Busy)
    }
}

/// What a request's log says once it is known whether a message to a vendor left.
fn settled(end: &VendorMailEnd) -> Vec<NewRequestLog> {
    match &end.failure {
        None => {
            let text = "requested: the vendor was written to; whether it erased is not known here";
            vec![Entry::done("complete", text).log(&end.mail), audit("email_sent", &By::system(), "")]
        }
        Some(failure) => {
            let text =
                format!("the message to the vendor did not leave ({failure}); the next batch tries again");
            vec![Entry::of_batch(&text).log(&end.mail)]
        }
    }
}

/// What a request's log says of a message to a vendor.
struct Entry<'a> {
    status: &'static str,
    text: &'a str,
    /// It is about the batch, not about the vendor.
    is_of_batch: bool,
}

impl<'a> Entry<'a> {
    fn done(status: &'static str, text: &'a str) -> Self {
        Self { status, text, is_of_batch: false }
    }

    fn of_batch(text: &'a str) -> Self {
        Self { status: "error", text, is_of_batch: true }
    }

    fn log(&self, mail: &VendorMail) -> NewRequestLog {
        let name = if self.is_of_batch { BATCH } else { &mail.connection };
        let mut log = NewRequestLog::of_work(name, self.status, self.text);
        log.connection_key = Some(mail.connection.clone());
        log.action_type = Some("erasure".to_owned());
        log
    }
}
