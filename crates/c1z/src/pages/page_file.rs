use std::fs::File;
use std::io::{self, Write as _};

use crate::frame::{Body, BodyWriter};

/// Bytes of a page, as every writer of such files has them (baton F-7).
pub(crate) const PAGE_BYTES: usize = 4096;

/// Readers stop at 10 GiB (baton F-4), so nothing larger is written.
const MAX_PAGES: u32 = (10_u64 * 1024 * 1024 * 1024 / PAGE_BYTES as u64) as u32;

/// The page with the byte at 1 GiB, by which SQLite locks files: it belongs to nothing, and a database in which something
/// names it counts as damaged (SQLite's file format, 1.4).
pub(super) const LOCK_PAGE: u32 = (1 << 30) / PAGE_BYTES as u32 + 1;

/// The pages of a database, one after the other; but for the first, which is known last: it says where the rest stands.
pub(super) struct PageFile {
    out: BodyWriter,
    pages: u32,
}

impl PageFile {
    pub(super) fn new(file: File) -> io::Result<Self> {
        Ok(Self { out: BodyWriter::new(file)?, pages: 1 })
    }

    /// Pages so far, with the first.
    pub(super) fn pages(&self) -> u32 {
        self.pages
    }

    /// Appends a page and gives its number.
    pub(super) fn append(&mut self, page: &[u8; PAGE_BYTES]) -> io::Result<u32> {
        self.begin()?;
        self.out.write_all(page)?;
        Ok(self.pages)
    }

    /// Appends the part of a record that its page has no room for, and gives the number of its first page.
    pub(super) fn append_overflow(&mut self, bytes: &[u8]) -> io::Result<u32> {
        let first = after(self.pages);
        let mut chunks = bytes.chunks(PAGE_BYTES - 4).peekable();
        while let Some(chunk) = chunks.next() {
            self.begin()?;
            let next = if chunks.peek().is_some() { after(self.pages) } else { 0 };
            self.out.write_all(&next.to_be_bytes())?;
            self.out.write_all(chunk)?;
            let rest = PAGE_BYTES - 4 - chunk.len();
            self.out.write_all([0; PAGE_BYTES].get(..rest).unwrap_or_default())?;
        }
        Ok(first)
    }

    /// All pages but the first.
    pub(super) fn finish(self) -> io::Result<Body> {
        self.out.finish()
    }

    /// Leaves out pages up to this one, for a test that cannot write a gibibyte.
    #[cfg(test)]
    pub(super) fn skip_to(&mut self, page: u32) {
        self.pages = page;
    }

    /// Counts the page that is about to be written.
    fn begin(&mut self) -> io::Result<()> {
        let page = after(self.pages);
        if page > self.pages + 1 {
            self.out.write_all(&[0; PAGE_BYTES])?;
        }
        self.pages = page;
        if self.pages > MAX_PAGES {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "the database would be over 10 GiB, more than any reader of such files takes",
            ));
        }
        Ok(())
    }
}

/// The number of the page that is written after this one.
fn after(page: u32) -> u32 {
    if page + 1 == LOCK_PAGE { page + 2 } else { page + 1 }
}
