//! Rows that no inventory can be made of.

use thiserror::Error;

/// Why rows give no inventory.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InventoryError {
    /// More than numbers here can count.
    #[error(
        "the inventory has more names or rows than fit into memory (4 GiB of names); ask single kinds of it with `tutela c1z`"
    )]
    TooLarge,
    /// A row without an id.
    #[error("a {what} has no id; whoever wrote the rows has to give each one")]
    NoId {
        /// What.
        what: &'static str,
    },
}
