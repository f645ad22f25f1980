//! Tests of the crate through its public surface.

mod corpus;
mod lints;
mod pairs;
mod reference;
mod secrets;
