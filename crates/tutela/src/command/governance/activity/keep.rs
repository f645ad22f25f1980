//! Events of use, kept beside the inventory.

use governance::activity::{ActivityLog, ActivityOutcome, KeepActivityError};
use jiff::Timestamp;
use serde_json::json;
use store::Store;

use super::failure;
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Output};

/// Reads on, keeps what was used when, and says what is known now.
pub(super) async fn run(
    log: &ActivityLog,
    (store, since): (&Store, Option<Timestamp>),
    output: Output,
) -> Result<Exit, Failure> {
    let kept = log.keep(store, since).await.map_err(|error| match &error {
        KeepActivityError::Activity(error) => failure(error),
        KeepActivityError::Store(error) => crate::state::failure(error),
    })?;
    let (report, span) = (&kept.report, kept.state.span);
    match output.format() {
        Format::Json => {
            let known = span.map(|span| {
                json!({ "from": span.from, "until": span.until, "resources_from": span.resources_from })
            });
            output::json(&json!({ "activity": report, "known": known }));
        }
        Format::Table => {
            let known = match span {
                Some(span) => format!("all is known from {} to {}", span.from, span.until),
                None => "of no time all is known".to_owned(),
            };
            output::text(&format!("{} events were read; {known}", report.events));
            if let Some(reason) = &report.reason {
                output::complain(&model::visible(&format!("incomplete: {reason}")));
            }
        }
    }
    Ok(match report.outcome {
        ActivityOutcome::Complete => Exit::Done,
        ActivityOutcome::Incomplete => Exit::Incomplete,
    })
}
