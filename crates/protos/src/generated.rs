//! Rust code made by `build.rs` from the files below `proto`, one module for each package.
#![expect(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "made by a program; what a field means stands in the `.proto` files"
)]

include!(concat!(env!("OUT_DIR"), "/packages.rs"));
