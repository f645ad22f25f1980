//! Syncs of the simulated Segment against what the simulation itself says of its access.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests stop at what is not there"
)]

mod calls;
mod change;
mod directories;
mod faults;
mod planted;
mod rows;
mod segment;
mod truth;
mod workspace;
