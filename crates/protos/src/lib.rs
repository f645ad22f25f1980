//! The messages and services of the Baton ecosystem, made from our own `.proto` files, which are compatible on
//! the wire.

mod generated;

pub use generated::{baton, c1, google, validate};
