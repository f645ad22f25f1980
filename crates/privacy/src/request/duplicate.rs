//! Requests that are the same (privacy-requests 14.6).

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use model::PrivacyRequestId;
use store::{
    PrivacyRequest, PrivacyRequestFilter, PrivacyRequestStatus as Status, TimeRange, Window,
};

use super::identity::{HeldIdentities, identity_lookup};
use super::{PrivacyRequests, RequestError, RequestSettings};

/// Bound to the way in which equal requests are found: a new way makes new groups.
const RULE: u32 = 1;

/// The most equal requests that are looked at.
const MOST: u32 = 1_000;

/// How a request stands to those that are the same.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// There are none.
    Alone,
    /// It is the one that counts.
    Counts {
        /// The group they are.
        group: String,
        /// Those that count no more.
        losers: Vec<PrivacyRequestId>,
    },
    /// Another one counts.
    Duplicate {
        /// The group they are.
        group: String,
        /// The one that counts.
        of: Option<PrivacyRequestId>,
    },
}

impl PrivacyRequests {
    /// Looks for requests that are the same, if that is wanted.
    pub(super) async fn standing(
        &self,
        request: &PrivacyRequest,
        identities: &HeldIdentities,
        settings: &RequestSettings,
    ) -> Result<Standing, RequestError> {
        let rule = &settings.duplicates;
        if !rule.enabled || rule.fields.is_empty() {
            return Ok(Standing::Alone);
        }
        let mut found: Option<Vec<PrivacyRequest>> = None;
        let mut described = format!("{RULE}|{}", request.policy);
        for field in &rule.fields {
            // A request that lacks one of the fields is never a duplicate.
            let Some(held) = identities.get(field) else { return Ok(Standing::Alone) };
            for value in &held.values {
                described.push_str(&format!("|{field}={value}"));
                let ids = found.as_ref().map(|found| ids_of(found));
                if ids.as_ref().is_some_and(Vec::is_empty) {
                    break;
                }
                let filter = PrivacyRequestFilter {
                    policy: Some(request.policy.clone()),
                    identities: vec![identity_lookup(field, value)],
                    created: window(request.created_at, rule.days),
                    ids: ids.unwrap_or_default(),
                    ..PrivacyRequestFilter::default()
                };
                let window = Window { offset: 0, limit: MOST };
                found = Some(self.store().privacy_request_list(&filter, window).await?.items);
            }
        }
        let others: Vec<PrivacyRequest> =
            found.unwrap_or_default().into_iter().filter(|other| other.id != request.id).collect();
        if others.is_empty() {
            return Ok(Standing::Alone);
        }
        let hash = self.store().keyed_hash(described.to_lowercase().as_bytes());
        let group = uuid::Builder::from_slice(&hash[..16]).map(uuid::Builder::into_uuid).unwrap_or_default();
        Ok(judged(request, &others, group.to_string()))
    }
}

/// Which one counts (privacy-requests L-32).
fn judged(request: &PrivacyRequest, others: &[PrivacyRequest], group: String) -> Standing {
    if is_actioned(request.status) {
        let losers = others.iter().filter(|other| may_lose(other.status)).map(|other| other.id.clone());
        return Standing::Counts { group, losers: losers.collect() };
    }
    if let Some(actioned) = others.iter().find(|other| is_actioned(other.status)) {
        return Standing::Duplicate { group, of: Some(actioned.id.clone()) };
    }
    let contenders = || {
        let others = others.iter().filter(|other| may_lose(other.status) && other.status != Status::Duplicate);
        others.chain([request])
    };
    let verified = contenders().filter(|one| verified_at(one).is_some()).min_by_key(|one| (verified_at(one), &one.id));
    let winner = verified.or_else(|| contenders().min_by_key(|one| (one.created_at, &one.id)));
    match winner {
        Some(winner) if winner.id != request.id => {
            Standing::Duplicate { group, of: Some(winner.id.clone()) }
        }
        Some(_) | None => {
            let losers: HashSet<&PrivacyRequestId> =
                contenders().filter(|one| one.id != request.id).map(|one| &one.id).collect();
            let mut losers: Vec<PrivacyRequestId> = losers.into_iter().cloned().collect();
            losers.sort();
            Standing::Counts { group, losers }
        }
    }
}

/// When its identity was shown: a caller that was let in has vouched for it at once.
fn verified_at(request: &PrivacyRequest) -> Option<Timestamp> {
    match request.intake {
        store::Intake::Authenticated => Some(request.created_at),
        store::Intake::Public => request.identity_verified_at,
    }
}

/// Carried out or in the middle of it: it makes others duplicates and is none itself.
fn is_actioned(status: Status) -> bool {
    super::status::is_under_way(status) || status == Status::Error
}

/// Not decided yet.
fn may_lose(status: Status) -> bool {
    matches!(
        status,
        Status::IdentityUnverified
            | Status::Pending
            | Status::AwaitingPreApproval
            | Status::PreApprovalNotEligible
            | Status::Duplicate
    )
}

fn window(made: Timestamp, days: u32) -> TimeRange {
    let length = SignedDuration::from_hours(24 * i64::from(days));
    TimeRange { after: made.checked_sub(length).ok(), before: made.checked_add(length).ok() }
}

fn ids_of(requests: &[PrivacyRequest]) -> Vec<String> {
    requests.iter().map(|request| request.id.to_string()).collect()
}
