//! Runs the built program as a user would.
#![expect(clippy::unwrap_used, reason = "helpers of tests stop at what is not there")]

mod access;
mod access_activity;
mod access_answers;
mod access_ends;
#[cfg(unix)]
mod access_on_server;
mod access_unused;
mod admin;
#[cfg(unix)]
mod authorize;
#[cfg(unix)]
mod baton;
#[cfg(unix)]
mod baton_program;
mod c1z;
mod canary;
#[cfg(unix)]
mod canary_erasure;
mod check;
#[cfg(unix)]
mod cluster;
#[cfg(unix)]
mod config;
mod connection;
#[cfg(target_os = "linux")]
mod connector_server;
mod corpus;
mod database;
mod dataset_trial;
mod demo;
mod erasure;
mod faults;
#[cfg(unix)]
mod fleet;
mod folder;
#[cfg(unix)]
mod four_processes;
#[cfg(unix)]
mod governance;
#[cfg(unix)]
mod guide;
mod hooks;
mod hostile;
mod http;
mod interrupt;
mod library;
#[cfg(unix)]
mod on_server;
#[cfg(unix)]
mod on_server_change;
#[cfg(unix)]
mod on_server_faults;
#[cfg(unix)]
mod on_server_look;
mod operation;
mod output;
#[cfg(unix)]
mod preview;
mod program;
mod project;
mod recording;
#[cfg(unix)]
mod running;
mod segment;
#[cfg(unix)]
mod segment_office;
#[cfg(unix)]
mod self_hosted;
#[cfg(unix)]
mod serve;
#[cfg(unix)]
mod server_faults;
#[cfg(unix)]
mod server_project;
#[cfg(unix)]
mod service_mode;
mod shop;
mod storage;
mod storm;
mod subjects;
#[cfg(all(unix, feature = "kill-points"))]
mod sweep;
#[cfg(unix)]
mod sweep_database;
#[cfg(unix)]
mod vendors;
#[cfg(unix)]
mod workers;
