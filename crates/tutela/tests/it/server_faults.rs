//! What befalls a server from outside: its database goes away, its disk is full, others start beside it,
//! callers are slow or send too much, a connection points inside, it is killed at any step.

mod callers;
mod database;
mod disk;
mod inside;
#[cfg(feature = "kill-points")]
mod steps;
