mod walk;

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{KeyRing, UnsealError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::walk::{Chain, WalkError, Walked, first_place, next_place, walk};

/// One erasure that was carried out, with what is needed to carry it out again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalEntry {
    /// When it was carried out.
    #[serde(with = "time_text")]
    pub at: Timestamp,
    /// Its run.
    pub run: String,
    /// Its policy.
    pub policy: String,
    /// Digest of the plan that was applied.
    pub plan: String,
    /// Whose data, as the caller writes identities. Personal data: sealed in the file, not shown.
    pub subject: String,
}

impl std::fmt::Debug for JournalEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JournalEntry").field("at", &self.at).field("run", &self.run).finish_non_exhaustive()
    }
}

/// The erasure journal (architecture §13.9): a file outside the database, so that a restored database,
/// ours or a customer's, can be cleaned again of those who were erased since its backup.
///
/// One sealed line per erasure, only ever appended. Each line is bound to the one before it, so that a
/// line that was removed, changed or moved is noticed; a line cut by a crash is told apart and skipped.
///
/// The file is read line by line, never whole. Clones share how far it was read: the first use in a
/// process goes through all of it, later ones only through what was added.
#[derive(Debug, Clone)]
pub struct ErasureJournal {
    path: PathBuf,
    seen: Arc<Mutex<Option<Seen>>>,
}

/// How far this process has read the file.
#[derive(Debug)]
struct Seen {
    /// Which file it was.
    file: FileId,
    chain: Chain,
    /// Digests of the newest plans in it, oldest first.
    plans: VecDeque<String>,
}

/// Which file a path leads to; none where the system does not tell: then nothing counts as read.
type FileId = Option<(u64, u64)>;

/// How many of the newest plans are remembered, so that none is entered twice.
const REMEMBERED: usize = 4_096;

/// What reading the journal found.
#[derive(Debug, PartialEq, Eq)]
pub struct JournalReading {
    /// Entries, oldest first.
    pub entries: Vec<JournalEntry>,
    /// Lines that a crash cut off; their erasures were not journaled as done.
    pub cut: u64,
}

