//! The store on both databases: one suite, every case on SQLite and on PostgreSQL.

mod audit;
mod bench;
mod faults;
mod ledger;
mod open;
mod page;
mod plan;
mod run;
mod task;
