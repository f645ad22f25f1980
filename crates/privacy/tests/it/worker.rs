//! Requests of people, worked off.

mod access;
mod callback;
mod correction;
mod crash;
mod dataset_trial;
mod erasure;
mod held;
mod office;
mod people;
mod polling;
mod put_off;
mod vendor_lookup;
mod vendor_mail;
mod waiting;
mod webhook;
