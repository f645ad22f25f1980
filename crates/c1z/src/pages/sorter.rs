use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

/// Bytes of keys that stand in memory before they go to disk, sorted.
const BUFFER_BYTES: usize = 1 << 20;
/// Bytes that are read ahead of each sorted run.
const READ_BYTES: usize = 64 << 10;
/// Bytes in front of each key on disk: how much it shares with the one before, and how much follows.
const LENGTHS_BYTES: usize = 8;
/// Beyond this many equal bytes, keys are compared as a whole: recursion has an end.
const DEEPEST: usize = 2048;
/// So few keys are compared as a whole.
const FEW: usize = 6;

/// Sorts keys of which none is the beginning of another one, in little memory.
pub(super) struct Sorter {
    folder: Option<PathBuf>,
    bytes: Vec<u8>,
    items: Vec<Item>,
    spill: Option<File>,
    runs: Vec<Run>,
}

/// A key in the buffer, with eight bytes of it at hand.
#[derive(Clone, Copy)]
struct Item {
    chunk: u64,
    start: u32,
    len: u32,
}

impl Sorter {
    /// A sorter with its files in `folder`, or where the system has temporary files.
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, bytes: Vec::new(), items: Vec::new(), spill: None, runs: Vec::new() }
    }

    /// One that has keys in this file already.
    #[cfg(test)]
    pub(super) fn with_file(file: File) -> Self {
        let run = Run { at: 0, end: 64, ahead: Vec::new(), read: 0, key: Vec::new() };
        Self { spill: Some(file), runs: vec![run], ..Self::new(None) }
    }

    /// Adds the key that `write` puts at the end of what it is given.
    pub(super) fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let len = self.bytes.len() - start;
        self.items.push(Item { chunk: 0, start: start as u32, len: len as u32 });
        if self.bytes.len() >= BUFFER_BYTES { self.spill() } else { Ok(()) }
    }

    /// Gives all keys in order.
    pub(super) fn drain(mut self, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        if self.runs.is_empty() {
            sort(&mut self.items, &self.bytes, 0);
            return self.items.iter().try_for_each(|item| take(key(&self.bytes, item)));
        }
        self.spill()?;
        self.bytes = Vec::new();
        self.items = Vec::new();
        let Some(mut file) = self.spill.take() else { return Ok(()) };
        let mut heap = BinaryHeap::with_capacity(self.runs.len());
        for mut run in std::mem::take(&mut self.runs) {
            if run.next(&mut file)? {
                heap.push(run);
            }
        }
        while let Some(mut least) = heap.peek_mut() {
            take(&least.key)?;
            if !least.next(&mut file)? {
                PeekMut::pop(least);
            }
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        sort(&mut self.items, &self.bytes, 0);
        let file = match &mut self.spill {
            Some(file) => file,
            none => none.insert(working_file(self.folder.as_deref())?),
        };
        let start = file.seek(SeekFrom::End(0))?;
        let mut out = BufWriter::with_capacity(1 << 18, file);
        let mut end = start;
        let mut before: &[u8] = &[];
        for item in &self.items {
            // Sorted keys share long beginnings, which are written once.
            let key = key(&self.bytes, item);
            let shared = before.iter().zip(key).take_while(|(left, right)| left == right).count();
            let rest = key.get(shared..).unwrap_or_default();
            out.write_all(&(shared as u32).to_le_bytes())?;
            out.write_all(&(rest.len() as u32).to_le_bytes())?;
            out.write_all(rest)?;
            end += (LENGTHS_BYTES + rest.len()) as u64;
            before = key;
        }
        out.flush()?;
        self.runs.push(Run { at: start, end, ahead: Vec::new(), read: 0, key: Vec::new() });
        self.bytes.clear();
        self.items.clear();
        Ok(())
    }
}

/// A file that nobody else sees and that goes with the process.
pub(crate) fn working_file(folder: Option<&std::path::Path>) -> io::Result<File> {
    match folder {
        Some(folder) => tempfile::tempfile_in(folder),
        None => tempfile::tempfile(),
    }
}

/// Keys on disk, in order.
struct Run {
    at: u64,
    end: u64,
    ahead: Vec<u8>,
    read: usize,
    key: Vec<u8>,
}

impl Run {
    /// Goes to the next key, if there is one.
    fn next(&mut self, file: &mut File) -> io::Result<bool> {
        let Some(lengths) = self.bytes(file, LENGTHS_BYTES)? else { return Ok(false) };
        let length = |at: usize| {
            let bytes = lengths.get(at..).and_then(|bytes| bytes.first_chunk().copied()).unwrap_or_default();
            u32::from_le_bytes(bytes) as usize
        };
        let (shared, rest) = (length(0), length(4));
        let mut key = std::mem::take(&mut self.key);
        key.truncate(shared);
        if let Some(bytes) = self.bytes(file, rest)? {
            key.extend_from_slice(bytes);
        }
        self.key = key;
        Ok(true)
    }

    fn bytes(&mut self, file: &mut File, wanted: usize) -> io::Result<Option<&[u8]>> {
        if self.ahead.len() - self.read < wanted {
            self.ahead.drain(..self.read);
            self.read = 0;
            let missing = wanted.saturating_sub(self.ahead.len());
            let more = ((self.end - self.at) as usize).min(READ_BYTES.max(missing));
            if more < missing || more == 0 {
                return Ok(None);
            }
            file.seek(SeekFrom::Start(self.at))?;
            file.take(more as u64).read_to_end(&mut self.ahead)?;
            self.at += more as u64;
        }
        let bytes = self.ahead.get(self.read..self.read + wanted);
        self.read += wanted;
        Ok(bytes)
    }
}

impl Ord for Run {
    /// The least key comes first out of a heap.
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key)
    }
}

impl PartialOrd for Run {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Run {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Run {}

fn key<'a>(bytes: &'a [u8], item: &Item) -> &'a [u8] {
    let start = item.start as usize;
    bytes.get(start..start + item.len as usize).unwrap_or_default()
}

/// Sorts by eight bytes at a time: ids share long beginnings, and comparing whole keys would go over them each time.
fn sort(items: &mut [Item], bytes: &[u8], depth: usize) {
    if items.len() <= FEW || depth > DEEPEST {
        items.sort_unstable_by(|left, right| key(bytes, left).cmp(key(bytes, right)));
        return;
    }
    for item in &mut *items {
        let rest = key(bytes, item).get(depth..).unwrap_or_default();
        item.chunk = match rest.first_chunk::<8>() {
            Some(chunk) => u64::from_be_bytes(*chunk),
            // Zeros do not make a short key equal to a longer one: they differ before the short one ends.
            None => (0..8).fold(0, |chunk, at| chunk << 8 | rest.get(at).copied().map_or(0, u64::from)),
        };
    }
    items.sort_unstable_by_key(|item| item.chunk);
    for equal in items.chunk_by_mut(|left, right| left.chunk == right.chunk) {
        if equal.len() > 1 {
            sort(equal, bytes, depth + 8);
        }
    }
}