impl ErasureJournal {
    /// The journal in `path`; made with the first entry.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), seen: Arc::default() }
    }

    /// Appends an entry; it survives a power failure when this returns. Blocks on the disk.
    pub fn append(&self, keys: &KeyRing, entry: &JournalEntry) -> Result<(), JournalError> {
        self.add(keys, entry, Again::Enter).map(|_| ())
    }

    /// The same, unless the entry of its plan is among the newest ones; says whether it was appended.
    pub fn append_once(&self, keys: &KeyRing, entry: &JournalEntry) -> Result<bool, JournalError> {
        self.add(keys, entry, Again::Skip)
    }

    fn add(&self, keys: &KeyRing, entry: &JournalEntry, again: Again) -> Result<bool, JournalError> {
        let failed = |source| self.failed(source);
        let existed = self.path.exists();
        let mut file = self.open_locked().map_err(failed)?;
        let id = file_id(&file).map_err(failed)?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let length = file.metadata().map_err(failed)?.len();
        // Taken out: if anything goes wrong, the next one reads it all.
        let known = match seen.take().filter(|seen| seen.file == id && id.is_some()) {
            Some(seen) if seen.chain.stands_in(&mut file).map_err(failed)? => Some(seen),
            Some(_) | None => None,
        };
        let Seen { chain, mut plans, .. } =
            known.unwrap_or_else(|| Seen { file: id, chain: Chain::start(), plans: VecDeque::new() });
        file.seek(SeekFrom::Start(chain.offset)).map_err(failed)?;
        let walked = walk(&mut BufReader::new(&file), keys, chain, |entry| {
            remember(&mut plans, entry.plan);
            Ok(())
        });
        let Walked { mut chain, is_torn, .. } = walked.map_err(|error| self.walk_failed(error))?;
        if again == Again::Skip && plans.contains(&entry.plan) {
            *seen = Some(Seen { file: id, chain, plans });
            return Ok(false);
        }
        let plain =
            serde_json::to_vec(entry).map_err(|_| JournalError::Unreadable { line: chain.lines + 1 })?;
        let sealed = keys.seal(&chain.place, &plain);
        let mut line = STANDARD.encode(&sealed);
        line.push('\n');
        if length > 0 && !ends_line(&mut file).map_err(failed)? {
            line.insert(0, '\n');
        }
        let end = file.seek(SeekFrom::End(0)).map_err(failed)?;
        file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        if !existed {
            sync_folder(&self.path).map_err(failed)?;
        }
        remember(&mut plans, entry.plan.clone());
        chain.place = next_place(&sealed);
        chain.lines += 1;
        chain.cut += u64::from(is_torn && chain.offset < length);
        (chain.last, chain.offset) = (end, end + line.len() as u64);
        *seen = Some(Seen { file: id, chain, plans });
        Ok(true)
    }

    /// The entries since `since`. No file means no entries.
    pub fn since(&self, keys: &KeyRing, since: Timestamp) -> Result<JournalReading, JournalError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(JournalReading { entries: Vec::new(), cut: 0 });
            }
            Err(error) => return Err(self.failed(error)),
        };
        let mut entries = Vec::new();
        let walked = walk(&mut BufReader::new(file), keys, Chain::start(), |entry| {
            if entry.at >= since {
                entries.push(entry);
            }
            Ok(())
        });
        let walked = walked.map_err(|error| self.walk_failed(error))?;
        Ok(JournalReading { entries, cut: walked.cut })
    }

    /// Writes the journal anew under the ring's current key, beside the old one and then in its place.
    pub fn reseal(&self, keys: &KeyRing) -> Result<u64, JournalError> {
        let failed = |source| self.failed(source);
        if !self.path.exists() {
            return Ok(0);
        }
        let file = self.open_locked().map_err(failed)?;
        let draft = ErasureJournal::new(self.path.with_extension("new"));
        let new = draft.open_to_write().map_err(failed)?;
        new.set_len(0).map_err(failed)?;
        let mut out = BufWriter::new(new);
        let (mut place, mut written) = (first_place(), 0);
        let walked = walk(&mut BufReader::new(&file), keys, Chain::start(), |entry| {
            written += 1;
            let plain = serde_json::to_vec(&entry).map_err(|_| JournalError::Unreadable { line: written })?;
            let sealed = keys.seal(&place, &plain);
            writeln!(out, "{}", STANDARD.encode(&sealed))?;
            place = next_place(&sealed);
            Ok(())
        });
        walked.map_err(|error| self.walk_failed(error))?;
        out.into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|new| new.sync_all())
            .and_then(|()| std::fs::rename(&draft.path, &self.path))
            .and_then(|()| sync_folder(&self.path))
            .map_err(failed)?;
        Ok(written)
    }

    /// The file, held until it is closed. Whoever waited for one that was replaced meanwhile takes the
    /// new one.
    fn open_locked(&self) -> io::Result<File> {
        loop {
            let file = self.open_to_write()?;
            file.lock()?;
            let is_there = match File::open(&self.path) {
                Ok(there) => file_id(&there)? == file_id(&file)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                Err(error) => return Err(error),
            };
            if is_there {
                return Ok(file);
            }
        }
    }

    fn open_to_write(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.path)
    }

    fn failed(&self, source: io::Error) -> JournalError {
        JournalError::File { path: self.path.clone(), source }
    }

    fn walk_failed(&self, error: WalkError) -> JournalError {
        match error {
            WalkError::Journal(error) => error,
            WalkError::Io(source) => self.failed(source),
        }
    }
}

/// What is done about a plan that has an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    Enter,
    Skip,
}

fn remember(plans: &mut VecDeque<String>, plan: String) {
    if plans.len() == REMEMBERED {
        plans.pop_front();
    }
    plans.push_back(plan);
}

/// Whether the last byte ends a line.
fn ends_line(file: &mut File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == [b'\n'])
}

#[cfg(unix)]
fn file_id(file: &File) -> io::Result<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = file.metadata()?;
    Ok(Some((metadata.dev(), metadata.ino())))
}

#[cfg(not(unix))]
fn file_id(_file: &File) -> io::Result<FileId> {
    Ok(None)
}

/// A time as its RFC 3339 text.
mod time_text {
    use jiff::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(at)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// A journal that cannot be used. Shows lines by number only.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error("the erasure journal {} cannot be used; check that its folder may be written", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A line does not open at its place.
    #[error(
        "line {line} of the erasure journal does not open; it was changed, or a line before it was removed"
    )]
    Line {
        /// Number of the line, from 1.
        line: u64,
        /// Why.
        #[source]
        source: UnsealError,
    },
    /// A line opens and is not an entry.
    #[error("line {line} of the erasure journal was written by a newer version")]
    Unreadable {
        /// Number of the line, from 1.
        line: u64,
    },
}

#[cfg(test)]
mod tests;
