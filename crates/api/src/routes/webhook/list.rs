use store::{StoreError, StoredConnection, Webhook, WebhookList};

use super::connection_of;
use crate::ApiError;
use crate::caller::Caller;
use crate::state::ApiState;

/// How often a change begins again because somebody else changed the same list.
const ATTEMPTS: u32 = 5;

/// Changes a list; `change` sees it as it is, and again if somebody else was faster. The list as it is
/// then.
pub(super) async fn change<T>(
    state: &ApiState,
    caller: &Caller,
    list: WebhookList<'_>,
    change: impl Fn(&mut Vec<Webhook>) -> Result<T, ApiError>,
) -> Result<(T, Vec<Webhook>), ApiError> {
    for _ in 0..ATTEMPTS {
        let before = state.store().webhook_list(list).await?;
        let mut after = before.clone();
        let done = change(&mut after)?;
        let written = state.store().webhook_replace(list, (Some(&before), &after), caller.actor.clone());
        match written.await {
            Ok(()) => return Ok((done, after)),
            Err(StoreError::Conflict { what: "webhook list", .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ApiError::Conflict("others are changing this list at the same time; send the call again".to_owned()))
}

/// Where a webhook stands.
pub(super) fn position(
    webhooks: &[Webhook],
    key: &str,
    missing: impl FnOnce() -> ApiError,
) -> Result<usize, ApiError> {
    webhooks.iter().position(|webhook| webhook.key == key).ok_or_else(missing)
}

/// The connection that a webhook calls, if it is still there.
pub(super) async fn connection_if_there(
    state: &ApiState,
    webhook: &Webhook,
) -> Result<Option<StoredConnection>, ApiError> {
    match connection_of(state, &webhook.connection).await {
        Ok(connection) => Ok(Some(connection)),
        Err(ApiError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
