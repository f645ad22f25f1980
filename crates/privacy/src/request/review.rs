use crypto::Secret;
use model::PrivacyRequestId;
use store::{
    ClaimEnd, CodeChange, Intake, MessageKind, NewMessage, NewRequestLog, PrivacyRequest,
    PrivacyRequestChange, PrivacyRequestStatus, RequestLogKind, RunsEnd,
};

use super::identity::VerifiedBy;
use super::status::{Event, Refused, next};
use super::{ATTEMPTS, By, PrivacyRequests, RequestError};

impl PrivacyRequests {
    /// Approves a request that a person named by its id; workers take it up. Where no code could show
    /// whose the identities are, the person who approves vouches for them.
    ///
    /// # Errors
    /// [`RequestError::Refused`] in a status that is not to be decided about, or while a code is out;
    /// [`RequestError::UnverifiedDuplicate`].
    pub async fn approve(&self, id: &PrivacyRequestId, by: &By) -> Result<PrivacyRequest, RequestError> {
        self.approve_as(id, (by, ""), Vouching::Allowed).await
    }

    /// Approves a request whose identity was shown; nobody vouches for one that was not. With a fixed
    /// text for the log: for webhooks that decide, and for many requests that nobody looked at one by
    /// one.
    ///
    /// # Errors
    /// As [`PrivacyRequests::approve`]; [`RequestError::Refused`] for one that is `identity_unverified`.
    pub async fn approve_saying(
        &self,
        id: &PrivacyRequestId,
        by: &By,
        message: &str,
    ) -> Result<PrivacyRequest, RequestError> {
        self.approve_as(id, (by, message), Vouching::Refused).await
    }

    async fn approve_as(
        &self,
        id: &PrivacyRequestId,
        (by, message): (&By, &str),
        vouching: Vouching,
    ) -> Result<PrivacyRequest, RequestError> {
        for _ in 0..ATTEMPTS {
            let request = self.get_live(id).await?;
            let unverified = request.intake == Intake::Public && request.identity_verified_at.is_none();
            if request.status == PrivacyRequestStatus::Duplicate && unverified {
                return Err(RequestError::UnverifiedDuplicate);
            }
            let mut change = PrivacyRequestChange::of(&request);
            change.request.status = next(request.status, Event::Approve)?;
            if request.status == PrivacyRequestStatus::IdentityUnverified {
                match vouching {
                    Vouching::Allowed if by.user.is_some() => self.vouch(&mut change).await?,
                    Vouching::Allowed | Vouching::Refused => return Err(unshown().into()),
                }
            }
            let now = self.now();
            change.request.reviewed_at = Some(now);
            change.request.reviewed_by = by.user.clone();
            if self.store().privacy_request_custom_fields(id).await?.is_some() {
                change.request.custom_fields_approved_at = Some(now);
                change.request.custom_fields_approved_by = by.user.clone();
            }
            change.request.attention = None;
            change.request.work_at = Some(now);
            change.logs.push(audit("approved", by, message));
            change.messages.extend(self.review_message(MessageKind::Approved, &request, None).await?);
            if let Some(written) = self.write(change, by, "privacy_request.approved").await? {
                return Ok(written);
            }
        }
        Err(RequestError::Busy)
    }

    /// Denies a request for good, with a reason in the person's own words.
    ///
    /// # Errors
    /// [`RequestError::Refused`] in a status that is not to be decided about.
    pub async fn deny(
        &self,
        id: &PrivacyRequestId,
        by: &By,
        reason: Option<Secret<String>>,
    ) -> Result<PrivacyRequest, RequestError> {
        for _ in 0..ATTEMPTS {
            let request = self.get_live(id).await?;
            let mut change = PrivacyRequestChange::of(&request);
            change.request.status = next(request.status, Event::Deny)?;
            change.request.reviewed_at = Some(self.now());
            change.request.reviewed_by = by.user.clone();
            change.request.attention = None;
            end(&mut change, reason.as_ref());
            change.logs.push(NewRequestLog { words: copy(reason.as_ref()), ..audit("denied", by, "") });
            let told = self.review_message(MessageKind::Denied, &request, reason.as_ref()).await?;
            change.messages.extend(told);
            if let Some(written) = self.write(change, by, "privacy_request.denied").await? {
                return Ok(written);
            }
        }
        Err(RequestError::Busy)
    }

