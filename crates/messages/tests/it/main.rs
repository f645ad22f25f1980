//! Messages as they leave: to a real mail server where there is one, and to webhooks.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests stop at what is not there"
)]

mod bench;
mod carrier;
mod mail;
mod sender;
mod service;
mod webhook;
