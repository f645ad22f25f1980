use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a file cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The file cannot be opened.
    #[error("{} cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is something else.
    #[error("c1z: invalid file: {} begins with neither `C1ZF` nor `C1Z3`; name the file that a connector wrote", path.display())]
    NotC1z {
        /// The file.
        path: PathBuf,
    },
    /// It is of the version that this program recognises and does not read.
    #[error(
        "{} is a .c1z file of version 3 (engine `{engine}`, schema {schema}), which is not read here; \
         have the connector write version 1: `--storage-engine sqlite`, into a new file", path.display()
    )]
    Version3 {
        /// The file.
        path: PathBuf,
        /// The engine, as its manifest names it.
        engine: String,
        /// The version of the engine's schema.
        schema: u32,
    },
    /// It says that it is of version 3, and its manifest is none.
    #[error("{} begins as a .c1z file of version 3 and its manifest cannot be read; the file is damaged", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
    },
    /// It does not unpack.
    #[error("{} is damaged or cut off: it does not unpack; copy it again or let the sync run again", path.display())]
    Unpack {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is larger than allowed.
    #[error(
        "{} unpacks to more than {most} bytes; if it is to be trusted, raise BATON_DECODER_MAX_DECODED_SIZE_MB",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is allowed.
        most: u64,
    },
    /// The unpacked database has no room.
    #[error("the unpacked database cannot be kept in the temporary folder; look at its room and permissions")]
    Working(#[source] io::Error),
    /// What it holds is no database.
    #[error(
        "what is in the .c1z file is not a SQLite database; the file is damaged or was made by something else"
    )]
    NotDatabase,
    /// The database is damaged, or built to do harm.
    #[error(
        "the database in the .c1z file cannot be read ({what}); it is damaged or was not made by a connector"
    )]
    Database {
        /// What was being read.
        what: &'static str,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// A table is missing, or a view or something else in its place.
    #[error("`{table}` of the .c1z file is {found}, not a table of rows; it was not made by a connector")]
    NotTable {
        /// The table.
        table: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A column is missing or computed.
    #[error("column `{column}` of `{table}` is {found}; the .c1z file was not made by a connector")]
    Column {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A value has another type.
    #[error("column `{column}` in row {row} of `{table}` is not {expected}; the .c1z file is damaged")]
    Value {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's number.
        row: i64,
        /// What it should be.
        expected: &'static str,
    },
    /// A row is out of order, or more comes out than the file holds.
    #[error("row {row} of `{table}` {why}; the .c1z file is damaged or made to do harm")]
    Rows {
        /// The table.
        table: &'static str,
        /// The row's number.
        row: i64,
        /// What is wrong.
        why: &'static str,
    },
    /// A content is no message.
    #[error("row {row} of `{table}` does not hold a `{message}`; the .c1z file is damaged")]
    Content {
        /// The table.
        table: &'static str,
        /// The row's number.
        row: i64,
        /// The message that should be there.
        message: &'static str,
        /// Why.
        #[source]
        source: prost::DecodeError,
    },
    /// The run that was named is not there.
    #[error("the file has no sync run `{sync_id}`; `tutela c1z syncs` lists them")]
    NoSuchRun {
        /// The run.
        sync_id: String,
    },
    /// There is no run to look at.
    #[error(
        "the file has no sync run to look at: none is finished, and none was begun in the last seven days; name one with `--sync-id`"
    )]
    NoRun,
    /// There are not two runs to compare.
    #[error("comparing needs two finished full sync runs in the file, and it has {found}")]
    TooFewRuns {
        /// How many it has.
        found: usize,
    },
    /// A principal, type or entitlement that was named is not there.
    #[error("the sync run has no {what} `{id}`")]
    NoSuch {
        /// What was looked for.
        what: &'static str,
        /// Its id.
        id: String,
    },
}
