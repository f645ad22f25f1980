//! The store on both databases: one suite, every case on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "helpers of tests stop at what is not there")]

mod application;
mod audit;
mod bench;
mod clock;
mod dataset;
mod faults;
mod job;
mod ledger;
mod open;
mod outline;
mod page;
mod plan;
mod retention;
mod run;
mod setting;
mod shared;
mod task;
mod vault;
