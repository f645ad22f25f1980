//! Changes of access: their plan, and carrying it out (governance 13).

mod end;
mod input;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use futures::FutureExt as _;
use governance::change::{
    AccessChange, AccessChanges, AccessPlan, Approval, ChangeError, ChangeErrorKind, ChangePlace,
    ChangeReport, TimedGrant,
};
use governance::worker::OpenError;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use store::{Actor, ConnectionAccess, StoredConnection};
use tracing::Instrument as _;
use utoipa::ToSchema;

use self::input::ChangeInput;
use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::routes::connection_sync::{elsewhere, find};
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(change)).merge(end::routes())
}

/// A change, as it would be made or was.
#[derive(Serialize, ToSchema)]
struct ChangeReply {
    /// Key of the connection.
    connection: String,
    /// `planned`: nothing was sent. Else how it ended: `already`, `confirmed`, `still_reachable`,
    /// `done_but_not_visible`, `failed` or `unknown`.
    result: &'static str,
    /// The one call that it takes, what it takes away besides, and through whom the access is still there; null if it
    /// is so already.
    #[schema(value_type = Option<Object>)]
    plan: Option<Value>,
    /// What stands for this plan: sent as `agreed`, nothing but it is carried out.
    agreement: Option<String>,
    /// What became of it; null as long as nothing was sent.
    #[schema(value_type = Option<Object>)]
    report: Option<Value>,
    /// The end of access that was given for a time.
    end: Option<String>,
    /// Until when it is there.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

/// Plan a change of access, or carry it out with `yes`. Without `yes` nothing is sent, and the reply is the plan by what
/// is held now. A change is one write, which is read back before the reply; one that was begun comes to its end and
/// into the audit log whether or not the caller waits for that.
#[utoipa::path(
    post,
    path = "/connection/{key}/access-change",
    tag = "Access",
    operation_id = "access_change",
    security(("oauth2" = ["access:change"])),
    params(("key" = String, Path, description = "Key of the connection")),
    request_body = ChangeInput,
    responses((status = 200, body = ChangeReply), (status = 404), (status = 409), (status = 422), (status = 424))
)]
async fn change(
    State(state): State<ApiState>,
    caller: Caller,
    Path(key): Path<String>,
    Body(sent): Body<ChangeInput>,
) -> Result<Json<ChangeReply>, ApiError> {
    let connection = find(&state, &key).await?;
    let until = sent.until(state.clock().now())?;
    let (yes, agreed) = (sent.yes, sent.agreed());
    let change = sent.into_change()?;
    let changes = changes(&state, &connection).await?;
    let (wanted, actor) = (Wanted { key, change, until, yes, agreed }, caller.actor);
    let work = async move { answer(&changes, wanted, &actor).await };
    // What is held may take longer to read than anybody waits: what is to be carried out is, all the same.
    let reply = if yes { to_its_end(work).await } else { Box::pin(work).await };
    reply.map(Json)
}

/// What a caller asked for.
struct Wanted {
    key: String,
    change: AccessChange,
    until: Option<Timestamp>,
    yes: bool,
    agreed: Option<String>,
}

async fn answer(changes: &AccessChanges, wanted: Wanted, actor: &Actor) -> Result<ChangeReply, ApiError> {
    let Wanted { key, change, until, yes, agreed } = wanted;
    // Of one type for whoever awaits it: what it is made of is deeper than the compiler looks from outside.
    let plan = changes.plan(&change).boxed().await.map_err(refused)?;
    let mut reply = ChangeReply {
        connection: key,
        result: if plan.is_some() { "planned" } else { "already" },
        plan: plan.as_ref().map(AccessPlan::to_value),
        agreement: plan.as_ref().map(|plan| plan.agreement().as_str().to_owned()),
        report: None,
        end: None,
        until: None,
    };
    if !yes || (plan.is_none() && until.is_none()) {
        return Ok(reply);
    }
    if agreed.is_some() && agreed != reply.agreement {
        return Err(refused(ChangeError::Drift));
    }
    // What was agreed to is this plan, and nothing that may come of the change while it waits for its turn.
    let approved = plan.filter(|_| agreed.is_some());
    let done = carry_out(changes, (&change, approved.as_ref()), until, actor).await?;
    reply.result = done.report.result.as_str();
    reply.report = Some(shown_report(&done.report));
    reply.until = done.end.as_ref().map(|end| end.due_at);
    reply.end = done.end.map(|end| end.id);
    Ok(reply)
}

