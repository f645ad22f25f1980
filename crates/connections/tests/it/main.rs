//! Connections of a server over a store of their own.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop at what is not there")]

mod upkeep;
mod wiring;
mod world;
