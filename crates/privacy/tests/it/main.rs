//! Packages of runs against a scripted application.

#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, reason = "helpers of tests stop at what is not there")]
#![expect(clippy::print_stderr, reason = "a test that is skipped says why")]

mod archive;
mod books;
mod lifecycle;
mod package;
mod planning;
mod request;
mod stage;
mod storage;
mod worker;
