use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use super::page_file::{PAGE_BYTES, PageFile};
use super::record::{Field, write_record};
use super::sorter::working_file;
use super::table::{Object, Table, TableLayout, Twice};
use super::tree::{HEADER_BYTES, Tree, TreeKind, put};
use crate::frame::{Body, Frame};

/// The version of SQLite that the header names as the last writer. Readers make no use of it.
const WRITER_VERSION: u32 = 3_045_000;

/// A database while its rows come.
pub(crate) struct Database {
    file: PageFile,
    tables: Vec<Table>,
}

/// A database that is whole.
pub(crate) struct Sealed {
    first_page: [u8; PAGE_BYTES],
    /// All other pages.
    rest: Body,
    /// Rows that came twice, by table. If there are any, the database breaks its own rules.
    pub(crate) twice: Vec<(&'static str, Vec<Twice>)>,
}

impl Database {
    /// An empty database with these tables, in a working file in `folder`.
    pub(crate) fn create(layouts: &'static [TableLayout], folder: Option<&Path>) -> io::Result<Self> {
        let file = PageFile::new(working_file(folder)?)?;
        Ok(Self { file, tables: layouts.iter().map(|layout| Table::new(layout, folder)).collect() })
    }

    /// Leaves out pages up to this one.
    #[cfg(test)]
    pub(super) fn skip_to(&mut self, page: u32) {
        self.file.skip_to(page);
    }

    /// Appends a row; `fields` are its columns but `id`.
    pub(crate) fn insert(&mut self, table: usize, fields: &[Field<'_>]) -> io::Result<()> {
        match self.tables.get_mut(table) {
            Some(table) => table.insert(&mut self.file, fields),
            None => Ok(()),
        }
    }

    /// Writes the indexes and the schema.
    pub(crate) fn finish(mut self) -> io::Result<Sealed> {
        let mut objects = Vec::new();
        let mut twice = Vec::new();
        for table in self.tables {
            let name = table.layout().name;
            let (of_table, of_rows) = table.finish(&mut self.file)?;
            objects.extend(of_table);
            if !of_rows.is_empty() {
                twice.push((name, of_rows));
            }
        }
        let mut first_page = schema(&objects, &mut self.file)?;
        put(&mut first_page, 0, &header(self.file.pages()));
        Ok(Sealed { first_page, rest: self.file.finish()?, twice })
    }
}

impl Sealed {
    /// It, pressed.
    pub(crate) fn framed(self) -> io::Result<Frame> {
        self.rest.framed(&self.first_page)
    }

    /// Puts it at the end of `out`, as SQLite has it.
    pub(crate) fn write_plain(&mut self, out: &mut File) -> io::Result<()> {
        out.write_all(&self.first_page)?;
        io::copy(&mut self.rest.read()?, out).map(|_| ())
    }

    #[cfg(test)]
    pub(super) fn parts(&mut self) -> (&[u8], &mut Body) {
        (&self.first_page, &mut self.rest)
    }
}

/// The table of tables and indexes, whose root is the first page.
fn schema(objects: &[Object], file: &mut PageFile) -> io::Result<[u8; PAGE_BYTES]> {
    let mut tree = Tree::new(TreeKind::Table);
    let mut record = Vec::new();
    for (row, object) in (1..).zip(objects) {
        record.clear();
        let fields = [
            Field::Text(object.kind),
            Field::Text(object.name),
            Field::Text(object.table),
            Field::Integer(i64::from(object.root)),
            Field::Text(object.sql),
        ];
        write_record(&fields, &mut record);
        tree.add_row(file, row, &record)?;
    }
    tree.finish_first(file)
}

/// The first hundred bytes (SQLite's file format, 1.3).
fn header(pages: u32) -> [u8; HEADER_BYTES] {
    const CHANGES: u32 = 1;
    let mut header = [0; HEADER_BYTES];
    let numbers: [(usize, u32); 8] = [
        (24, CHANGES),
        (28, pages),
        (40, 1),       // version of the schema
        (44, 4),       // version of its format
        (56, 1),       // UTF-8
        (60, 0),       // user_version
        (92, CHANGES), // the length above is of this change
        (96, WRITER_VERSION),
    ];
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(place) = header.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    };
    put(0, b"SQLite format 3\0");
    put(16, &(PAGE_BYTES as u16).to_be_bytes());
    // Journal of the old kind, no reserved bytes, and three fractions that have one value each.
    put(18, &[1, 1, 0, 64, 32, 32]);
    for (at, number) in numbers {
        put(at, &number.to_be_bytes());
    }
    header
}
