//! The package as one ZIP archive that is written from front to end.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::rc::Rc;

use engine::RunOutcome;
use jiff::Timestamp;
use model::{CollectionAddress, Row};
use serde_json::json;
use spec::PackageFormat;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::names::Names;
use super::site::{Folders, Site};
use super::table::Columns;
use super::{Failed, PackageError, PackageOptions, access, page, report_of, was_read};
use crate::Report;

/// From 1, which is fast, to 9, which is small.
const COMPRESSION: i64 = 1;

/// What a file inside the archive is gathered in before it is packed.
const BUFFER_BYTES: usize = 64 * 1024;

/// Writes the package as a ZIP archive to `out`: `report.json`, and each of `formats` once.
///
/// - [`PackageFormat::Json`]: `access.json`, as in the folder.
/// - [`PackageFormat::Csv`]: `csv/DATASET/COLLECTION.csv`, one for each collection with rows.
/// - [`PackageFormat::Html`]: `clickme.html` and below `data` the pages with all records.
///
/// `out` is only appended to. Rows stream from the sealed pages, once for each format and twice for
/// tables, whose columns are known at the end of the first time; memory depends on the size of a
/// page, of a row and on the number of files. Blocks: from asynchronous code use `spawn_blocking`.
///
/// # Errors
/// [`PackageError`]; what has been written to `out` is then no archive.
pub fn write_zip(
    out: &mut dyn Write,
    outcome: &RunOutcome,
    options: &PackageOptions<'_>,
    formats: &[PackageFormat],
) -> Result<Report, PackageError> {
    write(out, outcome, options, formats).map_err(Failed::in_stream)
}

pub(super) fn write(
    out: &mut dyn Write,
    outcome: &RunOutcome,
    options: &PackageOptions<'_>,
    formats: &[PackageFormat],
) -> Result<Report, Failed> {
    let tap = Tap { out, closed: Rc::default() };
    let closed = Rc::clone(&tap.closed);
    let report = report_of(outcome, options);
    let mut archive = Archive::new(tap, options.made_at);
    let written = archive.fill(&report, (outcome, options), formats).and_then(|()| archive.finish());
    // An archive that was not finished writes its end when it is dropped: into nothing.
    closed.set(true);
    written.map(|()| report)
}

/// An archive that is being written.
pub(super) struct Archive<'a> {
    /// Nothing once it is finished.
    zip: Option<BufWriter<ZipWriter<StreamWriter<Tap<'a>>>>>,
    options: SimpleFileOptions,
    datasets: Folder,
    collections: HashMap<String, Folder>,
}

/// The names given in one folder.
#[derive(Default)]
struct Folder {
    names: Names,
    given: HashMap<String, String>,
}

impl Folder {
    /// The same name each time for the same `wanted`.
    fn name(&mut self, wanted: &str) -> String {
        let Self { names, given } = self;
        given.entry(wanted.to_owned()).or_insert_with(|| names.take(wanted)).clone()
    }
}

impl<'a> Archive<'a> {
    fn new(tap: Tap<'a>, made_at: Option<Timestamp>) -> Self {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            // Higher levels take twice the time for a tenth of the size.
            .compression_level(Some(COMPRESSION))
            // Sizes are not known before: each file may pass 4 GiB.
            .large_file(true)
            .unix_permissions(0o600)
            .last_modified_time(made_at.and_then(date_time).unwrap_or_default());
        Self {
            zip: Some(BufWriter::with_capacity(BUFFER_BYTES, ZipWriter::new_stream(tap))),
            options,
            datasets: Folder::default(),
            collections: HashMap::new(),
        }
    }

