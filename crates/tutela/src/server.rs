//! The server: settings, wiring, first start, listening.

mod access;
mod connection;
mod control;
mod listen;
mod owner;
mod process;
mod programs;
mod services;
mod settings;
mod telemetry;
mod tls;
mod upkeep;
mod wiring;

pub(crate) use self::listen::Listening;
pub(crate) use self::owner::Owner;
pub(crate) use self::settings::{ServerArgument, api_set, is_set};
pub(crate) use self::telemetry::MetricsPort;
pub(crate) use self::upkeep::keep_up;
pub(crate) use self::wiring::{ServerState, router};
