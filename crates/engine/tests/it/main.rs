//! Runs of small graphs against a scripted application.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests stop at what is not there"
)]

mod durable;
mod faults;
mod flow;
#[cfg(target_os = "linux")]
mod memory;
mod polling;
mod stage;
mod writes;
