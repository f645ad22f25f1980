use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a file was not written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The working files.
    #[error("the working files of the .c1z file cannot be written; look at the room in the temporary folder")]
    Working(#[source] io::Error),
    /// The file itself.
    #[error("{} cannot be written; look at the folder's room and permissions", path.display())]
    Target {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A row without an id, or with a zero byte in one.
    #[error(
        "a row of `{table}` has an empty `{column}` or a zero byte in it; the connector has to give it an id"
    )]
    Id {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// More than a row may hold. The row is not named: ids are often those of people.
    #[error("`{column}` in a row of `{table}` holds {bytes} bytes, more than the {most} that readers take")]
    RowTooLarge {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// How much it holds.
        bytes: usize,
        /// How much it may hold.
        most: usize,
    },
    /// Rows with one id could not be joined.
    #[error("rows that came twice cannot be joined in a working copy of the .c1z file")]
    Merge(#[source] rusqlite::Error),
    /// An earlier run that was to be kept cannot be read.
    #[error("the earlier run `{sync_id}` cannot be kept")]
    Keep {
        /// The run.
        sync_id: String,
        /// Why.
        #[source]
        source: Box<crate::ReadError>,
    },
}
