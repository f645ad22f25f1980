//! The store on both databases: one suite, every case on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "helpers of tests stop at what is not there")]

mod access_token;
mod application;
mod audit;
mod bench;
mod client;
mod clock;
mod connection;
mod dataset;
mod faults;
mod health;
mod hold;
mod job;
mod ledger;
mod login;
mod login_code;
mod manual;
mod message;
mod messaging;
mod open;
mod outline;
mod page;
mod plan;
mod policy;
mod retention;
mod revision;
mod run;
mod setting;
mod shared;
mod storage;
mod task;
mod vault;
mod webhook;
mod webhook_call;
