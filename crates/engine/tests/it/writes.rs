//! The ledgered write path: scripted applications, real databases, crashes and planted defects.

pub(crate) mod bench;
mod crash;
mod database;
#[cfg(feature = "planted-defects")]
mod defects;
mod hold;
mod job;
mod permit;
mod settle;
mod shared;
mod unknown;