    /// Stops a request for good, whoever works on it: what was not sent by now is not sent any more. What
    /// was sent stays in the ledger.
    ///
    /// # Errors
    /// [`RequestError::NotCancelable`] once it is over, or went wrong.
    pub async fn cancel(
        &self,
        id: &PrivacyRequestId,
        by: &By,
        reason: Option<Secret<String>>,
    ) -> Result<PrivacyRequest, RequestError> {
        for _ in 0..ATTEMPTS {
            let request = self.get_live(id).await?;
            let mut change = PrivacyRequestChange::of(&request);
            let status = next(request.status, Event::Cancel);
            change.request.status =
                status.map_err(|refused| RequestError::NotCancelable { status: refused.status })?;
            change.request.canceled_at = Some(self.now());
            change.runs = RunsEnd::Cancel;
            end(&mut change, reason.as_ref());
            change.logs.push(NewRequestLog { words: copy(reason.as_ref()), ..audit("canceled", by, "") });
            if let Some(written) = self.write(change, by, "privacy_request.canceled").await? {
                return Ok(written);
            }
        }
        Err(RequestError::Busy)
    }

    /// A webhook that was asked says that a request may not be approved without a person.
    ///
    /// # Errors
    /// [`RequestError::Refused`] if it does not wait for that.
    pub async fn find_ineligible(
        &self,
        id: &PrivacyRequestId,
        webhook: &str,
    ) -> Result<PrivacyRequest, RequestError> {
        let by = By::system();
        for _ in 0..ATTEMPTS {
            let request = self.get_live(id).await?;
            let mut change = PrivacyRequestChange::of(&request);
            change.request.status = next(request.status, Event::FoundIneligible)?;
            change.request.work_at = None;
            let log = audit(
                "pre_approval_not_eligible",
                &by,
                "Request flagged for manual review by pre-approval webhooks",
            );
            change.logs.push(NewRequestLog { webhook_id: Some(webhook.to_owned()), ..log });
            if let Some(written) = self.write(change, &by, "privacy_request.found_ineligible").await? {
                return Ok(written);
            }
        }
        Err(RequestError::Busy)
    }

    /// What the person is told of a decision, if they are (privacy-requests L-12).
    async fn review_message(
        &self,
        kind: MessageKind,
        request: &PrivacyRequest,
        reason: Option<&Secret<String>>,
    ) -> Result<Option<NewMessage>, RequestError> {
        if !self.settings().await?.notices.review {
            return Ok(None);
        }
        let identities = match self.identities(&request.id).await {
            Err(RequestError::Forgotten { .. }) => return Ok(None),
            found => found?,
        };
        let message = super::message::to_person(kind, request, &identities);
        Ok(match (message, reason) {
            (Some(message), Some(reason)) => Some(message.with("denial_reason", reason.expose().as_str())),
            (message, _) => message,
        })
    }

    /// The person who approves vouches for the identities: only where no code is out that could show
    /// whose they are.
    async fn vouch(&self, change: &mut PrivacyRequestChange) -> Result<(), RequestError> {
        let request = &mut change.request;
        if !self.store().privacy_request_codes_open(&request.id).await?.is_empty() {
            return Err(unshown().into());
        }
        let mut identities = self.identities(&request.id).await?;
        let kinds: Vec<String> = identities.unverified().map(str::to_owned).collect();
        for kind in kinds {
            identities.verify(&kind, VerifiedBy::Person);
        }
        request.identity_verified_at.get_or_insert(self.now());
        change.identities = Some(identities.to_bytes());
        change.codes = CodeChange::Clear;
        Ok(())
    }
}

/// Whether who approves may say that the identities are the person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vouching {
    /// They named this request.
    Allowed,
    /// They did not look at it.
    Refused,
}

fn unshown() -> Refused {
    Refused { status: PrivacyRequestStatus::IdentityUnverified, event: Event::Approve }
}

/// Nobody works on it, nobody gives codes for it, and this is why.
fn end(change: &mut PrivacyRequestChange, reason: Option<&Secret<String>>) {
    change.request.work_at = None;
    change.claim = ClaimEnd::End;
    change.codes = CodeChange::Clear;
    change.reason = copy(reason);
}

/// An entry about a decision (privacy-requests LOG-4).
pub(crate) fn audit(action: &str, by: &By, message: &str) -> NewRequestLog {
    NewRequestLog {
        user_id: Some(by.user.clone().unwrap_or_else(|| "system".to_owned())),
        message: Some(message.to_owned()).filter(|message| !message.is_empty()),
        ..NewRequestLog::new(RequestLogKind::Audit, action)
    }
}

fn copy(words: Option<&Secret<String>>) -> Option<Secret<String>> {
    words.map(|words| Secret::new(words.expose().clone()))
}
