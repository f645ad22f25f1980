//! The crate as other crates use it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails where it is wrong, in its helpers, too"
)]

mod any_message;
mod golden;
mod round_trips;
mod services;
mod spec_tables;
mod vectors;
