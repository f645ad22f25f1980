//! Access that is given for a time: the command stays until it is taken again.

use std::time::Duration;

use governance::change::{AccessChanges, AccessPlan, Approval, ResourceName, TimedGrant};
use governance::worker::{EndOutcome, EndReport};
use jiff::{SignedDuration, Timestamp};
use model::{Clock as _, SystemClock};
use serde_json::json;
use store::{AccessEndState, Actor};

use super::change::{self, ChangeArguments, Told, agreed, shown};
use super::due::{self, Ends};
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::runtime::{self, Interruption};

/// Longest time between two looks: the clock may be set while the command waits.
const LOOK: Duration = Duration::from_secs(30);

/// Time between two looks at an end that somebody else carries out.
const HELD: Duration = Duration::from_secs(1);

/// Who gets what, for how long.
pub(super) struct Timed<'a> {
    pub(super) entitlement: &'a str,
    pub(super) principal: &'a ResourceName,
    pub(super) time: Duration,
}

/// Gives the access after somebody agreed, says until when it is there, and takes it then.
pub(super) async fn carry_out(
    changes: &AccessChanges,
    (arguments, plan): (&ChangeArguments, Option<&AccessPlan>),
    (timed, ends): (&Timed<'_>, Ends),
) -> Result<Exit, Failure> {
    let output = ends.output;
    if let Some(plan) = plan {
        if output.format() == Format::Table {
            let shown = shown(plan.contents(), plan.digest().as_str());
            output::text(&format!("{shown}\nfor    {}", words(timed.time)));
        }
        if !arguments.yes {
            agreed(output)?;
        }
    }
    let approval = match plan {
        Some(plan) if !arguments.yes => Approval::Plan(plan),
        Some(_) | None => Approval::Given,
    };
    let until = until(timed.time)?;
    let who = (timed.entitlement, timed.principal);
    let given = Box::pin(changes.grant_until(who, (approval, until), &Actor::system())).await;
    let given = given.map_err(|error| change::failure(&error))?;
    let Some(end) = &given.end else {
        if plan.is_none() {
            output::complain("the access is there already and has no end; it stays so");
        }
        return Ok(change::told(&arguments.connection, (plan, Some(&given.report)), output));
    };
    // Whoever has read until when the access is there may interrupt, and is told what becomes of it.
    let heard = runtime::hear_interruption().await;
    tell_given(&arguments.connection, (&given, plan), output);
    wait(&end.id, (ends, heard)).await
}

/// Waits until an end is over, and carries it out unless somebody else does.
async fn wait(id: &str, (ends, mut heard): (Ends, Interruption)) -> Result<Exit, Failure> {
    let output = ends.output;
    loop {
        let end = ends.store.access_end_find(id).await.map_err(|error| Failure::failed(&error))?;
        let Some(end) = end else {
            return Err(Failure::Failed(format!("the end {id} is gone from the state")));
        };
        match end.state {
            AccessEndState::Pending | AccessEndState::Open => {}
            AccessEndState::Ended | AccessEndState::Void | AccessEndState::Abandoned => {
                return Ok(tell_over(&end, output));
            }
        }
        let left = Duration::try_from(end.next_at.duration_since(SystemClock.now())).unwrap_or_default();
        if left.is_zero() && carry_out_due(id, &ends).await? {
            continue;
        }
        let pause = if left.is_zero() { HELD } else { left.min(LOOK) };
        tokio::select! {
            () = &mut heard => {
                output::complain(&interrupted(end.due_at, SystemClock.now()));
                return Ok(Exit::Incomplete);
            }
            () = SystemClock.sleep(pause) => {}
        }
    }
}

/// Takes what is due. Whether the one that is waited for was tried; else somebody else has it in hand.
async fn carry_out_due(id: &str, ends: &Ends) -> Result<bool, Failure> {
    let reports = due::end_due(ends.clone()).await?;
    // The one that is waited for is told by its state.
    let others =
        |report: &&EndReport| report.end.id != id || matches!(report.outcome, EndOutcome::Stays { .. });
    reports.iter().filter(others).for_each(due::tell);
    Ok(reports.iter().any(|report| report.end.id == id))
}

/// What becomes of the access if the command does not stay.
fn interrupted(due_at: Timestamp, now: Timestamp) -> String {
    let until = if due_at > now {
        format!(
            "the access is there until {due_at}, and `tutela governance revoke --due` takes it after that"
        )
    } else {
        format!(
            "the time of the access is over since {due_at} and it was not taken yet; `tutela governance revoke --due` \
             takes it"
        )
    };
    format!("interrupted; {until}, as the next sync or change of the project does")
}

fn tell_given(connection: &str, (given, plan): (&TimedGrant, Option<&AccessPlan>), output: Output) {
    let Some(end) = &given.end else { return };
    let told = Told {
        connection,
        result: given.report.result,
        plan: json!(plan.map(AccessPlan::to_value)),
        report: json!(given.report),
    };
    told.print_until((end.id.as_str(), end.due_at.to_string().as_str()), "this command", output);
}

fn tell_over(end: &store::AccessEnd, output: Output) -> Exit {
    let (text, exit) = match end.state {
        AccessEndState::Ended if end.ended_at.is_some_and(|at| at < end.due_at) => {
            ("somebody took the access before its time was over", Exit::Done)
        }
        AccessEndState::Ended => ("its time is over: the access was taken", Exit::Done),
        AccessEndState::Void => ("somebody gave the access for good meanwhile; it stays", Exit::Done),
        AccessEndState::Abandoned | AccessEndState::Pending | AccessEndState::Open => {
            ("the access was not taken, and nobody will: its connection is gone", Exit::Failed)
        }
    };
    match output.format() {
        Format::Json => output::json_line(&json!({
            "end": end.id,
            "state": end.state.as_str(),
            "ended_at": end.ended_at.map(|at| at.to_string()),
        })),
        Format::Table => output::text(text),
    }
    exit
}

fn until(time: Duration) -> Result<Timestamp, Failure> {
    let too_long = || Failure::BadInput("`--for` is too long a time; write a shorter one".to_owned());
    let time = SignedDuration::try_from(time).map_err(|_| too_long())?;
    SystemClock.now().checked_add(time).map_err(|_| too_long())
}

/// A time in the largest unit that fits.
pub(super) fn words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        _ if time.subsec_nanos() > 0 => format!("{} ms", time.as_millis()),
        _ if seconds.is_multiple_of(3_600) => format!("{} h", seconds / 3_600),
        _ if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_command_says_what_becomes_of_the_access() {
        let [before, due, after] = ["2026-03-01T11:00:00Z", "2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z"]
            .map(|at| at.parse().unwrap());

        assert!(interrupted(due, before).contains("is there until 2026-03-01T12:00:00Z"));
        assert!(interrupted(due, after).contains("is over since 2026-03-01T12:00:00Z and it was not taken"));
    }

    #[test]
    fn a_time_is_told_in_the_largest_unit_that_fits() {
        let told =
            [("90s", "90 s"), ("30m", "30 min"), ("120m", "2 h"), ("3d", "72 h"), ("1500ms", "1500 ms")];

        for (written, shown) in told {
            assert_eq!(words(crate::duration::duration(written).unwrap()), shown);
        }
    }
}
