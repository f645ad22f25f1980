//! The door against servers on loopback: faults, redirects, routes, reuse, recordings.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails where it is wrong, in its helpers, too"
)]

mod faults;
mod limits;
mod logs;
mod recordings;
mod redirects;
mod reuse;
mod routes;

use std::sync::Arc;
use std::time::Duration;

use egress::{Door, DoorSettings, HttpRequest, MemoryBudgets, Mode, Timeouts};
use http::Method;
use model::SystemClock;

/// Loopback is open; waits are short.
fn settings() -> DoorSettings {
    DoorSettings {
        allow: vec!["127.0.0.1/32".parse().unwrap()],
        timeouts: Timeouts {
            connect: Duration::from_secs(3),
            read: Duration::from_secs(5),
            total: Duration::from_secs(20),
        },
        ..DoorSettings::default()
    }
}

fn door(settings: DoorSettings, mode: Mode) -> Door {
    let clock = Arc::new(SystemClock);
    Door::new(settings, mode, Arc::new(MemoryBudgets::new(clock.clone())), clock).unwrap()
}

fn get(url: impl AsRef<str>) -> HttpRequest {
    HttpRequest::read("shop".parse().unwrap(), "users", Method::GET, url.as_ref().parse().unwrap())
}
