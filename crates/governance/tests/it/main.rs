//! Syncs of the simulated Segment against what the simulation itself says of its access.

mod calls;
mod change;
mod directories;
mod faults;
mod planted;
mod rows;
mod segment;
mod truth;
mod workspace;
