//! The kill sweep: an erasure is stopped at every point that the program names, by a real `SIGKILL`,
//! and under every fault of every write, and then goes on. What the other sides saw decides: no effect
//! twice, none lost, nothing called erased that is not, and the same end as without interruption.
//!
//! Syncs of who has access are swept page by page (`syncs`).
//!
//! The short sweep comes by every point once per database. `cargo xtask sweep` runs the long one.
#![expect(clippy::indexing_slicing, reason = "helpers of tests may panic")]

mod check;
mod others;
mod points;
mod project;
mod scenario;
mod shop;
mod world;

mod cases;
mod defects;
mod syncs;

pub(crate) use cases::runtime;
