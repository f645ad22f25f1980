//! What is left of an erasure while a law asks to keep it: a request of its own completes it when the
//! hold has ended.

use jiff::Timestamp;
use model::{CollectionAddress, PrivacyRequestId};
use store::{Hold, HoldRest, PrivacyRequest, PrivacyRequestFilter, Store, StoreError, Window};

use crate::plan::{HELD, Plan};
use crate::request::{
    By, HeldIdentities, KNOWN_IDENTITIES, NewRequest, PrivacyRequests, RequestError, Submitter,
};

/// Where requests that complete a rest come from.
pub const SOURCE: &str = "Hold ended";
/// How many are made at once.
const MOST: u32 = 100;

/// Keeps what a plan left out for holds, so that it is completed when the first of them ends, once the
/// request itself is; says whether there is anything. The rest of an earlier plan goes.
///
/// # Errors
/// [`StoreError`]; call it again.
pub async fn keep_rest(store: &Store, request: &PrivacyRequest, plan: &Plan) -> Result<bool, StoreError> {
    let held: Vec<&CollectionAddress> = held(plan);
    if held.is_empty() {
        store.hold_rest_drop(&request.id).await?;
        return Ok(false);
    }
    let holds = store.hold_list_of(&request.id).await?;
    let due_at = ends_first(&holds, &held, store.clock().now());
    let identities = store.privacy_request_identities(&request.id).await?;
    let policy = request.policy.clone();
    store.hold_rest_put(&HoldRest { request: request.id.clone(), policy, identities, due_at }).await?;
    Ok(true)
}

/// Keeps that a request left something else than collections of its plan to holds: what a person is asked to
/// erase, or a vendor. `holds` are those in force.
///
/// # Errors
/// [`StoreError`]; call it again.
pub(crate) async fn keep_rest_of(
    store: &Store,
    request: &PrivacyRequest,
    holds: &[Hold],
) -> Result<(), StoreError> {
    let due_at = match holds {
        [] => Some(store.clock().now()),
        holds => holds.iter().filter_map(|hold| hold.until).min(),
    };
    let identities = store.privacy_request_identities(&request.id).await?;
    let policy = request.policy.clone();
    store.hold_rest_put(&HoldRest { request: request.id.clone(), policy, identities, due_at }).await
}

/// Whether a hold is about all that a connection holds.
pub(crate) fn is_about(hold: &Hold, connection: &str) -> bool {
    hold.place.as_deref().is_none_or(|place| place == connection)
}

/// Under what something is kept, and how long.
pub(crate) fn reason(hold: &Hold) -> String {
    let until = hold.until.map_or_else(|| "that is lifted".to_owned(), |until| until.to_string());
    format!("kept under {} until {until} ({})", hold.ground, hold.id)
}

/// The collections that a plan left out for holds.
fn held(plan: &Plan) -> Vec<&CollectionAddress> {
    let left_out = plan.contents().not_covered.iter().filter(|one| one.reason == HELD);
    left_out.map(|one| &one.collection).collect()
}

/// When the first hold about one of these ends; none: when somebody lifts it.
fn ends_first(holds: &[Hold], held: &[&CollectionAddress], now: Timestamp) -> Option<Timestamp> {
    let is_about = |hold: &&Hold| match &hold.place {
        None => true,
        Some(place) => held.iter().any(|one| *place == one.to_string() || *place == one.dataset()),
    };
    let about: Vec<Option<Timestamp>> = holds.iter().filter(is_about).map(|hold| hold.until).collect();
    // None left: they have ended since the plan was made.
    if about.is_empty() { Some(now) } else { about.into_iter().flatten().min() }
}

/// Makes the requests that complete what was left and may go by now; says how many. What is still held
/// then is left over by them in turn.
///
/// # Errors
/// [`RequestError`] of the store; those made before stay. A rest whose request cannot be made stays, and
/// the log says why.
pub async fn complete_rests(requests: &PrivacyRequests, store: &Store) -> Result<u64, RequestError> {
    let mut made = 0;
    for rest in store.hold_rest_due(MOST).await? {
        let Some(held) = HeldIdentities::from_bytes(rest.identities.expose()) else {
            tracing::error!(request = %rest.request, "what is left of a request cannot be read");
            continue;
        };
        // Made before, by a process that was cut off before it noted that.
        if let Some(follow_up) = made_before(store, &rest).await? {
            store.hold_rest_followed(&rest.request, &follow_up).await?;
            continue;
        }
        // Identities that an application told of have no label of their own, and need one here.
        let labels = held.iter().filter_map(|(kind, one)| {
            let own = (!KNOWN_IDENTITIES.contains(&kind)).then(|| kind.to_owned());
            Some((kind.to_owned(), one.label.clone().or(own)?))
        });
        let new = NewRequest {
            policy: rest.policy,
            labels: labels.collect(),
            identities: held.verified(),
            source: Some(SOURCE.to_owned()),
            external_id: Some(rest.request.as_str().to_owned()),
            ..NewRequest::default()
        };
        match requests.create(new, Submitter { caller: Some(By::system()) }).await {
            Ok(follow_up) => {
                store.hold_rest_followed(&rest.request, &follow_up.id).await?;
                made += 1;
            }
            Err(RequestError::Store(error)) => return Err(RequestError::Store(error)),
            Err(error) => {
                tracing::error!(request = %rest.request, %error, "what is left of a request cannot be completed");
            }
        }
    }
    Ok(made)
}

/// The request that was made to complete this rest, if there is one.
async fn made_before(store: &Store, rest: &HoldRest) -> Result<Option<PrivacyRequestId>, StoreError> {
    let filter = PrivacyRequestFilter {
        external_id: Some(rest.request.as_str().to_owned()),
        policy: Some(rest.policy.clone()),
        with_unlisted: true,
        ..PrivacyRequestFilter::default()
    };
    let found = store.privacy_request_list(&filter, Window::ALL).await?.items;
    let is_it = |one: &PrivacyRequest| {
        one.source.as_deref() == Some(SOURCE) && one.external_id.as_deref() == Some(rest.request.as_str())
    };
    Ok(found.into_iter().find(is_it).map(|one| one.id))
}
