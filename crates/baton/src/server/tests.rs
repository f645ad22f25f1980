//! The generated client drives a connector over mutual TLS, as another runtime does.
//!
//! The certificates were made for these tests alone: `own_authority.pem` signed `connector.pem` and `driver.pem`,
//! `other_authority.pem` signed `stranger.pem`.

mod driver;
mod fake;
mod full_sync;
mod provisioning;
mod strangers;