    fn fill(
        &mut self,
        report: &Report,
        (outcome, options): (&RunOutcome, &PackageOptions<'_>),
        formats: &[PackageFormat],
    ) -> Result<(), Failed> {
        let wanted = |format| formats.contains(&format);
        let redacted = options.redaction.map(|redaction| redaction.report(report));
        let shown = redacted.as_ref().unwrap_or(report);
        // What programs read has every name, and its report the same ones.
        let beside = if formats.iter().all(|format| *format == PackageFormat::Html) { shown } else { report };
        let mut text = serde_json::to_vec_pretty(beside).map_err(|error| Failed::Write(error.into()))?;
        text.push(b'\n');
        self.put("report.json", &text)?;
        if wanted(PackageFormat::Json) {
            // Nothing is shown from here, so nothing is kept.
            let options = PackageOptions { rows_shown: 0, ..*options };
            self.file("access.json", |file| access::write(file, outcome, &options))?;
        }
        if !wanted(PackageFormat::Json) && !options.brought.is_empty() {
            let brought: Row = options.brought.iter().map(|(key, row)| (key.clone(), json!([row]))).collect();
            let text = serde_json::to_vec_pretty(&brought).map_err(|error| Failed::Write(error.into()))?;
            self.put("brought.json", &text)?;
        }
        for file in options.files {
            self.put(&file.path, file.contents.expose())?;
        }
        let mut site = wanted(PackageFormat::Html).then(|| Site::new(options.redaction));
        for (address, collection) in outcome.collections.iter().filter(|(_, collection)| was_read(collection))
        {
            let selection = options.contents.selection(address);
            if wanted(PackageFormat::Csv) {
                let columns = Columns::of(collection, &selection)?;
                if columns.has_rows() {
                    let Folders { dataset, collection: name } = self.folders(address);
                    self.file(&format!("csv/{dataset}/{name}.csv"), |file| {
                        columns.write(file, collection, &selection)
                    })?;
                }
            }
            if let Some(site) = &mut site {
                site.collection(self, address, (collection, &selection))?;
            }
        }
        if let Some(site) = site {
            let places = site.finish(self)?;
            let html = page::front(shown, &places, options, wanted(PackageFormat::Json))?;
            self.put("clickme.html", html.as_bytes())?;
        }
        Ok(())
    }

    /// The folders of a collection's files; the same each time.
    pub(super) fn folders(&mut self, address: &CollectionAddress) -> Folders {
        let dataset = self.datasets.name(address.dataset());
        let collection = self.collections.entry(dataset.clone()).or_default().name(address.collection());
        Folders { dataset, collection }
    }

    /// Writes one file that is whole already.
    pub(super) fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), Failed> {
        self.put_parts(name, &[bytes])
    }

    /// The same for one that is there in parts.
    pub(super) fn put_parts(&mut self, name: &str, parts: &[&[u8]]) -> Result<(), Failed> {
        self.file(name, |file| parts.iter().try_for_each(|part| file.write_all(part)).map_err(Failed::Write))
    }

    /// Writes one file as it comes.
    fn file<T>(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        let zip = self.zip.as_mut().ok_or_else(|| Failed::Write(io::ErrorKind::BrokenPipe.into()))?;
        // Nothing waits in the buffer: the file before ended with a flush.
        zip.get_mut().start_file(name, self.options).map_err(|error| Failed::Write(error.into()))?;
        let written = write(zip)?;
        zip.flush().map_err(Failed::Write)?;
        Ok(written)
    }

    fn finish(&mut self) -> Result<(), Failed> {
        let Some(zip) = self.zip.take() else { return Ok(()) };
        let zip = zip.into_inner().map_err(|error| Failed::Write(error.into_error()))?;
        zip.finish()
            .and_then(|stream| Ok(stream.into_inner().end()?))
            .map_err(|error| Failed::Write(error.into()))
    }
}

/// A ZIP knows neither zones nor years before 1980.
fn date_time(at: Timestamp) -> Option<DateTime> {
    let at = jiff::tz::Offset::UTC.to_datetime(at);
    let part = |number: i8| u8::try_from(number).ok();
    DateTime::from_date_and_time(
        u16::try_from(at.year()).ok()?,
        part(at.month())?,
        part(at.day())?,
        part(at.hour())?,
        part(at.minute())?,
        part(at.second())?,
    )
    .ok()
}

/// Passes everything on until it is closed or a write fails, and nothing after that: the rest of
/// an archive that has a hole must not reach anybody.
struct Tap<'a> {
    out: &'a mut dyn Write,
    closed: Rc<Cell<bool>>,
}

impl Tap<'_> {
    fn end(self) -> io::Result<()> {
        if self.closed.get() { Ok(()) } else { self.out.flush() }
    }
}

impl Write for Tap<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed.get() {
            return Ok(bytes.len());
        }
        self.out.write(bytes).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.closed.set(true);
            }
        })
    }

    /// Each file of an archive ends with one, and most are small: only the archive's own end is passed on.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
