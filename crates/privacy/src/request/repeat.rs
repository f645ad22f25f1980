//! A call that is made again, because its answer got lost: what it made is given back.

use crypto::Secret;
use model::PrivacyRequestId;
use store::PrivacyRequest;

use super::correct::{corrections_text, limits_text};
use super::identity::HeldIdentities;
use super::{By, NewRequest, PrivacyRequests, RequestError};

/// What a call that is made again has to want again.
pub(super) struct Again {
    pub(super) policy: String,
    corrections: Option<Secret<Vec<u8>>>,
    raised: Option<String>,
}

impl Again {
    pub(super) fn of(new: &NewRequest) -> Self {
        Self {
            policy: new.policy.clone(),
            corrections: corrections_text(&new.corrections),
            raised: limits_text(new.raised),
        }
    }
}

impl PrivacyRequests {
    /// The id of the request that this caller names so: the same each time, and nobody else's.
    pub(super) fn repeated_id(&self, key: &str, by: &By) -> PrivacyRequestId {
        let by = by.name();
        let hash = self.store().keyed_hash(format!("repeat|{}|{by}|{key}", by.len()).as_bytes());
        let (bytes, _) = hash.split_first_chunk().unwrap_or((&[0; 16], &[]));
        let uuid = uuid::Builder::from_custom_bytes(*bytes).into_uuid();
        format!("pri_{uuid}").parse().unwrap_or_else(|_| PrivacyRequestId::new(&*self.parts.ids))
    }

    /// The request that an earlier call of the same name made, if it made one.
    pub(super) async fn made_before(
        &self,
        id: &PrivacyRequestId,
        (again, identities): (&Again, &HeldIdentities),
    ) -> Result<Option<PrivacyRequest>, RequestError> {
        let Some(made) = self.store().privacy_request_find(id).await? else { return Ok(None) };
        let asked = |held: &HeldIdentities| -> Vec<(String, String)> {
            held.lookups().into_iter().map(|lookup| (lookup.name, lookup.value)).collect()
        };
        let is_same = match self.identities(id).await {
            // A webhook may have added some since.
            Ok(held) => asked(identities).iter().all(|one| asked(&held).contains(one)),
            Err(RequestError::Forgotten { .. }) => true,
            Err(error) => return Err(error),
        };
        let is_same = is_same && self.wants_the_same(&made, again).await?;
        if made.policy != again.policy || !is_same {
            return Err(RequestError::KeyReused { id: id.clone() });
        }
        Ok(Some(made))
    }

    /// Whether a request that was made wanted what is wanted again, as far as anybody still knows.
    async fn wants_the_same(&self, made: &PrivacyRequest, again: &Again) -> Result<bool, RequestError> {
        let kept = self.store().privacy_request_corrections(&made.id).await?;
        let is_same = match (&kept, &again.corrections) {
            (Some(kept), Some(again)) => kept.expose() == again.expose(),
            (None, Some(_)) => made.corrects && made.forgotten_at.is_some(),
            (Some(_), None) => false,
            (None, None) => !made.corrects,
        };
        Ok(is_same && made.raised_limits == again.raised)
    }
}
