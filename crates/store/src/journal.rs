use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{KeyRing, UnsealError, sha256};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

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
#[derive(Debug, Clone)]
pub struct ErasureJournal {
    path: PathBuf,
}

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
        Self { path: path.into() }
    }

    /// Appends an entry; it survives a power failure when this returns. Blocks on the disk.
    pub fn append(&self, keys: &KeyRing, entry: &JournalEntry) -> Result<(), JournalError> {
        let failed = |source| self.failed(source);
        let existed = self.path.exists();
        let mut file = self.open_to_write().map_err(failed)?;
        file.lock().map_err(failed)?;
        let text = read(&mut file).map_err(failed)?;
        let chain = walk(&text, keys, |_| ())?;
        let plain =
            serde_json::to_vec(entry).map_err(|_| JournalError::Unreadable { line: chain.lines + 1 })?;
        let mut line = STANDARD.encode(keys.seal(&chain.place, &plain));
        line.push('\n');
        if !text.is_empty() && !text.ends_with('\n') {
            line.insert(0, '\n');
        }
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        if !existed {
            sync_folder(&self.path).map_err(failed)?;
        }
        Ok(())
    }

    /// The entries since `since`. No file means no entries.
    pub fn since(&self, keys: &KeyRing, since: Timestamp) -> Result<JournalReading, JournalError> {
        let text = match File::open(&self.path) {
            Ok(mut file) => read(&mut file).map_err(|source| self.failed(source))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(self.failed(error)),
        };
        let mut entries = Vec::new();
        let chain = walk(&text, keys, |entry| entries.push(entry))?;
        entries.retain(|entry| entry.at >= since);
        Ok(JournalReading { entries, cut: chain.cut })
    }

    /// Writes the journal anew under the ring's current key, beside the old one and then in its place.
    pub fn reseal(&self, keys: &KeyRing) -> Result<u64, JournalError> {
        let failed = |source| self.failed(source);
        if !self.path.exists() {
            return Ok(0);
        }
        let mut file = self.open_to_write().map_err(failed)?;
        file.lock().map_err(failed)?;
        let mut entries = Vec::new();
        walk(&read(&mut file).map_err(failed)?, keys, |entry| entries.push(entry))?;
        let draft = ErasureJournal::new(self.path.with_extension("new"));
        let mut place = first_place();
        let mut text = String::new();
        for (line, entry) in (1..).zip(&entries) {
            let plain = serde_json::to_vec(entry).map_err(|_| JournalError::Unreadable { line })?;
            let sealed = keys.seal(&place, &plain);
            text.push_str(&STANDARD.encode(&sealed));
            text.push('\n');
            place = next_place(&sealed);
        }
        let mut new = draft.open_to_write().map_err(failed)?;
        new.set_len(0)
            .and_then(|()| new.write_all(text.as_bytes()))
            .and_then(|()| new.sync_all())
            .and_then(|()| std::fs::rename(&draft.path, &self.path))
            .and_then(|()| sync_folder(&self.path))
            .map_err(failed)?;
        Ok(entries.len() as u64)
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

/// Where a walk over the lines ended.
struct Chain {
    /// What the next line is bound to.
    place: Vec<u8>,
    lines: u64,
    cut: u64,
}

fn first_place() -> Vec<u8> {
    b"erasure-journal/1|".to_vec()
}

fn next_place(sealed: &[u8]) -> Vec<u8> {
    [b"erasure-journal/1|".as_slice(), &sha256(sealed)].concat()
}

/// A line that is whole opens at its place. One that does not, and after which the next line opens at
/// the same place, was cut by a crash.
fn walk(text: &str, keys: &KeyRing, mut each: impl FnMut(JournalEntry)) -> Result<Chain, JournalError> {
    let mut chain = Chain { place: first_place(), lines: 0, cut: 0 };
    let mut broken: Option<(u64, JournalError)> = None;
    for line in text.lines().filter(|line| !line.is_empty()) {
        chain.lines += 1;
        let number = chain.lines;
        let sealed = STANDARD.decode(line).unwrap_or_default();
        match keys.open(&chain.place, &sealed) {
            Ok(plain) => {
                let entry = serde_json::from_slice(plain.expose())
                    .map_err(|_| JournalError::Unreadable { line: number })?;
                each(entry);
                chain.place = next_place(&sealed);
                chain.cut += u64::from(broken.take().is_some());
            }
            Err(source) => {
                if let Some((_, error)) = broken {
                    return Err(error);
                }
                broken = Some((number, JournalError::Line { line: number, source }));
            }
        }
    }
    match broken {
        // The last line, without its end: a crash while it was written.
        Some(_) if !text.ends_with('\n') => chain.cut += 1,
        Some((_, error)) => return Err(error),
        None => {}
    }
    Ok(chain)
}

fn read(file: &mut File) -> io::Result<String> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::new(file);
    // A torn write may leave bytes that are no text; they are a broken line like any other.
    while !reader.fill_buf()?.is_empty() {
        let mut bytes = Vec::new();
        reader.by_ref().take(1 << 20).read_to_end(&mut bytes)?;
        text.push_str(&String::from_utf8_lossy(&bytes));
    }
    Ok(text)
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
