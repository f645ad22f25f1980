use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{Clock as _, SystemClock};
use serde_json::json;
use store::{Store, StorePlace};

use super::manifest::{BESIDE, JOURNAL, Manifest, STATE};
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::output::{self, Output};
use crate::runtime;
use crate::server::ServerArgument;
use crate::state::{StateSettings, failure};

/// Of what, and where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela admin backup --data ./data --out /backups/2026-03-01
  tutela admin backup --config server.yml --out /backups/2026-03-01

Servers and workers may go on meanwhile: the copy is of one moment. What is sealed stays sealed, under the
master key, which is not in the backup: keep it elsewhere. Packages of finished requests are not in it either.
Save the journal of erasures (erasures.journal of the data folder) more often than the state, to somewhere
else: it says what must be erased again after a restore.")]
pub(crate) struct Backup {
    #[command(flatten)]
    server: ServerArgument,
    /// Folder for the backup; made, and empty if it is there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Makes the backup.
pub(crate) fn run(backup: &Backup, output: Output) -> Result<Exit, Failure> {
    let settings = backup.server.load(output)?;
    let place = backup.server.state(&settings)?;
    place.check_there()?;
    if let StorePlace::Postgres(_) = place.place() {
        return Err(Failure::BadInput(
            "a state on PostgreSQL is backed up with `pg_dump` or the server's own backups; save erasures.journal of \
             each data folder beside it, and run `tutela admin restored` after a restore"
                .to_owned(),
        ));
    }
    make_empty(&backup.out)?;
    let manifest = runtime::run(copy(&place, &backup.out))?;
    let bytes = std::fs::metadata(backup.out.join(STATE)).map_or(0, |file| file.len());
    match output.format() {
        Format::Json => output::json(&json!({
            "backup": backup.out,
            "made_at": manifest.made_at.to_string(),
            "revision": manifest.revision,
            "key_id": manifest.key_id,
            "state_bytes": bytes,
        })),
        Format::Table => output::text(&format!(
            "backed up to {}: {bytes} bytes of {}; it opens with the master key {}, which is not in it",
            backup.out.display(),
            manifest.made_at,
            manifest.key_id
        )),
    }
    Ok(Exit::Done)
}

async fn copy(place: &StateSettings, out: &Path) -> Result<Manifest, Failure> {
    // A copy that the key at hand does not open would be worth nothing.
    let state = place.look(Arc::new(SystemClock)).await?;
    let key = state.keys.current().to_string();
    state.store.close().await;
    let made_at = SystemClock.now();
    let revision = Store::backup(place.place(), &out.join(STATE)).await.map_err(|error| failure(&error))?;
    // The journal after the state: it must hold everything that the state has.
    for name in [JOURNAL].into_iter().chain(BESIDE) {
        let from = place.folder.join(name);
        if from.is_file() {
            let to = out.join(name);
            std::fs::copy(&from, &to).map_err(|error| Failure::unwritable(&to, &error))?;
        }
    }
    let manifest = Manifest::of(out, made_at, key, revision)?;
    manifest.write(out)?;
    Ok(manifest)
}

fn make_empty(folder: &Path) -> Result<(), Failure> {
    let unwritable = |error| Failure::unwritable(folder, &error);
    files::make_own_folder(folder).map_err(unwritable)?;
    if std::fs::read_dir(folder).map_err(unwritable)?.next().is_some() {
        return Err(Failure::BadInput(format!(
            "{} is not empty; name another folder with `--out`, so that no backup is lost",
            folder.display()
        )));
    }
    Ok(())
}
