//! Writes a SQLite database page by page: rows in the order they come, then indexes from sorted keys.
//!
//! A database made this way is the same to the byte wherever and by whichever version of SQLite it would have been
//! made, because no SQLite is asked. docs/decisions/044-c1z.md says why.

mod database;
mod key;
mod page_file;
mod record;
mod sorted;
mod sorter;
mod table;
mod tree;

#[cfg(test)]
mod tests;

pub(crate) use database::{Database, Sealed};

pub(crate) use record::Field;
pub(crate) use table::{Entries, Index, TableLayout, Twice};
