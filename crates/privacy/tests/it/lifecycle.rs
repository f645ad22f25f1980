//! From an approved plan to its certificate: crashes, drift, jobs, decisions, retention, replay.

mod apply;
mod bench;
mod crash;
mod crm;
mod drift;
mod evidence;
mod jobs;
mod keep;
mod refuse;
mod resolve;
mod verify;
