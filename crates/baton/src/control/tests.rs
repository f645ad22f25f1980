//! The generated client talks to the control plane; only the socket between them is left out.

mod plane;
mod tasks;
mod tokens;
mod uploads;
