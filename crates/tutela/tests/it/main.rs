//! Runs the built program as a user would.
#![expect(clippy::unwrap_used, reason = "helpers of tests stop at what is not there")]

mod access;
mod canary;
mod check;
mod connection;
mod corpus;
mod demo;
mod faults;
mod folder;
mod hostile;
mod interrupt;
mod library;
mod output;
mod program;
mod project;
mod recording;
mod segment;
mod shop;
mod storage;
mod storm;
mod subjects;
