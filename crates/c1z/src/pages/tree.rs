use std::io;

use super::page_file::{PAGE_BYTES, PageFile};
use super::record::write_varint;

/// Bytes of the database's header, in front of the first page's own.
pub(super) const HEADER_BYTES: usize = 100;

/// What a tree holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TreeKind {
    /// Rows, by their number. Inner pages name rows only.
    Table,
    /// Keys. An entry of an inner page stands nowhere else.
    Index,
}

impl TreeKind {
    /// The largest record that stands in its page as a whole (SQLite's file format, 1.6).
    fn most_bytes(self) -> usize {
        match self {
            Self::Table => PAGE_BYTES - 35,
            Self::Index => (PAGE_BYTES - 12) * 64 / 255 - 23,
        }
    }

    /// How much of a longer record stands in its page.
    fn local_bytes(self, record: usize) -> usize {
        if record <= self.most_bytes() {
            return record;
        }
        let least = (PAGE_BYTES - 12) * 32 / 255 - 23;
        let with_rest = least + (record - least) % (PAGE_BYTES - 4);
        if with_rest <= self.most_bytes() { with_rest } else { least }
    }
}

/// A B-tree made from entries that come in order: pages are filled to the brim and written once.
pub(super) struct Tree {
    kind: TreeKind,
    /// From the leaves up.
    levels: Vec<Level>,
    last_row: u64,
    cell: Vec<u8>,
}

impl Tree {
    pub(super) fn new(kind: TreeKind) -> Self {
        Self { kind, levels: vec![Level::new(kind, 0)], last_row: 0, cell: Vec::new() }
    }

    /// Appends a row with a number higher than all before.
    pub(super) fn add_row(&mut self, file: &mut PageFile, row: u64, record: &[u8]) -> io::Result<()> {
        let mut cell = std::mem::take(&mut self.cell);
        cell.clear();
        write_varint(record.len() as u64, &mut cell);
        write_varint(row, &mut cell);
        self.write_record(file, record, &mut cell)?;
        if !self.leaf().fits(&cell) {
            let page = file.append(&self.leaf().page(0, 0))?;
            self.leaf().clear();
            let mut divider = Vec::new();
            write_varint(self.last_row, &mut divider);
            self.add_at(file, 1, (page, &divider))?;
        }
        self.leaf().push(0, &cell);
        self.last_row = row;
        self.cell = cell;
        Ok(())
    }

    /// Appends an index entry greater than all before.
    pub(super) fn add_entry(&mut self, file: &mut PageFile, record: &[u8]) -> io::Result<()> {
        let mut cell = std::mem::take(&mut self.cell);
        cell.clear();
        write_varint(record.len() as u64, &mut cell);
        self.write_record(file, record, &mut cell)?;
        self.add_at(file, 0, (0, &cell))?;
        self.cell = cell;
        Ok(())
    }

    /// Writes what is open and gives the number of the root's page.
    pub(super) fn finish(self, file: &mut PageFile) -> io::Result<u32> {
        let root = self.finish_levels(file)?;
        file.append(&root.level.page(root.right, 0))
    }

    /// Writes what is open but the root, which becomes a first page behind the database's header.
    pub(super) fn finish_first(self, file: &mut PageFile) -> io::Result<[u8; PAGE_BYTES]> {
        let root = self.finish_levels(file)?;
        debug_assert!(root.level.bytes() + HEADER_BYTES <= PAGE_BYTES, "the schema's root is small");
        Ok(root.level.page(root.right, HEADER_BYTES))
    }

    fn finish_levels(mut self, file: &mut PageFile) -> io::Result<Root> {
        let mut right = 0;
        for number in 0.. {
            let Some(mut level) = self.take(number) else { break };
            if let Some(waiting) = level.waiting.take() {
                // The page is full and one entry is over: its last entry becomes the divider, the one over gets a
                // page of its own.
                let (child, divider) = level.pop();
                let page = file.append(&level.page(child, 0))?;
                level.clear();
                level.push(waiting.child, &waiting.key);
                self.add_at(file, number + 1, (page, &divider))?;
            }
            if number + 1 == self.levels.len() {
                return Ok(Root { level, right });
            }
            right = file.append(&level.page(right, 0))?;
        }
        Ok(Root { level: Level::new(self.kind, 0), right: 0 })
    }

    fn take(&mut self, number: usize) -> Option<Level> {
        let empty = Level::new(self.kind, number);
        self.levels.get_mut(number).map(|level| std::mem::replace(level, empty))
    }

