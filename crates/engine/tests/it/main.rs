//! Runs of small graphs against a scripted application.

mod faults;
mod flow;
mod stage;
