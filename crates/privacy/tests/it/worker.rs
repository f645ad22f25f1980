//! Requests of people, worked off.

mod access;
mod crash;
mod erasure;
mod office;
mod waiting;
mod webhook;
