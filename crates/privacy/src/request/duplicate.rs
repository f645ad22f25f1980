//! Requests that are the same (privacy-requests 14.6).

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use model::PrivacyRequestId;
use store::{
    Intake, PrivacyRequest, PrivacyRequestFilter, PrivacyRequestStatus as Status, TimeRange, Window,
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
        // Of two corrections each has values of its own.
        if !rule.enabled || rule.fields.is_empty() || request.corrects {
            return Ok(Standing::Alone);
        }
        let mut found: Option<Vec<PrivacyRequest>> = None;
        let mut described = format!("{RULE}|{}", request.policy);
        for field in &rule.fields {
            // A request that lacks one of the fields is never a duplicate.
            let Some(held) = identities.get(field) else { return Ok(Standing::Alone) };
            for value in &held.values {
                described.extend(["|", field, "=", &value.to_string()]);
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
        let found = found.unwrap_or_default().into_iter();
        let others: Vec<PrivacyRequest> =
            found.filter(|other| other.id != request.id && !other.corrects).collect();
        if others.is_empty() {
            return Ok(Standing::Alone);
        }
        let mut shown = HashSet::new();
        for one in &others {
            if self.is_shown(one, &rule.fields).await? {
                shown.insert(one.id.clone());
            }
        }
        if rule.fields.iter().all(|field| is_verified(identities, field)) {
            shown.insert(request.id.clone());
        }
        let hash = self.store().keyed_hash(described.to_lowercase().as_bytes());
        let group = uuid::Builder::from_slice(&hash[..16]).map(uuid::Builder::into_uuid).unwrap_or_default();
        Ok(judged(request, &others, (&shown, group.to_string())))
    }

    /// Whether each of the identities by which equal requests are found was shown to be theirs.
    async fn is_shown(&self, request: &PrivacyRequest, fields: &[String]) -> Result<bool, RequestError> {
        if verified_at(request).is_none() {
            return Ok(false);
        }
        match self.identities(&request.id).await {
            Ok(identities) => Ok(fields.iter().all(|field| is_verified(&identities, field))),
            // Nobody can tell any more.
            Err(RequestError::Forgotten { .. }) => Ok(request.intake == Intake::Authenticated),
            Err(error) => Err(error),
        }
    }
}

fn is_verified(identities: &HeldIdentities, field: &str) -> bool {
    identities.get(field).is_some_and(|held| held.verified.is_some())
}

/// Which one counts (privacy-requests L-32). Only those in `shown` make others duplicates: anybody can
/// name an identity of somebody else, whose requests go on all the same.
fn judged(
    request: &PrivacyRequest,
    others: &[PrivacyRequest],
    (shown, group): (&HashSet<PrivacyRequestId>, String),
) -> Standing {
    let is_shown = |one: &&PrivacyRequest| shown.contains(&one.id);
    if is_actioned(request.status) {
        let losers = others.iter().filter(|other| may_lose(other.status) && shown.contains(&request.id));
        return Standing::Counts { group, losers: losers.map(|other| other.id.clone()).collect() };
    }
    if let Some(actioned) = others.iter().filter(is_shown).find(|other| is_actioned(other.status)) {
        return Standing::Duplicate { group, of: Some(actioned.id.clone()) };
    }
    let contenders = || {
        let others =
            others.iter().filter(|other| may_lose(other.status) && other.status != Status::Duplicate);
        others.chain([request])
    };
    let winner = contenders().filter(is_shown).min_by_key(|one| (verified_at(one), &one.id));
    match winner {
        None => Standing::Counts { group, losers: Vec::new() },
        Some(winner) if winner.id != request.id => Standing::Duplicate { group, of: Some(winner.id.clone()) },
        Some(_) => {
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
        Intake::Authenticated => Some(request.created_at),
        Intake::Public => request.identity_verified_at,
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

#[cfg(test)]
mod tests {
    use model::RandomIds;
    use rstest::rstest;

    use super::*;
    use crate::request::create::tests::request;

    /// A request in this status, made and shown so many minutes after the beginning of time.
    fn one(status: Status, made: i64, shown: Option<i64>) -> PrivacyRequest {
        let at = |minutes: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        PrivacyRequest {
            id: PrivacyRequestId::new(&RandomIds),
            status,
            intake: Intake::Public,
            created_at: at(made),
            identity_verified_at: shown.map(at),
            ..request()
        }
    }

    /// As if each had shown all of its identities, or none.
    fn judge(request: &PrivacyRequest, others: &[PrivacyRequest]) -> Standing {
        let shown = others.iter().chain([request]).filter(|one| verified_at(one).is_some());
        judged(request, others, (&shown.map(|one| one.id.clone()).collect(), "group".to_owned()))
    }

    fn counts(request: &PrivacyRequest, others: &[PrivacyRequest]) -> bool {
        match judge(request, others) {
            Standing::Counts { .. } => true,
            Standing::Duplicate { .. } => false,
            Standing::Alone => panic!("there are others"),
        }
    }

    // rule: privacy-requests L-32
    #[rstest]
    #[case::nobody_has_shown_the_earlier(
        one(Status::Pending, 2, Some(2)),
        one(Status::Pending, 1, None),
        true
    )]
    #[case::neither_is_shown(one(Status::Pending, 2, None), one(Status::Pending, 1, None), true)]
    #[case::the_other_is_shown(one(Status::Pending, 1, None), one(Status::Pending, 2, Some(3)), false)]
    #[case::shown_beats_earlier(
        one(Status::Pending, 2, Some(3)),
        one(Status::IdentityUnverified, 1, None),
        true
    )]
    #[case::earlier_shown(one(Status::Pending, 1, Some(5)), one(Status::Pending, 2, Some(3)), false)]
    #[case::done(one(Status::Pending, 2, None), one(Status::Complete, 1, Some(1)), true)]
    #[case::denied(one(Status::Pending, 2, None), one(Status::Denied, 1, Some(1)), true)]
    #[case::under_way(one(Status::Pending, 1, Some(1)), one(Status::InProcessing, 2, Some(2)), false)]
    #[case::went_wrong(one(Status::Pending, 1, Some(1)), one(Status::Error, 2, Some(2)), false)]
    #[case::under_way_and_not_shown(
        one(Status::Pending, 1, Some(1)),
        one(Status::InProcessing, 2, None),
        true
    )]
    #[case::itself_under_way(one(Status::Approved, 2, None), one(Status::InProcessing, 1, Some(1)), true)]
    #[case::a_duplicate_does_not_count(
        one(Status::Pending, 2, None),
        one(Status::Duplicate, 1, Some(1)),
        true
    )]
    fn the_right_one_counts(
        #[case] asked: PrivacyRequest,
        #[case] other: PrivacyRequest,
        #[case] expected: bool,
    ) {
        assert_eq!(counts(&asked, std::slice::from_ref(&other)), expected);
    }

    #[test]
    fn of_requests_that_are_not_decided_exactly_one_counts() {
        let all = [
            one(Status::Pending, 1, None),
            one(Status::Pending, 1, None),
            one(Status::Pending, 3, Some(9)),
            one(Status::AwaitingPreApproval, 2, Some(9)),
            one(Status::PreApprovalNotEligible, 4, Some(10)),
        ];

        let counting = all.iter().filter(|asked| {
            let others: Vec<_> = all.iter().filter(|other| other.id != asked.id).cloned().collect();
            counts(asked, &others)
        });

        assert_eq!(counting.count(), 1);
    }

    #[test]
    fn those_that_lose_are_named_and_what_is_decided_is_not_among_them() {
        let asked = one(Status::Pending, 1, Some(2));
        let others = [
            one(Status::IdentityUnverified, 1, None),
            one(Status::Complete, 1, None),
            one(Status::Canceled, 1, None),
        ];

        let standing = judge(&asked, &others);

        let losers = vec![others[0].id.clone()];
        assert_eq!(standing, Standing::Counts { group: "group".to_owned(), losers });
    }
}
