//! The generated client talks to the control plane; only the socket between them is left out.

mod given_back;
mod plane;
mod schedule;
mod tasks;
mod tokens;
mod uploads;
