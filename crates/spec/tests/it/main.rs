//! Tests of the crate through its public surface.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::too_many_arguments,
    reason = "a test fails where it is wrong, in its helpers, too"
)]

mod authentication;
mod catalogue;
mod corpus;
mod dataset;
mod extension;
mod governance;
mod lints;
mod pairs;
mod project;
mod reference;
mod secrets;
