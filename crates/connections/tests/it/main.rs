//! Connections of a server over a store of their own.

mod wiring;
mod world;
