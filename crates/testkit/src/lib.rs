//! Test applications and checks: a scriptable HTTP server, a clock that is told the time, values
//! that must never show up anywhere, ids in a row, databases that go with their test, and the calls that
//! a page of the guide prints.
//!
//! For: tests of every crate. Not for: anything that ships; for a simulated vendor see `sandbox`.
//!
//! ```
//! use testkit::{Answer, FakeSaas};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let saas = FakeSaas::start().await;
//! saas.on("GET", "/users").then(Answer::status(429)).then(Answer::json(200, &["ana"]));
//!
//! assert!(saas.base_url().starts_with("http://127.0.0.1:"));
//! assert!(saas.calls().is_empty());
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

mod canary;
mod clock;
#[cfg(feature = "postgres")]
mod database;
mod fake_saas;
mod ids;
mod transcript;

pub use canary::{Canary, holds};
pub use clock::TestClock;
#[cfg(feature = "postgres")]
pub use database::TestDatabase;
pub use fake_saas::{FakeSaas, Route, gzip, gzip_bomb};
pub use ids::SequentialIds;
pub use sandbox::server::{Answer, Call, Delivery};
pub use transcript::{PrintedCall, PrintedData, PrintedReply, printed_calls};
