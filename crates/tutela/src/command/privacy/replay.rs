use std::path::PathBuf;

use engine::Cancellation;
use jiff::Timestamp;
use privacy::Replayed;
use serde_json::json;

use super::plan;
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::output::{self, Output};
use crate::progress::ProgressLine;
use crate::runtime;
use crate::service::{ServiceArgument, actor};
use crate::table::table;

/// From when on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela privacy replay --since 2026-03-01 --out ./plans
  tutela privacy replay --since 2026-03-01T12:00:00Z --out ./plans

After a database was restored from a backup: makes a new plan for everybody who was erased since then. Nothing
is sent; each plan is read and applied like any other. Ends with 3 if one could not be made.")]
pub(crate) struct Replay {
    #[command(flatten)]
    service: ServiceArgument,
    /// When the backup was made: a date, or a time with its offset.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Timestamp,
    /// Folder for the plan files; made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Plans again what the erasure journal holds.
pub(crate) fn run(replay: &Replay, output: Output) -> Result<Exit, Failure> {
    files::check_folder("--out", &replay.out)?;
    runtime::run_until_interrupted(async {
        let service = replay.service.open(output).await?;
        let progress = ProgressLine::of_person(output);
        let on_progress = |event| progress.note(&event);
        let replayed = service.replay(replay.since, actor(), Cancellation::never(), &on_progress).await;
        progress.finish();
        let replayed = replayed.map_err(|error| Failure::failed(&error))?;
        std::fs::create_dir_all(&replay.out).map_err(|error| Failure::unwritable(&replay.out, &error))?;
        let mut lines = Vec::new();
        for one in &replayed {
            lines.push(line(one, replay)?);
        }
        let complete = lines.iter().all(|line| line.problem.is_none());
        show(&lines, output);
        Ok(if complete { Exit::Done } else { Exit::Incomplete })
    })
}

/// One erasure of the journal and its new plan.
#[derive(Debug, serde::Serialize)]
struct Line {
    erased_by: String,
    erased_at: String,
    policy: String,
    run: Option<String>,
    digest: Option<String>,
    plan: Option<PathBuf>,
    writes: usize,
    problem: Option<String>,
}

fn line(replayed: &Replayed, replay: &Replay) -> Result<Line, Failure> {
    let mut line = Line {
        erased_by: replayed.run.clone(),
        erased_at: replayed.at.to_string(),
        policy: replayed.policy.clone(),
        run: None,
        digest: None,
        plan: None,
        writes: 0,
        problem: None,
    };
    match &replayed.plan {
        Err(error) => line.problem = Some(error.to_string()),
        Ok(made) => {
            let file = replay.out.join(format!("{}.plan.json", made.contents().run));
            plan::write(&file, made)?;
            line.run = Some(made.contents().run.to_string());
            line.digest = Some(made.digest().to_string());
            line.writes = made.contents().operations.len();
            line.plan = Some(file);
        }
    }
    Ok(line)
}

fn show(lines: &[Line], output: Output) {
    match output.format() {
        Format::Json => output::json(&json!({ "replayed": lines })),
        Format::Table if lines.is_empty() => output::text("nobody was erased since then"),
        Format::Table => {
            let rows = lines.iter().map(|line| {
                let plan = line.plan.as_ref().map(|plan| plan.display().to_string()).unwrap_or_default();
                let last = line.problem.clone().unwrap_or_else(|| line.digest.clone().unwrap_or_default());
                [line.erased_at.clone(), line.erased_by.clone(), line.writes.to_string(), plan, last]
            });
            output::text(&table(["erased at", "by", "operations", "new plan", "digest"], rows, &[2]));
        }
    }
}

/// Reads a time with its offset, or a date: its beginning in UTC.
fn moment(text: &str) -> Result<Timestamp, String> {
    let date = || format!("{text}T00:00:00Z").parse().ok();
    text.parse().ok().or_else(date).ok_or_else(|| {
        "write a date or a time with its offset, as in `2026-03-01` or `2026-03-01T12:00:00Z`".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_date_or_a_time_with_its_offset() {
        assert_eq!(moment("2026-03-01").unwrap().to_string(), "2026-03-01T00:00:00Z");
        assert_eq!(moment("2026-03-01T12:00:00+02:00").unwrap().to_string(), "2026-03-01T10:00:00Z");
        assert!(moment("yesterday").is_err());
    }
}
