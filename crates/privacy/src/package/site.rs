//! The pages of an HTML package: all records of each collection, some on each page
//! (privacy-requests PK-8).

use std::io::Write as _;
use std::sync::LazyLock;

use engine::CollectionOutcome;
use graph::Selection;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use model::{CollectionAddress, Row};
use serde::Serialize;
use serde_json::Value;

use super::archive::Archive;
use super::records::RecordsPage;
use super::redaction::{Redaction, ShownFields};
use super::shown::Shown;
use super::{Failed, access, each_text, html, page};

const DATASET: &str = include_str!("dataset.html");
/// The looks of all pages. They stand in each: a page that is opened by itself needs nothing else.
pub(super) const STYLE: &str = include_str!("style.css");

/// Records of one page.
const MOST_RECORDS: usize = 200;

/// Or fewer, if they are large.
const MOST_BYTES: usize = 1024 * 1024;

/// The templates of all pages but those of records, read once: that takes as long as to write a small
/// package.
pub(super) static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let templates = [("dataset.html", DATASET), ("index.html", page::TEMPLATE)];
    let mut environment = environment();
    for (name, template) in templates {
        environment.add_template(name, template).expect("the program's own templates can be read");
    }
    environment
});

/// A template environment in which every value is escaped.
pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment
}

/// Writes the pages of collections, and of the datasets that hold them.
#[derive(Debug)]
pub(super) struct Site<'r> {
    redaction: Option<&'r Redaction>,
    /// In the order of the addresses: those of one dataset follow each other.
    written: Vec<Written>,
    /// Nothing: room for the records of the next collection.
    room: Vec<u8>,
}

#[derive(Debug)]
struct Written {
    address: CollectionAddress,
    dataset_folder: String,
    folder: String,
    records: u64,
}

#[derive(Serialize)]
struct Dataset<'a> {
    style: &'a str,
    dataset: &'a str,
    collections: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    folder: &'a str,
    name: &'a str,
    records: u64,
}

impl<'a> Entry<'a> {
    fn of(written: &'a Written) -> Self {
        Self { folder: &written.folder, name: written.address.collection(), records: written.records }
    }
}

impl<'r> Site<'r> {
    pub(super) fn new(redaction: Option<&'r Redaction>) -> Self {
        Self { redaction, written: Vec::new(), room: Vec::new() }
    }

    /// Writes the pages of one collection; none if no record is delivered.
    pub(super) fn collection(
        &mut self,
        archive: &mut Archive<'_>,
        address: &CollectionAddress,
        (collection, selection): (&CollectionOutcome, &Selection),
    ) -> Result<(), Failed> {
        let mut fields = self.redaction.map(|redaction| redaction.fields(address));
        let stored_as = address;
        let address = &self.redaction.map_or_else(|| address.clone(), |redaction| redaction.address(address));
        let mut batch = Batch { html: std::mem::take(&mut self.room), ..Batch::default() };
        let mut folders = None;
        let mut record = Vec::new();
        each_text((stored_as, collection), selection, |stored| {
            let bytes = show(stored_as, (selection, stored), fields.as_mut(), &mut record)?;
            if record.is_empty() {
                return Ok(());
            }
            if batch.is_full() {
                let folders = &*folders.get_or_insert_with(|| archive.folders(address));
                batch.write(archive, (address, folders), More::Yes)?;
                batch.turn();
            }
            batch.add(&record, bytes);
            Ok(())
        })?;
        if batch.last() > 0 {
            let folders = folders.unwrap_or_else(|| archive.folders(address));
            batch.write(archive, (address, &folders), More::No)?;
            self.written.push(Written {
                address: address.clone(),
                records: batch.last(),
                dataset_folder: folders.dataset,
                folder: folders.collection,
            });
        }
        batch.turn();
        self.room = batch.html;
        Ok(())
    }

