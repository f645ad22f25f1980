//! `access.json`, row by row.

use std::io::{self, Write};

use engine::RunOutcome;
use graph::Selection;
use model::{CollectionAddress, Row};

use super::shown::ShownCollection;
use super::{Failed, PackageOptions, damaged, each_text, was_read};

/// Writes all rows and gives back the first ones of each collection, for the readable page.
///
/// One row a line. Only collections that were read appear: an empty list says that a reading found
/// nothing, so one that failed or was skipped must not have one (privacy-requests R-1).
pub(super) fn write<'a>(
    file: &mut dyn Write,
    outcome: &RunOutcome,
    options: &PackageOptions<'a>,
) -> Result<Vec<ShownCollection<'a>>, Failed> {
    let mut writer = Writer { file, collections: 0 };
    let (mut shown, mut part) = (Vec::new(), Vec::new());
    for (address, collection) in outcome.collections.iter().filter(|(_, collection)| was_read(collection)) {
        let mut open = Open { address, rows: 0 };
        let mut first = ShownCollection::new(address, options);
        let selection = options.contents.selection(address);
        each_text((address, collection), &selection, |stored| {
            let row = if selection == Selection::Whole {
                // Whole rows are passed on as the text they are stored as.
                stored.as_bytes()
            } else if pick(address, (&selection, stored), &mut part)? {
                &part
            } else {
                return Ok(());
            };
            writer.row(&mut open, |file| file.write_all(row)).map_err(Failed::Write)?;
            first.add_text(row);
            Ok(())
        })?;
        if open.rows > 0 {
            writer.file.write_all(b"\n]").map_err(Failed::Write)?;
        } else if options.contents.lists_empty() {
            writer.key(address).map_err(Failed::Write)?;
            writer.file.write_all(b"[]").map_err(Failed::Write)?;
        }
        shown.push(first);
    }
    for (key, row) in options.brought {
        writer.brought(key, row).map_err(Failed::Write)?;
    }
    writer.finish().map_err(Failed::Write)?;
    Ok(shown)
}

/// Makes `part` the selected part of a row, in the form in which `serde_json` writes it; whether anything is
/// left of it.
pub(super) fn pick(
    address: &CollectionAddress,
    (selection, row): (&Selection, &str),
    part: &mut Vec<u8>,
) -> Result<bool, Failed> {
    part.clear();
    if let Some(is_left) = selection.pick_text(row, part) {
        return Ok(is_left);
    }
    let row = serde_json::from_str(row).map_err(|_| damaged(address))?;
    let Some(row) = selection.pick(row) else { return Ok(false) };
    serde_json::to_writer(part, &row).map_err(|error| Failed::Write(error.into()))?;
    Ok(true)
}

struct Writer<'a> {
    file: &'a mut dyn Write,
    collections: usize,
}

/// The collection being written; its key is written with its first row.
struct Open<'a> {
    address: &'a CollectionAddress,
    rows: u64,
}

impl Writer<'_> {
    fn row(
        &mut self,
        open: &mut Open<'_>,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        if open.rows == 0 {
            self.key(open.address)?;
            self.file.write_all(b"[\n")?;
        } else {
            self.file.write_all(b",\n")?;
        }
        open.rows += 1;
        write(&mut *self.file)
    }

    /// One row under a key of its own.
    fn brought(&mut self, key: &str, row: &Row) -> io::Result<()> {
        self.name(key)?;
        self.file.write_all(b"[\n")?;
        serde_json::to_writer(&mut *self.file, row).map_err(io::Error::from)?;
        self.file.write_all(b"\n]")
    }

    fn key(&mut self, address: &CollectionAddress) -> io::Result<()> {
        self.name(&address.to_string())
    }

    fn name(&mut self, name: &str) -> io::Result<()> {
        self.file.write_all(if self.collections == 0 { b"{\n" } else { b",\n" })?;
        self.collections += 1;
        serde_json::to_writer(&mut *self.file, name).map_err(io::Error::from)?;
        self.file.write_all(b":")
    }

    fn finish(self) -> io::Result<()> {
        self.file.write_all(if self.collections == 0 { b"{}\n" } else { b"\n}\n" })
    }
}
