//! What stands outside the database for others to check: the public key and the checkpoints.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crypto::PublicKey;
use store::{AUDIT_LEASE, Checkpoint, Store, StoreError};
use thiserror::Error;

use crate::PrivacyService;

/// Name of the file with the keys that this installation signs with, one a line.
pub const SIGNING_KEY_FILE: &str = "signing-key.pub";
/// Name of the file with every signed checkpoint of the audit log, one a line.
pub const CHECKPOINTS_FILE: &str = "checkpoints.jsonl";

/// How long one process may number entries before others may think that it is gone.
const SEQUENCER_LEASE: Duration = Duration::from_secs(10);
/// Entries numbered in one transaction.
const BATCH: u32 = 10_000;
/// As much of the end of the file as certainly holds its last checkpoint.
const TAIL_BYTES: u64 = 64 << 10;

/// Who numbers and signs the audit log, and puts its checkpoints beside the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogSigning {
    /// Whoever carries something out does when that is done: nobody else is there.
    WithEachCommand,
    /// A process that stays does, each second.
    EachSecond,
}

/// Why something could not be put beside the database.
#[derive(Debug, Error)]
pub enum PublishError {
    /// A file of the data folder cannot be written.
    #[error("{} cannot be written; check that its folder may be written", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The state database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PrivacyService {
    /// Numbers and signs what waits in the audit log, and puts the public key and the new checkpoints
    /// into the data folder. Whoever keeps a copy of those files elsewhere notices a changed log.
    ///
    /// Does nothing about entries that another process is numbering right now.
    pub async fn publish(&self) -> Result<(), PublishError> {
        let parts = self.parts();
        let holder = format!("{}/{}", parts.worker, parts.ids.next_uuid());
        publish(&parts.store, &parts.folder, &holder).await
    }
}

/// The same for a server, which works on no project. `holder` is a name that no other process has.
pub async fn publish(store: &Store, folder: &Path, holder: &str) -> Result<(), PublishError> {
    sequence(store, holder).await?;
    write_out(store, folder).await
}

impl PrivacyService {
    /// The same for a command whose own work is done, unless somebody does it all the time: what went wrong
    /// is told and stops nothing, and the next command makes up for it.
    pub(crate) async fn publish_or_say(&self, problems: &mut Vec<String>) {
        match self.parts().signing {
            LogSigning::WithEachCommand => {}
            LogSigning::EachSecond => return,
        }
        if let Err(error) = self.publish().await {
            tracing::warn!(%error, "key or checkpoints were not put into the data folder");
            problems.push(error.to_string());
        }
    }
}

/// Numbers every waiting entry, unless somebody else does; says whether it was us.
pub(crate) async fn sequence(store: &Store, holder: &str) -> Result<bool, StoreError> {
    let Some(lease) = store.lease_take(AUDIT_LEASE, holder, SEQUENCER_LEASE).await? else {
        return Ok(false);
    };
    store.audit_sequence_all(&lease, BATCH).await?;
    store.lease_release(&lease).await?;
    Ok(true)
}

/// Writes the files beside the database.
pub(crate) async fn write_out(store: &Store, folder: &Path) -> Result<(), PublishError> {
    let key = store.public_key();
    let path = folder.join(SIGNING_KEY_FILE);
    blocking(path, {
        let key = key.to_string();
        move |path| put_key(path, &key)
    })
    .await?;
    let path = folder.join(CHECKPOINTS_FILE);
    let written = blocking(path.clone(), move |path| last_size(path, &key)).await?;
    let mut after = written;
    loop {
        let envelopes = store.checkpoint_list(after, 1000).await?;
        let Some(last) = envelopes.last() else { return Ok(()) };
        let Ok(last) = Checkpoint::open(last, &[store.public_key()]) else { return Ok(()) };
        after = last.size;
        blocking(path.clone(), move |path| append(path, &envelopes)).await?;
    }
}

async fn blocking<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> Result<T, PublishError> {
    let at = path.clone();
    let done = tokio::task::spawn_blocking(move || work(&at)).await;
    done.unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
        .map_err(|source| PublishError::File { path, source })
}

/// Adds the key unless it is there: what an older key signed stays checkable.
fn put_key(path: &Path, key: &str) -> io::Result<()> {
    let known = match std::fs::read_to_string(path) {
        Ok(known) => known,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    if known.lines().any(|line| line.trim() == key.trim()) {
        return Ok(());
    }
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let start = if known.is_empty() || known.ends_with('\n') { "" } else { "\n" };
    file.write_all(format!("{start}{}\n", key.trim()).as_bytes())?;
    file.sync_all()
}

/// Size of the log at the last checkpoint in the file that we signed; 0 without one.
fn last_size(path: &Path, key: &PublicKey) -> io::Result<u64> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let signed = |line: &[u8]| Checkpoint::open(line, std::slice::from_ref(key)).ok();
    let lines: Vec<&[u8]> = tail.split_inclusive(|byte| *byte == b'\n').collect();
    Ok(lines.into_iter().rev().find_map(signed).map_or(0, |last| last.size))
}

/// Appends lines, each with its end; they survive a power failure when this returns.
fn append(path: &Path, lines: &[Vec<u8>]) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
    file.lock()?;
    let mut text = Vec::new();
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != [b'\n'] {
            // A line that a crash cut off.
            text.push(b'\n');
        }
    }
    for line in lines {
        text.extend_from_slice(line);
    }
    file.write_all(&text)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crypto::{KeyRing, MasterKey, SigningKey};
    use model::{RandomIds, SystemClock};
    use store::{Access, Actor, AuditEvent, StoreParts, StorePlace};

    use super::*;

    async fn store(folder: &Path) -> Store {
        Store::open(StoreParts {
            place: StorePlace::File(folder.join("state.db")),
            keys: KeyRing::new(MasterKey::random()),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            access: Access::Write,
            max_bytes: None,
        })
        .await
        .unwrap()
    }

    async fn checkpoint(store: &Store, folder: &Path) {
        store.audit_enter(&[AuditEvent::new(Actor::system(), "test", "it")]).await.unwrap();
        sequence(store, "tester").await.unwrap();
        write_out(store, folder).await.unwrap();
    }

    #[tokio::test]
    async fn a_checkpoint_that_a_crash_cut_off_is_written_again_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let (store, path) = (store(folder.path()).await, folder.path().join(CHECKPOINTS_FILE));
        checkpoint(&store, folder.path()).await;
        checkpoint(&store, folder.path()).await;
        let text = std::fs::read(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 9]).unwrap();

        write_out(&store, folder.path()).await.unwrap();

        let again = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = again.split_inclusive('\n').collect();
        let open = |line: &&str| Checkpoint::open(line.as_bytes(), &[store.public_key()]).ok();
        let sizes: Vec<u64> = lines.iter().filter_map(open).map(|one| one.size).collect();
        assert_eq!((lines.len(), sizes), (3, vec![1, 2]), "one torn line, and the second again");
    }

    #[test]
    fn a_new_key_stands_beside_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SIGNING_KEY_FILE);
        let (one, two) =
            (SigningKey::random().public().to_string(), SigningKey::random().public().to_string());

        for key in [&one, &two, &one] {
            put_key(&path, key).unwrap();
        }

        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{one}\n{two}\n"));
    }
}
