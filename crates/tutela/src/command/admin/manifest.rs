use std::path::Path;

use crypto::{hex, sha256_of};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The state, in a backup.
pub(super) const STATE: &str = "state.db";
/// The journal of erasures, in a backup and in a data folder.
pub(super) const JOURNAL: &str = "erasures.journal";
/// What else of a data folder is in a backup: nothing in it is secret.
pub(super) const BESIDE: [&str; 2] = [privacy::SIGNING_KEY_FILE, "checkpoints.jsonl"];
const FILE: &str = "manifest.json";
const FORMAT: &str = "tutela.backup/1";

/// What a backup is, and whether it is whole.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    format: String,
    /// When it was begun: what happened since may not be in it.
    pub(super) made_at: Timestamp,
    /// The program's version.
    version: String,
    /// The newest migration of its tables.
    pub(super) revision: u64,
    /// The master key that opens it, by its id.
    pub(super) key_id: String,
    state_sha256: String,
}

impl Manifest {
    /// Of the state in `folder`.
    pub(super) fn of(
        folder: &Path,
        made_at: Timestamp,
        key_id: String,
        revision: u64,
    ) -> Result<Self, Failure> {
        Ok(Self {
            format: FORMAT.to_owned(),
            made_at,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision,
            key_id,
            state_sha256: digest(&folder.join(STATE))?,
        })
    }

    /// Writes it, last of all: a folder without it is no backup.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Failure> {
        let path = folder.join(FILE);
        let text = serde_json::to_string_pretty(self).expect("a manifest has text keys and no failing parts");
        std::fs::write(&path, text + "\n").map_err(|error| Failure::unwritable(&path, &error))
    }

    /// Reads it, and checks that the state is the one that it names.
    pub(super) fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(FILE);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            Failure::BadInput(format!(
                "{} is no whole backup: {FILE} cannot be read: {error}",
                folder.display()
            ))
        })?;
        let manifest: Self = serde_json::from_str(&text)
            .map_err(|error| Failure::BadInput(format!("{} is of another form: {error}", path.display())))?;
        if manifest.format != FORMAT {
            return Err(Failure::BadInput(format!(
                "{} has the format `{}`; this version reads `{FORMAT}`",
                path.display(),
                manifest.format
            )));
        }
        if digest(&folder.join(STATE))? != manifest.state_sha256 {
            return Err(Failure::BadInput(format!(
                "{STATE} of {} is not the one that was backed up; take another copy of the backup",
                folder.display()
            )));
        }
        Ok(manifest)
    }
}

fn digest(path: &Path) -> Result<String, Failure> {
    let unreadable = |error| Failure::unreadable(path, &error);
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    Ok(hex(&sha256_of(&mut file).map_err(unreadable)?))
}