    /// Writes the page of each dataset and gives where each collection's first page is.
    pub(super) fn finish(
        self,
        archive: &mut Archive<'_>,
    ) -> Result<Vec<(CollectionAddress, String)>, Failed> {
        let template = PAGES.get_template("dataset.html")?;
        for group in self.written.chunk_by(|a, b| a.dataset_folder == b.dataset_folder) {
            let Some(first) = group.first() else { continue };
            let page = Dataset {
                style: STYLE,
                dataset: first.address.dataset(),
                collections: group.iter().map(Entry::of).collect(),
            };
            let html = template.render(Serde(&page))?;
            archive.put(&format!("data/{}/index.html", first.dataset_folder), html.as_bytes())?;
        }
        let place = |written: Written| {
            (written.address, format!("data/{}/{}/index.html", written.dataset_folder, written.folder))
        };
        Ok(self.written.into_iter().map(place).collect())
    }
}

/// Where the pages of one collection lie.
#[derive(Debug)]
pub(super) struct Folders {
    pub(super) dataset: String,
    pub(super) collection: String,
}

/// Whether further records follow a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum More {
    Yes,
    No,
}

/// The records of the page that is being filled.
#[derive(Debug, Default)]
struct Batch {
    /// The records as HTML, numbered.
    html: Vec<u8>,
    /// How many there are.
    rows: usize,
    /// Roughly the bytes of their values.
    bytes: usize,
    /// Records on earlier pages.
    before: u64,
    /// Number of the page, from 0.
    page: u64,
}

impl Batch {
    fn is_full(&self) -> bool {
        self.rows >= MOST_RECORDS || self.bytes >= MOST_BYTES
    }

    /// Adds a record that is written already.
    fn add(&mut self, record: &[u8], bytes: usize) {
        self.rows += 1;
        self.bytes += bytes;
        let number = self.last();
        // A vector takes everything.
        let _ = write!(self.html, "\n<article>\n<h2 class=\"record\">Record {number}</h2>\n");
        self.html.extend_from_slice(record);
        self.html.extend_from_slice(b"\n</article>");
    }

    /// Number of the last record, which is that of all so far.
    fn last(&self) -> u64 {
        self.before + self.rows as u64
    }

    fn turn(&mut self) {
        self.before = self.last();
        self.html.clear();
        (self.rows, self.bytes) = (0, 0);
        self.page += 1;
    }

    /// Writes the page.
    fn write(
        &self,
        archive: &mut Archive<'_>,
        (address, folders): (&CollectionAddress, &Folders),
        more: More,
    ) -> Result<(), Failed> {
        let name = |page: u64| match page {
            0 => "index.html".to_owned(),
            later => format!("page-{}.html", later + 1),
        };
        let page = RecordsPage {
            address: address.to_string(),
            dataset: address.dataset(),
            first: self.before + 1,
            last: self.last(),
            only: self.page == 0 && more == More::No,
            previous: self.page.checked_sub(1).map(name),
            next: (more == More::Yes).then(|| name(self.page + 1)),
        };
        let file = format!("data/{}/{}/{}", folders.dataset, folders.collection, name(self.page));
        let (head, foot) = (page.head(), page.foot());
        archive.put_parts(&file, &[&head, &self.html, foot.as_bytes()])
    }
}

/// Makes `html` what is shown of a row that is JSON text: nothing if nothing of it is delivered. Gives
/// roughly the bytes of its values.
fn show(
    address: &CollectionAddress,
    (selection, row): (&Selection, &str),
    fields: Option<&mut ShownFields<'_>>,
    html: &mut Vec<u8>,
) -> Result<usize, Failed> {
    html.clear();
    if fields.as_ref().is_none_or(|fields| fields.show_all())
        && let Some(bytes) = html::show_text(row, selection, html)
    {
        return Ok(bytes);
    }
    let mut part = Vec::new();
    if !access::pick(address, (selection, row), &mut part)? {
        return Ok(0);
    }
    let row: Row = serde_json::from_slice(&part).map_err(|error| Failed::Write(error.into()))?;
    let row = match fields {
        Some(fields) => fields.row(row),
        None => row,
    };
    let bytes = bytes_of_members(&row);
    html::show(&Shown::of_row(row), html);
    Ok(bytes)
}

/// Roughly the bytes of a value.
pub(super) fn bytes_of(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(bytes_of).sum(),
        Value::Object(members) => bytes_of_members(members),
    }
}

fn bytes_of_members(row: &Row) -> usize {
    row.iter().map(|(key, value)| key.len() + bytes_of(value)).sum()
}
