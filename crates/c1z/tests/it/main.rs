//! Files of others and of ours, whole, damaged and hostile, through the crate's own door.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails where it is wrong, in its helpers, too"
)]

mod directory;
mod explorer;
mod golden;
mod hostile;
mod mutated;
mod old_layouts;
mod plain;
mod round_trip;
mod writing;
