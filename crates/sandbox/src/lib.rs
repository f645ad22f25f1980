//! Simulated vendors: real HTTP servers on loopback that answer as the real ones do, with faults,
//! limits and a clock that only moves when told to.
//!
//! For: trying Tutela without an account, and as the test bed of everything that talks to a vendor.
//! Not for: anything reachable from another machine; the servers bind to 127.0.0.1 only, and the
//! people in them are invented.
//!
//! ```
//! use sandbox::segment::{SegmentOptions, SegmentSandbox};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let segment = SegmentSandbox::start(SegmentOptions::default()).await?;
//! assert!(segment.url().starts_with("http://127.0.0.1:"));
//!
//! let description = segment.description();
//! assert_eq!(description.people[0].email, "ana@example.com");
//! # Ok::<(), std::io::Error>(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod contacts;
pub mod directories;
mod faults;
pub mod governance;
mod log;
mod query;
mod random;
mod rules;
pub mod segment;
pub mod server;
pub mod vendors;

pub use faults::{Fault, Faults, FaultsError};
pub use query::Query;
pub use random::Random;
pub use rules::FaultRule;
