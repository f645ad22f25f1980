//! The interface, called without a network.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests stop at what is not there"
)]

mod access;
mod access_file;
mod access_finding;
mod access_people;
mod access_unused;
mod app;
mod audit_log;
mod authorization;
mod bad_input;
mod browser;
mod config;
mod connection;
mod connection_instance;
mod connection_oauth;
mod connection_sync;
mod connection_type;
mod connector_file;
mod connector_template;
mod dataset;
mod dataset_trial;
mod document;
mod health;
mod layers;
mod manual_task;
mod manual_webhook;
mod masking;
mod messaging;
mod oauth_client;
mod oauth_token;
mod oidc;
mod operation;
mod policy;
mod portal;
mod privacy_request;
mod saas_guide;
mod self_hosted;
mod session;
mod storage;
mod system;
mod system_manager;
mod taxonomy;
mod user;
mod webhook;