async fn carry_out(
    changes: &AccessChanges,
    (change, approved): (&AccessChange, Option<&AccessPlan>),
    until: Option<Timestamp>,
    actor: &Actor,
) -> Result<TimedGrant, ApiError> {
    let approval = approved.map_or(Approval::Given, Approval::Plan);
    if let (AccessChange::Grant { entitlement, principal }, Some(until)) = (change, until) {
        let given = changes.grant_until((entitlement.as_str(), principal), (approval, until), actor);
        return given.boxed().await.map_err(refused);
    }
    let report = changes.apply(change, approval, actor).boxed().await.map_err(refused)?;
    Ok(TimedGrant { report, end: None })
}

/// Does work apart from the call: what was begun goes on if the caller goes away, or the time of the call is over.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::spawn(work.in_current_span()).await.map_err(|error| ApiError::Private(Box::new(error)))?
}

fn shown_report(report: &ChangeReport) -> Value {
    serde_json::to_value(report).expect("a report has text keys and plain values")
}

/// What changes access through a connection, unless nothing may be changed now.
async fn changes(state: &ApiState, connection: &StoredConnection) -> Result<AccessChanges, ApiError> {
    let key = &connection.key;
    if connection.access == ConnectionAccess::Read {
        return Err(ApiError::Conflict(format!(
            "The connection '{key}' is for reading only; give it the access 'write' to change anything."
        )));
    }
    if let Some(reason) = paused(state, connection).await? {
        return Err(ApiError::Conflict(format!(
            "The connection '{key}' is paused ({reason}); let it go on to change anything."
        )));
    }
    let opened = state.access()?.open(key).await.map_err(|error| match error {
        OpenError::Lacking { reason } => ApiError::FailedDependency(reason),
        OpenError::Store(error) => error.into(),
    })?;
    let place = ChangePlace {
        store: state.store().clone(),
        clock: Arc::clone(state.clock()),
        ids: Arc::clone(state.ids()),
        worker: format!("api_{}", state.ids().next_uuid()),
    };
    AccessChanges::of(opened.way, place).map_err(refused)
}

/// Why nothing may be changed through a connection now: somebody paused it. One that a connector elsewhere reads is
/// paused there, also by the guard against odd syncs: its inventory, by which changes are planned, may be wrong then.
async fn paused(state: &ApiState, connection: &StoredConnection) -> Result<Option<String>, ApiError> {
    if let Some(connector) = elsewhere(state, connection).await?
        && connector.paused_at.is_some()
    {
        return Ok(Some(connector.paused_reason.unwrap_or_default()));
    }
    Ok(state.store().connection_pause_of_person(&connection.key).await?)
}

/// A change that was not made.
fn refused(error: ChangeError) -> ApiError {
    match (error.kind(), error) {
        (_, ChangeError::Store(error)) => error.into(),
        (ChangeErrorKind::BadInput, error) => ApiError::Unprocessable(error.to_string()),
        (ChangeErrorKind::Refused, error) => ApiError::Conflict(error.to_string()),
        (ChangeErrorKind::Failed, error) => ApiError::FailedDependency(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_was_begun_comes_to_its_end_although_its_caller_went_away() {
        let (began, has_begun) = oneshot::channel();
        let (go, may_go) = oneshot::channel::<()>();
        let (ended, has_ended) = oneshot::channel();
        let call = tokio::spawn(to_its_end(async move {
            began.send(()).unwrap();
            may_go.await.unwrap();
            ended.send(()).unwrap();
            Ok(())
        }));
        has_begun.await.unwrap();

        call.abort();
        let gone = call.await.unwrap_err();
        go.send(()).unwrap();

        assert!(gone.is_cancelled());
        has_ended.await.unwrap();
    }
}
