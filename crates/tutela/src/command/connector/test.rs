use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{Clock, SystemClock};
use serde::Serialize;
use serde_json::json;
use spec::connector_file::Service;

use crate::access_recording::AccessRecording;
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files::{self, ConnectorSources};
use crate::on_server::NoServer;
use crate::output::{self, Output};
use crate::project::Instance;
use crate::recording::{Difference, Recording};
use crate::runtime;
use crate::table::table;

/// What to test.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela connector test stripe
  tutela connector test ./acme

Opens no connection: answers come from the recordings in the folder `cassettes`.")]
pub(crate) struct Test {
    /// Name of a connector in the library, or its folder.
    connector: String,
    #[command(flatten)]
    server: NoServer,
}

/// One recording and what differed.
#[derive(Debug, Serialize)]
struct Tested {
    recording: String,
    passed: bool,
    differences: Vec<Difference>,
}

/// Replays all recordings.
pub(crate) fn run(test: &Test, output: Output) -> Result<Exit, Failure> {
    test.server
        .refuse("recordings lie here; a server tries its connections with `tutela connection test KEY`")?;
    let sources = files::find_connector(&test.connector, Path::new(""))?
        .ok_or_else(|| files::no_connector(&test.connector))?;
    let recordings = recordings(&test.connector)?;
    if recordings.is_empty() && asks_nobody(&sources) {
        match output.format() {
            Format::Json => output::json(&json!({ "passed": true, "recordings": [] })),
            Format::Table => output::text(&format!(
                "`{}` makes no call when it reads, so there is nothing to record",
                test.connector
            )),
        }
        return Ok(Exit::Done);
    }
    if recordings.is_empty() {
        return Err(Failure::Failed(format!(
            "`{}` has no recordings; make one with `tutela connector record`, with `--access` of who has access",
            test.connector
        )));
    }
    let mut tested = Vec::new();
    for (name, text) in recordings {
        let differences = replay(&sources, &name, &text, output)?;
        tested.push(Tested { recording: name, passed: differences.is_empty(), differences });
    }
    let passed = tested.iter().all(|one| one.passed);
    match output.format() {
        Format::Json => output::json(&json!({ "passed": passed, "recordings": tested })),
        Format::Table => {
            let rows = tested.iter().map(|one| {
                let what =
                    one.differences.iter().map(|found| format!("{}: {}", found.collection, found.what));
                let verdict = if one.passed { "passed" } else { "failed" };
                [one.recording.clone(), verdict.to_owned(), what.collect::<Vec<_>>().join("\n")]
            });
            output::text(&table(["recording", "result", "differences"], rows, &[]));
        }
    }
    Ok(if passed { Exit::Done } else { Exit::Failed })
}

/// Whether no collection is read by a call, and nothing of who has access. A file with errors may hold anything.
fn asks_nobody(sources: &ConnectorSources) -> bool {
    let file = spec::check_connector(&sources.connector, &spec::CheckOptions::default()).value;
    file.is_some_and(|file| {
        if file.governance.is_some() {
            return false;
        }
        let mut reads = file.endpoints.iter().flat_map(|endpoint| &endpoint.read);
        reads.all(|request| {
            request.target.is_none() && request.request_override.is_none() && request.script.is_none()
        })
    })
}

fn replay(
    sources: &ConnectorSources,
    name: &str,
    text: &str,
    output: Output,
) -> Result<Vec<Difference>, Failure> {
    // The key is only known from the recording, the recording's params only from the file.
    let unfilled = spec::check_connector(&sources.connector, &spec::CheckOptions::default()).value;
    let file = unfilled.ok_or_else(|| {
        let file = sources.connector.name();
        Failure::BadInput(format!("{file} has errors; `tutela connector check {file}` shows them"))
    })?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    if AccessRecording::is_one(text) {
        let recording = AccessRecording::of_text(name, text)?;
        let (key, secrets) = (&recording.connection, recording.secrets());
        let instance = Instance::of_sources(sources, key, secrets, (Service::Governance, output))?;
        return runtime::run_until_interrupted(async {
            Ok(recording.compare(&recording.replay(&instance, clock).await?))
        });
    }
    let recording = Recording::parse(name, text, &file)?;
    let (key, secrets) = (&recording.connection, recording.secrets());
    let instance = Instance::of_sources(sources, key, secrets, (Service::Privacy, output))?;
    runtime::run_until_interrupted(async {
        let replayed = recording.replay(&instance, clock).await?;
        recording.compare(&replayed)
    })
}

/// Name and text of each recording, by name.
fn recordings(connector: &str) -> Result<Vec<(String, String)>, Failure> {
    let path = PathBuf::from(connector);
    let folder = if path.is_dir() { Some(path) } else { path.is_file().then(|| path.with_file_name("")) };
    let Some(folder) = folder else {
        let entry = spec::library::find(connector);
        let cassettes = entry.map(|entry| entry.cassettes).unwrap_or_default();
        return Ok(cassettes.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect());
    };
    let cassettes = folder.join("cassettes");
    let Ok(entries) = std::fs::read_dir(&cassettes) else { return Ok(Vec::new()) };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let read =
        |path: &PathBuf| files::read(path).map(|file| (file.name().to_owned(), file.text().to_owned()));
    paths.iter().map(read).collect()
}
