//! Syncs of the simulated Segment against what the simulation itself says of its access.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests stop at what is not there"
)]

mod activity;
mod ahead;
mod answers;
mod calls;
mod change;
mod directories;
mod faults;
mod inventory;
mod parts;
mod planted;
mod rows;
mod segment;
mod source;
mod truth;
mod worker;
mod workspace;
