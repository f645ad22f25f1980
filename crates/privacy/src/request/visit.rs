//! Codes for people who come back to a request that is theirs already: to see how far it is, or to
//! fetch their data.

use crypto::Secret;
use model::PrivacyRequestId;
use store::{CodeChange, CodeCheck, NewCode, PrivacyRequestChange, PrivacyRequestStatus as Status};

use super::create::later;
use super::{ATTEMPTS, By, PrivacyRequests, RequestError, message};

impl PrivacyRequests {
    /// Sends a code to the identities of a request that can be written to: to those that nobody has shown
    /// yet while it waits for that, else to those that are known to be theirs.
    ///
    /// # Errors
    /// [`RequestError::NoChannel`] if there is none to send to, [`RequestError::EnoughCodes`] after ten
    /// messages within a day.
    pub async fn send_visit_codes(&self, id: &PrivacyRequestId) -> Result<(), RequestError> {
        let settings = self.settings().await?;
        for _ in 0..ATTEMPTS {
            let request = self.get_live(id).await?;
            if matches!(request.status, Status::IdentityUnverified | Status::Duplicate) {
                return self.send_codes(id).await.map(|_| ());
            }
            let identities = self.identities(id).await?;
            let reachable = |kind: &&str| match *kind {
                "email" => settings.channels.email,
                "phone_number" => settings.channels.sms,
                _ => false,
            };
            let theirs = |kind: &&str| {
                identities.get(kind).is_some_and(|held| held.verified.is_some() && held.values.len() == 1)
            };
            let expires_at = later(self.now(), settings.code_ttl);
            let kinds = identities.iter().map(|(kind, _)| kind).filter(reachable).filter(theirs);
            let codes: Vec<NewCode> = kinds
                .map(|kind| NewCode { kind: kind.to_owned(), code: crypto::random_digits(6), expires_at })
                .collect();
            if codes.is_empty() {
                return Err(RequestError::NoChannel);
            }
            self.may_send_codes(id).await?;
            let mut change = PrivacyRequestChange::of(&request);
            change.messages = message::codes(id, &identities, &codes, &settings);
            change.codes = CodeChange::Sent(codes);
            if self.write(change, &By::system(), "privacy_request.codes_sent").await?.is_some() {
                return Ok(());
            }
        }
        Err(RequestError::Busy)
    }

    /// Takes a code that was sent to somebody who came back; an identity that was not shown yet is shown
    /// by it.
    ///
    /// # Errors
    /// As [`PrivacyRequests::verify`].
    pub async fn visit(&self, id: &PrivacyRequestId, code: &Secret<String>) -> Result<(), RequestError> {
        let settings = self.settings().await?;
        let request = self.get_live(id).await?;
        if matches!(request.status, Status::IdentityUnverified | Status::Duplicate) {
            return self.verify(id, code).await.map(|_| ());
        }
        let limit = settings.attempt_limit;
        let kind = match self.store().privacy_request_code_check(id, code.expose(), limit).await? {
            CodeCheck::Right { kind } => kind,
            CodeCheck::Wrong => return Err(RequestError::CodeWrong { id: id.clone() }),
            CodeCheck::Spent => return Err(RequestError::CodeSpent { id: id.clone() }),
            CodeCheck::Absent => return Err(RequestError::CodeExpired { id: id.clone() }),
        };
        // A code for an identity that nobody has shown yet is none for somebody who comes back.
        let held = self.identities(id).await?;
        let is_new = held.get(&kind).is_some_and(|held| held.verified.is_none());
        if is_new {
            return Err(RequestError::NotToVerify { id: id.clone(), status: request.status });
        }
        for _ in 0..ATTEMPTS {
            let mut change = PrivacyRequestChange::of(&self.get_live(id).await?);
            change.codes = CodeChange::Used(kind.clone());
            match self.write(change, &By::system(), "privacy_request.visited").await {
                Ok(Some(_)) => return Ok(()),
                Ok(None) => {}
                Err(RequestError::Store(store::StoreError::NotFound { .. })) => {
                    return Err(RequestError::CodeExpired { id: id.clone() });
                }
                Err(error) => return Err(error),
            }
        }
        Err(RequestError::Busy)
    }
}
