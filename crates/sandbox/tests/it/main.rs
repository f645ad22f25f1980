//! The simulated Segment answers as the contract says, and goes wrong as it is told to.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may panic")]

mod access;
mod client;
mod config_api;
mod directories;
mod faults;
mod governance;
mod limits;
mod profile_api;
mod public_api;
mod regulations;
mod routing;
mod rules;
mod vendors;
