//! Changes that a job of a source carries out: planned by what it tells anew, kept in the ledger, run once, and read
//! back by another telling. Nothing here runs a job a second time: what became of one that was lost, only reading says.

mod look;
mod settle;
mod told;

use engine::Cancellation;
use model::RunId;

use self::look::{Found, Wanted};
use self::told::Told;
use super::plan::{AccessPlan, AccessPlanContents, FORMAT};
use super::{AccessChange, Action, ChangeError};
use crate::aside::aside;
use crate::source::{PlannedJob, Provision, Source, SourceReading};

/// A change that a job is to carry out, and its plan.
pub(super) struct PreparedJob<'a> {
    source: &'a dyn Source,
    hand: &'a dyn Provision,
    change: AccessChange,
    /// What the plan was made of; the job looks its ids up in it.
    reading: SourceReading,
    pub(super) plan: AccessPlan,
}

/// Plans a change; `None` if it is so already.
pub(super) async fn prepare<'a>(
    source: &'a dyn Source,
    (change, run): (&AccessChange, &RunId),
) -> Result<Option<PreparedJob<'a>>, ChangeError> {
    let hand = provision(source)?;
    check_allowed((source, hand), change)?;
    let (reading, found) = look(source, change).await?;
    let Found::Job(wanted) = found else { return Ok(None) };
    let Wanted { job, change: planned, mut besides, mut still_through } = *wanted;
    // A source may tell the same in another order each time: that is no other plan.
    besides.sort_unstable();
    still_through.sort_unstable_by(|one, two| one.name.cmp(&two.name));
    let (program, sha256) = hand.named();
    let plan = AccessPlan::new(AccessPlanContents {
        format: FORMAT.to_owned(),
        run: run.clone(),
        connection: source.connection().to_string(),
        change: planned,
        request: None,
        job: Some(PlannedJob { program: program.to_owned(), sha256, job }),
        repeatable: false,
        leaves_nothing: false,
        besides,
        still_through,
        // Guards stand in connector files.
        guards: Vec::new(),
    });
    Ok(Some(PreparedJob { source, hand, change: change.clone(), reading, plan }))
}

/// Whether a change is so, by another reading.
pub(super) async fn is_so(source: &dyn Source, change: &AccessChange) -> Result<bool, ChangeError> {
    let (_, found) = look(source, change).await?;
    Ok(matches!(found, Found::Nothing))
}

/// A grant by its entitlement and principal; `None` if it is not there any more.
pub(super) async fn named(source: &dyn Source, grant: &str) -> Result<Option<AccessChange>, ChangeError> {
    let (reading, id) = (read(source).await?, grant.to_owned());
    aside(move || Told::open(&reading)?.named(&id)).await
}

/// Reads anew, and looks at what a change is about.
async fn look(source: &dyn Source, change: &AccessChange) -> Result<(SourceReading, Found), ChangeError> {
    let (reading, change) = (read(source).await?, change.clone());
    aside(move || {
        let found = Told::open(&reading)?.look(&change)?;
        Ok((reading, found))
    })
    .await
}

async fn read(source: &dyn Source) -> Result<SourceReading, ChangeError> {
    source.read(Cancellation::never()).await.map_err(ChangeError::Source)
}

fn provision(source: &dyn Source) -> Result<&dyn Provision, ChangeError> {
    let connection = source.connection();
    source.provision().map_err(|why| ChangeError::ReadOnly { connection: connection.clone(), why })
}

/// What no job does, or none that somebody allowed.
fn check_allowed(
    (source, hand): (&dyn Source, &dyn Provision),
    change: &AccessChange,
) -> Result<(), ChangeError> {
    let refused = |action: Action, kind: &str, help| ChangeError::NotAllowed {
        connection: source.connection().clone(),
        action: action.as_str(),
        kind: kind.to_owned(),
        help,
    };
    match change {
        AccessChange::Grant { .. } | AccessChange::Revoke { .. } | AccessChange::RevokeGrant { .. } => Ok(()),
        AccessChange::Delete { resource } if hand.may_delete(&resource.kind) => Ok(()),
        AccessChange::Delete { resource } => {
            let help = "add the kind to `delete` of `baton`, or remove it in the application";
            Err(refused(Action::Delete, &resource.kind, help))
        }
        AccessChange::Create { kind, .. } => Err(refused(Action::Create, kind, "make it in the application")),
    }
}
