//! The interface, called without a network.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests stop at what is not there"
)]

mod app;
mod authorization;
mod config;
mod connection;
mod connection_instance;
mod connection_type;
mod connector_file;
mod dataset;
mod document;
mod health;
mod layers;
mod masking;
mod oauth_client;
mod oauth_token;
mod policy;
mod saas_guide;
mod storage;
mod system;
mod user;
mod webhook;
