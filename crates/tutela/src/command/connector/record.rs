use std::path::PathBuf;
use std::sync::Arc;

use connections::Calls;
use egress::{Mode, Recorder};
use engine::Cancellation;
use model::{Clock, RandomIds, SystemClock};
use serde_json::json;
use spec::connector_file::Service;

use crate::access_recording::{self, AccessRecording};
use crate::arguments::Format;
use crate::command::privacy::identity;
use crate::data_request::{DataRequests, Means};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::NoServer;
use crate::output::{self, Output};
use crate::project::{Instance, ProjectArgument, ProjectFile, Wired, limits, reading};
use crate::recording::{Recording, kept_paths};
use crate::runtime;

/// What to record.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela connector record acme --identity email=ana@example.com --out ./acme/cassettes/one_person.json
  tutela connector record acme --access --out ./acme/cassettes/access.json
  tutela connector test ./acme

Secrets are left out, personal data is replaced by pseudonyms before anything is written. Look through
the file before you share it all the same.")]
pub(crate) struct Record {
    /// Key of the connection in the project.
    connection: String,
    #[command(flatten)]
    project: ProjectArgument,
    /// The person to ask about, as in `email=ana@example.com`; once for each value.
    #[arg(long = "identity", value_name = "KIND=VALUE", required_unless_present = "access")]
    identities: Vec<String>,
    /// Ask who has access, as `tutela governance sync` does, in place of a person's data.
    #[arg(long, conflicts_with = "identities")]
    access: bool,
    /// File to write; an earlier recording there is replaced.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    server: NoServer,
}

/// Asks live, replays what was recorded, and writes it if both give the same.
pub(crate) fn run(record: &Record, output: Output) -> Result<Exit, Failure> {
    record
        .server
        .refuse("it keeps no traffic; record with a project file, which `tutela project pull` writes")?;
    let file = ProjectFile::load(&record.project.project, output)?;
    if record.access {
        let text = access(record, &file, output)?;
        return write(record, &text, output);
    }
    let person = identity::parse_all(&record.identities)?;
    let instance = file.instance(&record.connection, output)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let recorder = Recorder::new();
    for kind in person.kinds() {
        person.values(kind).iter().for_each(|value| recorder.identify(kind, value));
    }
    let calls = Calls::new(
        file.door(Mode::Record(recorder.clone()), &clock)?,
        reading(&file.project.reading),
        (Arc::clone(&clock), Arc::new(RandomIds)),
    );
    let wired = Wired::of_instance(&with_kept_paths(instance.clone()), &calls)?;
    let means = Means { limits: limits(&file.project.reading), policy: None, clock: Arc::clone(&clock) };
    let recording = runtime::run_until_interrupted(async {
        let requests = DataRequests::new(wired, means)?;
        let live = requests.read(person, Cancellation::never(), &|_progress| {}).await?;
        if live.requests() == 0 {
            return Err(Failure::Failed("not one call was made, so there is nothing to record".to_owned()));
        }
        let mut recording = Recording::new(&instance, recorder.cassette());
        let again = recording.replay(&instance, clock).await?;
        for (address, collection) in &live.collections {
            let replayed = again.outcome.collections.get(address);
            if replayed.is_none_or(|other| other.rows != collection.rows || other.status != collection.status)
            {
                return Err(Failure::Failed(format!(
                    "a replay of {address} does not give what the application gave; nothing was written"
                )));
            }
        }
        recording.expect(&again)?;
        Ok(recording)
    })?;
    write(record, &recording.to_text(), output)
}

/// The text of a recording of who has access.
fn access(record: &Record, file: &ProjectFile, output: Output) -> Result<String, Failure> {
    let mut instance = file.instance_for(&record.connection, Service::Governance, output)?;
    instance.connection.recording_keep = access_recording::kept_paths(&instance.connection.file);
    let (clock, recorder): (Arc<dyn Clock>, _) = (Arc::new(SystemClock), Recorder::new());
    let calls = Calls::new(
        file.door(Mode::Record(recorder.clone()), &clock)?,
        reading(&file.project.reading),
        (Arc::clone(&clock), Arc::new(RandomIds)),
    );
    runtime::run_until_interrupted(async {
        let connector = calls.connector(instance.connection.clone());
        let live = access_recording::read(connector, Arc::clone(&clock)).await?;
        if let Some(kind) = live.incomplete().first() {
            return Err(Failure::Failed(format!(
                "`{kind}` could not be read to its end; nothing was written"
            )));
        }
        let mut recording = AccessRecording::new(&instance, recorder.cassette());
        let again = recording.replay(&instance, clock).await?;
        if let Some(other) = live.other_kinds(&again).first() {
            return Err(Failure::Failed(format!(
                "a replay of {} does not give what the application gave ({}); nothing was written",
                other.collection, other.what
            )));
        }
        recording.expect(again);
        Ok(recording.to_text())
    })
}

fn write(record: &Record, text: &str, output: Output) -> Result<Exit, Failure> {
    if let Some(folder) = record.out.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Failure::unwritable(folder, &error))?;
    }
    std::fs::write(&record.out, text).map_err(|error| Failure::unwritable(&record.out, &error))?;
    match output.format() {
        Format::Json => output::json(&json!({ "recording": record.out })),
        Format::Table => output::text(&format!("wrote {}", record.out.display())),
    }
    Ok(Exit::Done)
}

fn with_kept_paths(mut instance: Instance) -> Instance {
    instance.connection.recording_keep = kept_paths(&instance.connection.file, instance.dataset.as_ref());
    instance
}
