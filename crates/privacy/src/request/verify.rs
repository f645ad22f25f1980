use crypto::Secret;
use jiff::SignedDuration;
use model::PrivacyRequestId;
use store::{
    CodeChange, CodeCheck, MessageFilter, MessageKind, PrivacyRequest, PrivacyRequestChange,
    PrivacyRequestStatus as Status, Window,
};

use super::identity::VerifiedBy;
use super::status::{Event, next};
use super::{ATTEMPTS, By, PrivacyRequests, RequestError, message};

/// Messages with codes that are put for one request within a day.
const MOST_MESSAGES: u64 = 10;

impl PrivacyRequests {
    /// Takes a code that was sent to an identity: that identity, and no other, is then known to be
    /// theirs (privacy-requests W-10 to W-12).
    ///
    /// # Errors
    /// [`RequestError::NotToVerify`], [`RequestError::CodeExpired`], [`RequestError::CodeWrong`],
    /// [`RequestError::CodeSpent`].
    pub async fn verify(
        &self,
        id: &PrivacyRequestId,
        code: &Secret<String>,
    ) -> Result<PrivacyRequest, RequestError> {
        let settings = self.settings().await?;
        let request = self.get_live(id).await?;
        let open = self.store().privacy_request_codes_open(id).await?;
        let first = matches!(request.status, Status::IdentityUnverified | Status::Duplicate);
        // A further identity of a request that still waits for a decision may be shown, too.
        if !first && (open.is_empty() || next(request.status, Event::IdentityVerified).is_err()) {
            return Err(RequestError::NotToVerify { id: id.clone(), status: request.status });
        }
        let limit = settings.attempt_limit;
        let kind = match self.store().privacy_request_code_check(id, code.expose(), limit).await? {
            CodeCheck::Right { kind } => kind,
            CodeCheck::Wrong => return Err(RequestError::CodeWrong { id: id.clone() }),
            CodeCheck::Spent => return Err(RequestError::CodeSpent { id: id.clone() }),
            CodeCheck::Absent => return Err(RequestError::CodeExpired { id: id.clone() }),
        };
        Box::pin(self.verified(id, &kind)).await
    }

    async fn verified(&self, id: &PrivacyRequestId, kind: &str) -> Result<PrivacyRequest, RequestError> {
        let settings = self.settings().await?;
        for _ in 0..ATTEMPTS {
            let request = self.get_live(id).await?;
            let mut identities = self.identities(id).await?;
            identities.verify(kind, VerifiedBy::Code);
            let mut change = PrivacyRequestChange::of(&request);
            let status = next(request.status, Event::IdentityVerified);
            change.request.status =
                status.map_err(|_| RequestError::NotToVerify { id: id.clone(), status: request.status })?;
            change.request.identity_verified_at.get_or_insert(self.now());
            change.request.due_at = self.due_with(&change.request, None, self.now()).await?;
            change.request.attention = None;
            change.identities = Some(identities.to_bytes());
            change.codes = CodeChange::Used(kind.to_owned());
            let mut losers = Vec::new();
            if change.request.status != request.status {
                let evaluated = self.evaluate(&mut change.request, &identities, &settings).await?;
                change.logs = evaluated.logs;
                change.messages = evaluated.messages;
                losers = evaluated.losers;
                if settings.notices.receipt {
                    change.messages.extend(message::to_person(MessageKind::Receipt, &request, &identities));
                }
            }
            match self.write(change, &By::system(), "privacy_request.verified").await {
                Ok(Some(written)) => {
                    self.demote(&losers).await?;
                    return Ok(written);
                }
                Ok(None) => {}
                // Somebody gave the same code at the same time.
                Err(RequestError::Store(store::StoreError::NotFound { .. })) => {
                    return Err(RequestError::CodeExpired { id: id.clone() });
                }
                Err(error) => return Err(error),
            }
        }
        Err(RequestError::Busy)
    }

    /// Sends new codes to the identities that nobody has shown yet; the old ones are good no more.
    ///
    /// # Errors
    /// [`RequestError::NotToVerify`], [`RequestError::NoChannel`] if there is none to send to,
    /// [`RequestError::EnoughCodes`] after ten messages within a day.
    pub async fn send_codes(&self, id: &PrivacyRequestId) -> Result<PrivacyRequest, RequestError> {
        let settings = self.settings().await?;
        for _ in 0..ATTEMPTS {
            let request = self.get_live(id).await?;
            if !matches!(request.status, Status::IdentityUnverified | Status::Duplicate) {
                return Err(RequestError::NotToVerify { id: id.clone(), status: request.status });
            }
            let identities = self.identities(id).await?;
            let codes = self.codes(&identities, &settings);
            if codes.is_empty() {
                return Err(RequestError::NoChannel);
            }
            self.may_send_codes(id).await?;
            let codes = self.within_cap(codes, &identities, request.created_at).await?;
            let mut change = PrivacyRequestChange::of(&request);
            change.request.attention = None;
            change.messages = message::codes(id, &identities, &codes, &settings);
            change.codes = CodeChange::Sent(codes);
            if let Some(written) = self.write(change, &By::system(), "privacy_request.codes_sent").await? {
                return Ok(written);
            }
        }
        Err(RequestError::Busy)
    }

    /// Refuses once so many messages with codes were put for a request within a day: nobody floods a
    /// mailbox by asking for codes again and again.
    pub(super) async fn may_send_codes(&self, id: &PrivacyRequestId) -> Result<(), RequestError> {
        let filter = MessageFilter {
            about: Some(id.as_str()),
            kind: Some(MessageKind::VerificationCode),
            ..MessageFilter::default()
        };
        let oldest = Window { offset: MOST_MESSAGES - 1, limit: 1 };
        let oldest = self.store().message_list(filter, oldest).await?.items.pop();
        let day_ago = self.now().checked_sub(SignedDuration::from_hours(24)).ok();
        if oldest.is_some_and(|message| Some(message.created_at) > day_ago) {
            return Err(RequestError::EnoughCodes { id: id.clone() });
        }
        Ok(())
    }
}
