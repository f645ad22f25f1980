//! The pages of an HTML package: all records of each collection, some on each page
//! (privacy-requests PK-8).

use std::fmt::Write as _;
use std::sync::LazyLock;

use engine::CollectionOutcome;
use graph::Selection;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use model::{CollectionAddress, Row};
use serde::Serialize;
use serde_json::Value;

use super::archive::Archive;
use super::redaction::{Redaction, ShownFields};
use super::shown::Shown;
use super::{Failed, access, each_text, html, page};

const RECORDS: &str = include_str!("records.html");
const DATASET: &str = include_str!("dataset.html");
/// The looks of all pages. They stand in each: a page that is opened by itself needs nothing else.
pub(super) const STYLE: &str = include_str!("style.css");

/// Records of one page.
const MOST_RECORDS: usize = 200;

/// Or fewer, if they are large.
const MOST_BYTES: usize = 1024 * 1024;

/// The templates of all pages, read once: that takes as long as to write a small package.
pub(super) static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let templates = [("records.html", RECORDS), ("dataset.html", DATASET), ("index.html", page::TEMPLATE)];
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
}

#[derive(Debug)]
struct Written {
    address: CollectionAddress,
    dataset_folder: String,
    folder: String,
    records: u64,
}

/// One page of records.
#[derive(Serialize)]
struct Page<'a> {
    style: &'a str,
    address: String,
    dataset: String,
    first: u64,
    last: u64,
    /// The only page of the collection.
    only: bool,
    /// As HTML.
    records: &'a str,
    previous: Option<String>,
    next: Option<String>,
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
        Self { redaction, written: Vec::new() }
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
        let mut batch = Batch::default();
        let mut folders = None;
        let mut part = Vec::new();
        each_text(collection, selection, |stored| {
            if !access::pick(stored_as, (selection, stored), &mut part)? {
                return Ok(());
            }
            if batch.is_full() {
                let folders = &*folders.get_or_insert_with(|| archive.folders(address));
                let page = batch.page(address, folders, More::Yes);
                Self::write(archive, &page)?;
                batch.turn();
            }
            batch.add(&part, fields.as_mut())
        })?;
        if batch.last() == 0 {
            return Ok(());
        }
        let folders = folders.unwrap_or_else(|| archive.folders(address));
        Self::write(archive, &batch.page(address, &folders, More::No))?;
        self.written.push(Written {
            address: address.clone(),
            records: batch.last(),
            dataset_folder: folders.dataset,
            folder: folders.collection,
        });
        Ok(())
    }

    fn write(archive: &mut Archive<'_>, (name, page): &(String, Page<'_>)) -> Result<(), Failed> {
        let html = PAGES.get_template("records.html")?.render(Serde(page))?;
        archive.put(name, html.as_bytes())
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
    html: String,
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

    /// Adds a record that is JSON text.
    fn add(&mut self, row: &[u8], fields: Option<&mut ShownFields<'_>>) -> Result<(), Failed> {
        self.rows += 1;
        let number = self.last();
        // A text takes everything.
        let _ = write!(self.html, "\n<article>\n<h2 class=\"record\">Record {number}</h2>\n");
        let from_text = match &fields {
            Some(fields) if !fields.show_all() => None,
            Some(_) | None => {
                std::str::from_utf8(row).ok().and_then(|row| html::show_text(row, &mut self.html))
            }
        };
        if let Some(bytes) = from_text {
            self.bytes += bytes;
        } else {
            let row: Row = serde_json::from_slice(row).map_err(|error| Failed::Write(error.into()))?;
            let row = match fields {
                Some(fields) => fields.row(row),
                None => row,
            };
            self.bytes += bytes_of_members(&row);
            html::show(&Shown::of_row(row), &mut self.html);
        }
        self.html.push_str("\n</article>");
        Ok(())
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

    fn page(&self, address: &CollectionAddress, folders: &Folders, more: More) -> (String, Page<'_>) {
        let name = |page: u64| match page {
            0 => "index.html".to_owned(),
            later => format!("page-{}.html", later + 1),
        };
        let page = Page {
            style: STYLE,
            address: address.to_string(),
            dataset: address.dataset().to_owned(),
            first: self.before + 1,
            last: self.last(),
            only: self.page == 0 && more == More::No,
            records: &self.html,
            previous: self.page.checked_sub(1).map(name),
            next: (more == More::Yes).then(|| name(self.page + 1)),
        };
        (format!("data/{}/{}/{}", folders.dataset, folders.collection, name(self.page)), page)
    }
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
