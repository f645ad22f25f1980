//! Going through the lines of a journal, one at a time.

use std::fs::File;
use std::io::{self, BufRead, Read as _, Seek as _, SeekFrom};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{KeyRing, sha256};

use super::{JournalEntry, JournalError};

/// The longest line that is read: far above what one person's identities come to.
const MOST_BYTES: u64 = 16 << 20;

/// Where a walk over the lines is: after a line that is whole, or at the beginning.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    /// What the next line is bound to.
    pub(super) place: Vec<u8>,
    /// Lines so far.
    pub(super) lines: u64,
    /// How many of them a crash cut off.
    pub(super) cut: u64,
    /// Bytes up to the beginning of the last whole line.
    pub(super) last: u64,
    /// Bytes up to its end.
    pub(super) offset: u64,
}

/// How a walk ended.
pub(super) struct Walked {
    /// Where the last whole line is.
    pub(super) chain: Chain,
    /// Cut lines, one behind the last whole line included.
    pub(super) cut: u64,
    /// Whether the file ends in the middle of a line.
    pub(super) is_torn: bool,
}

/// Why a walk ended early.
pub(super) enum WalkError {
    Journal(JournalError),
    Io(io::Error),
}

impl From<JournalError> for WalkError {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl From<io::Error> for WalkError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Chain {
    pub(super) fn start() -> Self {
        Self { place: first_place(), lines: 0, cut: 0, last: 0, offset: 0 }
    }

    /// Whether the file still has the last whole line where it was.
    pub(super) fn stands_in(&self, file: &mut File) -> io::Result<bool> {
        if self.lines == 0 {
            return Ok(true);
        }
        let mut line = Vec::new();
        file.seek(SeekFrom::Start(self.last))?;
        file.by_ref().take(self.offset.saturating_sub(self.last)).read_to_end(&mut line)?;
        let sealed = STANDARD.decode(line.trim_ascii()).unwrap_or_default();
        Ok(next_place(&sealed) == self.place)
    }
}

pub(super) fn first_place() -> Vec<u8> {
    b"erasure-journal/1|".to_vec()
}

pub(super) fn next_place(sealed: &[u8]) -> Vec<u8> {
    [b"erasure-journal/1|".as_slice(), &sha256(sealed)].concat()
}

/// Goes on from `chain`, where `reader` stands. A line that is whole opens at its place. One that does
/// not, and after which the next line opens at the same place, was cut by a crash.
pub(super) fn walk(
    reader: &mut impl BufRead,
    keys: &KeyRing,
    mut chain: Chain,
    mut each: impl FnMut(JournalEntry) -> Result<(), WalkError>,
) -> Result<Walked, WalkError> {
    let mut broken: Option<JournalError> = None;
    let (mut at, mut number, mut is_torn) = (chain.offset, chain.lines, false);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.by_ref().take(MOST_BYTES).read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            break;
        }
        let from = at;
        at += read;
        is_torn = line.last() != Some(&b'\n');
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        number += 1;
        if is_torn && read == MOST_BYTES {
            return Err(JournalError::Unreadable { line: number }.into());
        }
        let sealed = STANDARD.decode(text).unwrap_or_default();
        match keys.open(&chain.place, &sealed) {
            Ok(plain) => {
                let entry = serde_json::from_slice(plain.expose())
                    .map_err(|_| JournalError::Unreadable { line: number })?;
                each(entry)?;
                chain.place = next_place(&sealed);
                chain.cut += u64::from(broken.take().is_some());
                (chain.lines, chain.last, chain.offset) = (number, from, at);
            }
            Err(source) => {
                if let Some(error) = broken {
                    return Err(error.into());
                }
                broken = Some(JournalError::Line { line: number, source });
            }
        }
    }
    let cut = match broken {
        // The last line, without its end: a crash while it was written.
        Some(_) if is_torn => chain.cut + 1,
        Some(error) => return Err(error.into()),
        None => chain.cut,
    };
    Ok(Walked { chain, cut, is_torn })
}
