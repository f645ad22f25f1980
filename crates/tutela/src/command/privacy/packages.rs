use std::path::Path;
use std::sync::Arc;

use model::{Clock, SystemClock};
use privacy::storage::{self, PackageRecord, RecordedPlace};
use serde_json::json;

use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::on_server::ServerOption;
use crate::output::{self, Output};
use crate::project::{ProjectArgument, ProjectFile};
use crate::runtime;
use crate::state::{StateArgument, StateSettings};
use crate::table::table;

/// Packages in storage.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela privacy packages
  tutela privacy packages --link run_0199b9c2-7a31-7c3e-9d52-6f0f5d1c2b3a-contacts.zip
  tutela privacy packages --delete-expired

Lists what was delivered from this data folder. Packages in folders are removed by any command that
writes once they have expired; those in buckets by --delete-expired, also packages of other machines.")]
pub(crate) struct Packages {
    #[command(flatten)]
    project: ProjectArgument,
    #[command(flatten)]
    state: StateArgument,
    #[command(flatten)]
    server: ServerOption,
    /// Make a new link to this package, valid until it expires and for at most seven days.
    #[arg(long, value_name = "NAME", conflicts_with = "delete_expired")]
    link: Option<String>,
    /// Remove what has expired in all places of the project, and what broken uploads left there.
    #[arg(long)]
    delete_expired: bool,
}

/// Looks after packages.
pub(crate) fn run(packages: &Packages, output: Output) -> Result<Exit, Failure> {
    let instead = "fetch the packages of a request with `tutela privacy access --run pri_… --out DIR`; the server \
                   removes those that have expired by itself";
    packages.server.refuse(instead)?;
    let state = packages.state.settings(&packages.project.project)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    if packages.delete_expired {
        state.clean(&*clock);
        let file = ProjectFile::load(&packages.project.project, output)?;
        return runtime::run(delete(&file, &state, &clock, output));
    }
    let records = storage::list(&state.folder).map_err(|error| Failure::failed(&error))?;
    match &packages.link {
        None => Ok(show(&records, output)),
        Some(name) => {
            let Some(record) = records.iter().find(|record| record.name == *name) else {
                return Err(Failure::BadInput(format!(
                    "no package `{name}` was delivered from {}; `tutela privacy packages` lists them",
                    state.folder.display()
                )));
            };
            let file = ProjectFile::load(&packages.project.project, output)?;
            runtime::run(link(&file, &state, record, (&clock, output)))
        }
    }
}

fn show(records: &[PackageRecord], output: Output) -> Exit {
    match output.format() {
        Format::Json => output::json(&json!({ "packages": records })),
        Format::Table => {
            let rows = records.iter().map(|record| {
                [
                    record.storage.clone(),
                    record.name.clone(),
                    record.bytes.to_string(),
                    record.made_at.to_string(),
                    record.expires_at.to_string(),
                    place(&record.place),
                ]
            });
            output::text(&table(["storage", "package", "bytes", "made", "expires", "place"], rows, &[2]));
        }
    }
    Exit::Done
}

fn place(place: &RecordedPlace) -> String {
    match place {
        RecordedPlace::File { file } => file.parent().unwrap_or(Path::new(".")).display().to_string(),
        RecordedPlace::Object { bucket, .. } => format!("bucket {bucket}"),
    }
}

async fn link(
    file: &ProjectFile,
    state: &StateSettings,
    record: &PackageRecord,
    (clock, output): (&Arc<dyn Clock>, Output),
) -> Result<Exit, Failure> {
    let Some(destination) = file.project.find_storage(&record.storage) else {
        return Err(Failure::BadInput(format!(
            "{} has no storage `{}` any more",
            file.name(),
            record.storage
        )));
    };
    if record.expires_at <= clock.now() {
        return Err(Failure::BadInput(format!("`{}` has expired", record.name)));
    }
    let storage = file.storage(destination, state, clock)?;
    let made = storage.link(&record.name, record.expires_at).await;
    match made.map_err(|error| Failure::failed(&error))? {
        None => {
            Err(Failure::BadInput(format!("`{}` lies in a folder, so there is no link to it", record.name)))
        }
        Some(link) => {
            match output.format() {
                Format::Json => output::json(&json!({
                    "name": record.name,
                    "link": link.url.expose(),
                    "link_valid_until": link.valid_until.to_string(),
                })),
                Format::Table => output::text(link.url.expose()),
            }
            Ok(Exit::Done)
        }
    }
}

async fn delete(
    file: &ProjectFile,
    state: &StateSettings,
    clock: &Arc<dyn Clock>,
    output: Output,
) -> Result<Exit, Failure> {
    let mut deleted = Vec::new();
    for destination in &file.project.storage {
        let storage = file.storage(destination, state, clock)?;
        let names = storage.delete_expired().await.map_err(|error| Failure::failed(&error))?;
        deleted.extend(names.into_iter().map(|name| [destination.key.clone(), name]));
    }
    match output.format() {
        Format::Json => {
            let shown: Vec<_> =
                deleted.iter().map(|[storage, name]| json!({"storage": storage, "name": name})).collect();
            output::json(&json!({ "deleted": shown }));
        }
        Format::Table => output::text(&table(["storage", "deleted package"], deleted, &[])),
    }
    Ok(Exit::Done)
}
