//! From an approved plan to its certificate: crashes, drift, jobs, decisions, retention, replay.

mod apply;
pub(crate) mod bench;
mod crash;
pub(crate) mod crm;
mod drift;
mod evidence;
mod jobs;
mod keep;
mod refuse;
mod resolve;
mod verify;
