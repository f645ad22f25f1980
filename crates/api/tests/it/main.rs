//! The interface, called without a network.
#![expect(clippy::unwrap_used, reason = "helpers of tests stop at what is not there")]

mod app;
mod connection_type;
mod connector_file;
mod health;
mod policy;
mod storage;
