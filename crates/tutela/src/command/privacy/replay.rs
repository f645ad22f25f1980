mod server;

use std::path::PathBuf;

use engine::Cancellation;
use jiff::Timestamp;
use model::visible;
use privacy::Replayed;
use privacy::plan::Plan;
use serde_json::json;

use super::plan;
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::moment::moment;
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
  tutela privacy replay --server https://tutela.example.com --since 2026-03-01 --out ./plans

After a database was restored from a backup: makes a new plan for everybody who was erased since then. Nothing
is sent; each plan is read and applied like any other. Ends with 3 if a plan could not be made, if something
could not be read to its end, or if a line of the journal was cut off by a crash.

With --server it makes a request for each entry of the journal in its data folder, whose plan waits there for
approval; each plan is applied with the number of its request.")]
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
    if let Some(address) = replay.service.server.address()? {
        return server::run(replay, &address, output);
    }
    runtime::run_until_interrupted(async {
        let service = replay.service.open(output).await?;
        let progress = ProgressLine::of_person(output);
        let on_progress = |event| progress.note(&event);
        let done = service.replay(replay.since, actor(), Cancellation::never(), &on_progress).await;
        progress.finish();
        let done = done.map_err(|error| Failure::failed(&error))?;
        std::fs::create_dir_all(&replay.out).map_err(|error| Failure::unwritable(&replay.out, &error))?;
        let mut lines = Vec::new();
        for one in &done.replayed {
            lines.push(line(one, replay)?);
        }
        Ok(show(&lines, done.cut_lines, output))
    })
}

/// One erasure of the journal and its new plan.
#[derive(Debug, serde::Serialize)]
struct Line {
    erased_by: String,
    erased_at: String,
    policy: String,
    /// The request of a server.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    run: Option<String>,
    digest: Option<String>,
    plan: Option<PathBuf>,
    writes: usize,
    /// Collections that were not read to their end: there may be more to do than is planned.
    incomplete: Vec<String>,
    problem: Option<String>,
}

impl Line {
    fn of(erased_by: &str, erased_at: Timestamp, policy: &str) -> Self {
        Self {
            erased_by: erased_by.to_owned(),
            erased_at: erased_at.to_string(),
            policy: policy.to_owned(),
            request: None,
            run: None,
            digest: None,
            plan: None,
            writes: 0,
            incomplete: Vec::new(),
            problem: None,
        }
    }

    /// Writes the plan, and says what it is.
    fn planned(&mut self, plan: &Plan, replay: &Replay) -> Result<(), Failure> {
        let contents = plan.contents();
        let file = replay.out.join(format!("{}.plan.json", contents.run));
        plan::write(&file, plan)?;
        self.run = Some(contents.run.to_string());
        self.digest = Some(plan.digest().to_string());
        self.writes = contents.operations.len();
        let incomplete = contents.reads.iter().filter(|read| !read.complete);
        self.incomplete = incomplete.map(|read| read.address.to_string()).collect();
        self.plan = Some(file);
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.problem.is_none() && self.incomplete.is_empty()
    }

    /// What somebody should know before the plan is applied.
    fn complaint(&self) -> Option<String> {
        let run = &self.erased_by;
        if let Some(problem) = &self.problem {
            return Some(format!("{run} could not be planned again: {problem}"));
        }
        let incomplete = self.incomplete.join(", ");
        (!self.incomplete.is_empty()).then(|| {
            format!(
                "the new plan for {run} is incomplete: {incomplete} could not be read to the end, so there \
                 may be more to do than is planned; run the command again"
            )
        })
    }
}

fn line(replayed: &Replayed, replay: &Replay) -> Result<Line, Failure> {
    let mut line = Line::of(&replayed.run, replayed.at, &replayed.policy);
    match &replayed.plan {
        Err(error) => line.problem = Some(error.to_string()),
        Ok(made) => line.planned(made, replay)?,
    }
    Ok(line)
}

/// Shows what came of it, and how the command ends.
fn show(lines: &[Line], cut_lines: u64, output: Output) -> Exit {
    match output.format() {
        Format::Json => output::json(&json!({ "replayed": lines, "cut_lines": cut_lines })),
        Format::Table if lines.is_empty() => output::text("nobody was erased since then"),
        Format::Table => {
            let rows = lines.iter().map(|line| {
                let plan = line.plan.as_ref().map(|plan| plan.display().to_string()).unwrap_or_default();
                let none = if line.problem.is_some() { "none, see below" } else { "none, nothing is there" };
                let last = line.digest.clone().unwrap_or_else(|| none.to_owned());
                let by = match &line.request {
                    Some(request) => format!("{}\n{request}", line.erased_by),
                    None => line.erased_by.clone(),
                };
                [line.erased_at.clone(), by, line.writes.to_string(), plan, last]
            });
            output::text(&table(["erased at", "by", "operations", "new plan", "digest"], rows, &[2]));
        }
    }
    for complaint in lines.iter().filter_map(Line::complaint) {
        output::complain(&visible(&format!("warning: {complaint}")));
    }
    if cut_lines > 0 {
        output::complain(&format!(
            "warning: {cut_lines} lines of the erasure journal were cut off by a crash; compare its entries \
             with the runs that `tutela audit export` lists"
        ));
    }
    let complete = lines.iter().all(Line::is_complete) && cut_lines == 0;
    if complete { Exit::Done } else { Exit::Incomplete }
}
