//! Writing to vendors about the requests that wait for it, all of a vendor's in one message
//! (privacy-requests W-21, W-24).

use jiff::tz::TimeZone;
use model::PrivacyRequestId;
use store::{
    MessageKind, MessageTo, NewMessage, NewRequestLog, PrivacyRequestChange, PrivacyRequestStatus,
    RequestStep, VendorMail, VendorMailEnd,
};

use super::review::audit;
use super::status::{Event, next};
use super::{ATTEMPTS, By, PrivacyRequests, RequestError};
use crate::hold;
use crate::vendor_mail::{Vendor, vendor_of};

/// The most people in one message.
const MOST_PEOPLE: u32 = 500;
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
}

impl PrivacyRequests {
    /// Writes to vendors if a time of the schedule has passed since it was last done; one process at a
    /// time.
    ///
    /// # Errors
    /// [`RequestError`]; what was put on its way is.
    pub async fn vendor_mail_on_time(&self) -> Result<VendorMailSent, RequestError> {
        let Some(configured) = &self.parts.configured else { return Ok(VendorMailSent::default()) };
        let times = &configured.server.vendor_mail;
        // Checked with the settings.
        let zone = TimeZone::get(&times.time_zone).unwrap_or(TimeZone::UTC);
        let since = self.store().scheduled_since(SCHEDULE).await?;
        let now = self.now();
        if times.schedule.next_after(since, &zone).is_none_or(|next| next > now) {
            return Ok(VendorMailSent::default());
        }
        let sent = self.vendor_mail_send().await?;
        self.store().scheduled_done(SCHEDULE, now).await?;
        Ok(sent)
    }

    /// Writes to every vendor that is to be told of requests, now.
    ///
    /// # Errors
    /// [`RequestError`]; what was put on its way is.
    pub async fn vendor_mail_send(&self) -> Result<VendorMailSent, RequestError> {
        let mut sent = VendorMailSent::default();
        for connection in self.store().vendor_mail_vendors().await? {
            let vendor = vendor_of(self.store(), &connection).await?;
            let mut after = None;
            loop {
                let waiting = self.store().vendor_mail_waiting(&connection, after.as_ref(), MOST_PEOPLE);
                let part = waiting.await?;
                let Some(last) = part.last() else { break };
                after = Some(last.request.clone());
                let told = match &vendor {
                    Some(vendor) if vendor.address.is_empty() => {
                        let why = "the connection has no `recipient_email_address`; put its secrets";
                        self.vendor_mail_held_up(&part, why).await?;
                        0
                    }
                    Some(vendor) => self.vendor_mail_tell((&connection, vendor), &part).await?,
                    None => {
                        let why = "the connection is gone or switched off, so nobody was written to";
                        self.vendor_mail_leave_out(&part, why).await?;
                        0
                    }
                };
                sent.messages += usize::from(told > 0);
                sent.requests += told;
            }
        }
        Ok(sent)
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

    /// Puts one message to a vendor on its way; says of how many requests it tells.
    async fn vendor_mail_tell(
        &self,
        (connection, vendor): (&str, &Vendor),
        mails: &[VendorMail],
    ) -> Result<usize, RequestError> {
        let (mut lines, mut requests, mut not_wanted) = (Vec::new(), Vec::new(), Vec::new());
        for mail in mails {
            if self.vendor_mail_is_held(mail).await? {
                continue;
            }
            let line = match self.identities(&mail.request).await {
                Ok(identities) => vendor.line(&identities.verified()),
                Err(RequestError::Forgotten { .. }) => None,
                Err(error) => return Err(error),
            };
            match line {
                Some(line) => {
                    lines.push(line);
                    requests.push(mail.request.clone());
                }
                None => not_wanted.push(mail.clone()),
            }
        }
        let why = "nothing is known of the person that the vendor wants to know, so it was not written to";
        self.vendor_mail_leave_out(&not_wanted, why).await?;
        if lines.is_empty() {
            return Ok(0);
        }
        let to = MessageTo::Mailbox(vendor.address.clone());
        let message = NewMessage::new(MessageKind::VendorErasure, to)
            .about(connection)
            .with("vendor", vendor.name.as_str())
            .with("identities", lines.join("\n"));
        // `false`: another process tells the vendor of them at the same time.
        let put = self.store().vendor_mail_send((connection, &requests), &message).await?;
        Ok(if put { requests.len() } else { 0 })
    }

    /// Leaves a request out that a hold covers by now; what is held is asked for when it ends.
    async fn vendor_mail_is_held(&self, mail: &VendorMail) -> Result<bool, RequestError> {
        let holds = self.store().hold_list_of(&mail.request).await?;
        let Some(held) = holds.iter().find(|one| hold::is_about(one, &mail.connection)) else {
            return Ok(false);
        };
        hold::keep_rest_of(self.store(), &self.get(&mail.request).await?, &holds).await?;
        let why = format!("{}: the vendor is not written to", hold::reason(held));
        self.vendor_mail_leave_out(std::slice::from_ref(mail), &why).await?;
        Ok(true)
    }

    async fn vendor_mail_held_up(&self, mails: &[VendorMail], why: &str) -> Result<(), RequestError> {
        for mail in mails {
            self.vendor_mail_log(mail, Entry::of_batch(why)).await?;
        }
        Ok(())
    }

    async fn vendor_mail_leave_out(&self, mails: &[VendorMail], why: &str) -> Result<(), RequestError> {
        for mail in mails {
            self.vendor_mail_log(mail, Entry::done("skipped", why)).await?;
            self.store().vendor_mail_skip(mail).await?;
        }
        Ok(())
    }

    async fn vendor_mail_log(&self, mail: &VendorMail, entry: Entry<'_>) -> Result<(), RequestError> {
        for _ in 0..ATTEMPTS {
            let mut change = PrivacyRequestChange::of(&self.get(&mail.request).await?);
            change.logs.push(entry.log(mail));
            if self.write(change, &By::system(), "privacy_request.vendor_mail").await?.is_some() {
                return Ok(());
            }
        }
        Err(RequestError::Busy)
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
