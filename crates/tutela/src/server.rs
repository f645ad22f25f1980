//! The server: settings, wiring, first start, listening.

mod listen;
mod owner;
mod settings;
mod tls;
mod upkeep;
mod wiring;

pub(crate) use self::listen::Listening;
pub(crate) use self::settings::{ServerArgument, api_set, is_set};
pub(crate) use self::upkeep::keep_up;
pub(crate) use self::wiring::{ServerState, router};