    fn leaf(&mut self) -> &mut Level {
        self.level(0)
    }

    fn level(&mut self, number: usize) -> &mut Level {
        if number >= self.levels.len() {
            self.levels.push(Level::new(self.kind, number));
        }
        self.levels.get_mut(number).expect("levels are made one by one, from the leaves up")
    }

    /// Adds an entry with the page whose entries come before it (none for a leaf).
    fn add_at(&mut self, file: &mut PageFile, number: usize, (child, key): (u32, &[u8])) -> io::Result<()> {
        let level = self.level(number);
        if let Some(waiting) = level.waiting.take() {
            let page = file.append(&level.page(waiting.child, 0))?;
            level.clear();
            level.push(child, key);
            return self.add_at(file, number + 1, (page, &waiting.key));
        }
        if level.fits(key) {
            level.push(child, key);
        } else {
            level.waiting = Some(Waiting { child, key: key.to_vec() });
        }
        Ok(())
    }

    fn write_record(&self, file: &mut PageFile, record: &[u8], cell: &mut Vec<u8>) -> io::Result<()> {
        let (local, rest) = record.split_at(self.kind.local_bytes(record.len()));
        cell.extend_from_slice(local);
        if !rest.is_empty() {
            cell.extend_from_slice(&file.append_overflow(rest)?.to_be_bytes());
        }
        Ok(())
    }
}

/// The last page of a tree, which is not written yet.
struct Root {
    level: Level,
    right: u32,
}

/// The open page of one level of a tree.
struct Level {
    kind: TreeKind,
    number: usize,
    cells: Vec<u8>,
    starts: Vec<usize>,
    /// What came after the page was full. It becomes the divider once something comes after it.
    waiting: Option<Waiting>,
}

struct Waiting {
    child: u32,
    key: Vec<u8>,
}

impl Level {
    fn new(kind: TreeKind, number: usize) -> Self {
        Self { kind, number, cells: Vec::new(), starts: Vec::new(), waiting: None }
    }

    fn header_bytes(&self) -> usize {
        if self.number == 0 { 8 } else { 12 }
    }

    fn child_bytes(&self) -> usize {
        if self.number == 0 { 0 } else { 4 }
    }

    fn bytes(&self) -> usize {
        self.header_bytes() + 2 * self.starts.len() + self.cells.len()
    }

    fn fits(&self, key: &[u8]) -> bool {
        self.bytes() + 2 + self.child_bytes() + key.len() <= PAGE_BYTES
    }

    fn push(&mut self, child: u32, key: &[u8]) {
        self.starts.push(self.cells.len());
        if self.number > 0 {
            self.cells.extend_from_slice(&child.to_be_bytes());
        }
        self.cells.extend_from_slice(key);
    }

    /// Takes the last entry out.
    fn pop(&mut self) -> (u32, Vec<u8>) {
        let start = self.starts.pop().unwrap_or_default();
        let cell = self.cells.split_off(start);
        match cell.split_first_chunk::<4>() {
            Some((child, key)) if self.number > 0 => (u32::from_be_bytes(*child), key.to_vec()),
            _ => (0, cell),
        }
    }

    fn clear(&mut self) {
        self.cells.clear();
        self.starts.clear();
    }

    /// The page, with the child that comes after all entries; `at` is where its header begins.
    fn page(&self, right: u32, at: usize) -> [u8; PAGE_BYTES] {
        let mut page = [0; PAGE_BYTES];
        let content = PAGE_BYTES - self.cells.len();
        let kind = match (self.kind, self.number) {
            (TreeKind::Table, 0) => 0x0d,
            (TreeKind::Table, _) => 0x05,
            (TreeKind::Index, 0) => 0x0a,
            (TreeKind::Index, _) => 0x02_u8,
        };
        let mut head = Vec::with_capacity(self.header_bytes() + 2 * self.starts.len());
        head.extend_from_slice(&[kind, 0, 0]);
        head.extend_from_slice(&(self.starts.len() as u16).to_be_bytes());
        head.extend_from_slice(&(content as u16).to_be_bytes());
        head.push(0);
        if self.number > 0 {
            head.extend_from_slice(&right.to_be_bytes());
        }
        for start in &self.starts {
            head.extend_from_slice(&((content + start) as u16).to_be_bytes());
        }
        put(&mut page, at, &head);
        put(&mut page, content, &self.cells);
        page
    }
}

/// Copies `bytes` into a page.
pub(super) fn put(page: &mut [u8; PAGE_BYTES], at: usize, bytes: &[u8]) {
    if let Some(place) = page.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}
