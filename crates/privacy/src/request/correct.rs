//! What whoever makes a request wants of its plan: right values for fields, and limits raised for it.

use crypto::Secret;
use serde_json::Value;
use store::{Policy, PrivacyRequest, RuleAction, StoreError};

use super::{NewRequest, PrivacyRequests, RequestError, Submitter};
use crate::plan::Correction;
use crate::planning::RaisedLimits;

impl NewRequest {
    /// Whether its plan waits for approval, whatever its policy says: limits that somebody raised are
    /// approved with the plan.
    pub(super) fn asks_for_plan(&self) -> bool {
        self.asks_for_plan || !self.raised.is_empty()
    }

    /// Whether its policy allows what it wants changed, and its caller may want it.
    pub(super) fn check_change(&self, policy: &Policy, submitter: &Submitter) -> Result<(), RequestError> {
        let corrects = !self.corrections.is_empty();
        let wanted = [("corrections", corrects), ("limits", !self.raised.is_empty())];
        if let (None, Some((what, _))) = (&submitter.caller, wanted.iter().find(|(_, is_wanted)| *is_wanted))
        {
            return Err(RequestError::OfCallers { what });
        }
        let has = |action| policy.rules.iter().any(|rule| rule.action == action);
        let key = || policy.key.clone();
        if corrects && !has(RuleAction::Rectification) {
            return Err(RequestError::NoRectification { key: key() });
        }
        let does_more = has(RuleAction::Access) || has(RuleAction::Erasure);
        if !corrects && has(RuleAction::Rectification) && !does_more {
            return Err(RequestError::NothingToCorrect { key: key() });
        }
        if !self.raised.is_empty() && !corrects && !has(RuleAction::Erasure) {
            return Err(RequestError::NothingToLimit { key: key() });
        }
        Ok(())
    }
}

impl PrivacyRequests {
    /// Fields with their right values, of a request that corrects; none of one that does not.
    ///
    /// # Errors
    /// [`RequestError::Forgotten`] once they were destroyed: a request for corrections never passes for one
    /// to erase.
    pub(crate) async fn corrections(
        &self,
        request: &PrivacyRequest,
    ) -> Result<Vec<(String, Value)>, RequestError> {
        if !request.corrects {
            return Ok(Vec::new());
        }
        let kept = self.store().privacy_request_corrections(&request.id).await?;
        let kept = kept.ok_or_else(|| RequestError::Forgotten { id: request.id.clone() })?;
        let read: Option<Vec<Correction>> = serde_json::from_slice(kept.expose()).ok();
        let corrections = read.filter(|corrections| !corrections.is_empty());
        let corrections =
            corrections.ok_or(StoreError::Damaged { what: "the corrections of a privacy request" })?;
        Ok(corrections.into_iter().map(|one| (one.field, one.value)).collect())
    }
}

/// Limits that were raised for the plan of a request.
///
/// # Errors
/// [`StoreError::Damaged`] for what this version cannot read.
pub(crate) fn raised_limits(request: &PrivacyRequest) -> Result<RaisedLimits, StoreError> {
    let Some(text) = &request.raised_limits else { return Ok(RaisedLimits::default()) };
    serde_json::from_str(text)
        .map_err(|_| StoreError::Damaged { what: "the raised limits of a privacy request" })
}

/// Corrections as they are kept; `None` for none.
pub(super) fn corrections_text(corrections: &[(String, Value)]) -> Option<Secret<Vec<u8>>> {
    let corrections: Vec<Correction> = corrections
        .iter()
        .map(|(field, value)| Correction { field: field.clone(), value: value.clone() })
        .collect();
    let text = || serde_json::to_vec(&corrections).expect("corrections have text keys and no failing parts");
    (!corrections.is_empty()).then(|| Secret::new(text()))
}

/// Raised limits as they are kept; `None` for none.
pub(super) fn limits_text(raised: RaisedLimits) -> Option<String> {
    let text =
        || serde_json::to_string(&raised).expect("limits have text keys, and shares are finite numbers");
    (!raised.is_empty()).then(text)
}
