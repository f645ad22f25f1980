//! Requests of people, worked off.

mod access;
mod crash;
mod erasure;
mod held;
mod office;
mod put_off;
mod waiting;
mod webhook;
