//! The one door out: every HTTP call to a connected application goes through [`Door`].
//!
//! For: deciding whether a call may be made (permit, hosts, addresses), making it within limits
//! (time, size, rate), and recording or replaying it without personal data. Not for: building
//! requests, authentication, and the decision to try again; those are in `connector`.
//!
//! ```
//! use std::sync::Arc;
//! use egress::{Cassette, Door, DoorSettings, HttpRequest, MemoryBudgets, Mode};
//! use model::{Effect, SystemClock};
//!
//! let clock = Arc::new(SystemClock);
//! let budgets = Arc::new(MemoryBudgets::new(clock.clone()));
//! let cassette = Cassette::parse(r#"{"format": "tutela.cassette/1", "interactions": []}"#)?;
//! let door = Door::new(DoorSettings::default(), Mode::Replay(cassette), budgets, clock)?;
//!
//! let url = "https://api.example.com/users/7".parse()?;
//! let mut erase = HttpRequest::read("shop".parse()?, "users", http::Method::DELETE, url);
//! erase.effect = Effect::Write;
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! let refused = runtime.block_on(door.send(erase)).unwrap_err();
//! assert!(refused.to_string().contains("carries no permit"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod body;
mod budget;
mod cassette;
mod client;
mod door;
mod error;
mod exchange;
mod guard;
mod hosts;
pub mod metric;
mod network;
mod own_grpc;
mod own_service;
mod permit;
mod recorder;
mod replay;
mod reply;
mod request;
mod resolve;
mod route;
mod settings;

pub use address::AddressKind;
pub use budget::memory::MemoryBudgets;
pub use budget::{BudgetError, BudgetScope, Budgets, RateSignal};
pub use cassette::{Cassette, CassetteError, Interaction, RecordedReply, RecordedRequest};
pub use door::{Door, DoorError, Mode};
pub use error::{RedirectRefusal, Retry, SendError, TimeoutPhase};
pub use hosts::{AllowedHosts, HostMode, HostRule};
pub use network::{AllowedNetwork, NetworkError};
pub use own_grpc::{OwnGrpc, OwnGrpcBody};
pub use own_service::{OwnService, OwnServiceCall, OwnServiceStream};
pub use permit::{LedgerRef, WritePermit};
pub use recorder::Recorder;
pub use reply::HttpReply;
pub use request::{HttpRequest, Limit, RecordingHints};
pub use resolve::resolve_host;
pub use route::{RouteError, Routes};
pub use settings::{DoorSettings, SettingsError, Timeouts};
