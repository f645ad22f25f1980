//! Runs a checked connector file: from a person's identities to pages of rows, and the connection test.
//!
//! For: building requests from templates with the escaping that each place needs, authentication,
//! retry, reading answers page by page, post-processing. Not for: sockets, host guard and rate
//! budgets (`egress`), the order of collections (`graph`), keeping rows (`engine`).
//! Writes are prepared as data ([`writes`]) and sent one by one, each with a permit that somebody above
//! brings: nothing here has one to give.
//!
//! ```
//! use connector::Secrets;
//! use serde_json::json;
//!
//! let secrets = Secrets::new(vec![("domain".to_owned(), json!("api.acme.test"))]);
//!
//! assert_eq!(secrets.find("domain"), Some(&json!("api.acme.test")));
//! assert_eq!(format!("{secrets:?}"), "{\"domain\"}"); // names only, never values
//! ```

#[cfg(test)]
mod acme;
mod auth;
mod bound;
mod build;
mod client;
mod combination;
mod connection;
mod connector;
mod fill;
mod fingerprint;
#[cfg(test)]
mod fixture;
mod inputs;
mod job;
mod output;
mod pagination;
mod person;
mod polling;
mod postprocessor;
mod probe;
mod reading;
mod response;
mod retry;
mod script;
mod secrets;
mod send;
mod settings;
mod test_request;
mod token;
mod values;
pub mod writes;

pub use auth::{AuthError, AuthorizationCode};
pub use bound::{Bound, BoundKind};
pub use build::BuildError;
pub use client::ClientError;
pub use connection::Connection;
pub use connector::{Connector, ConnectorParts};
pub use fill::FillError;
pub use inputs::{InputGroup, Inputs};
pub use job::{DestinationState, JobLook, SameJob};
pub use model::{CallStats, Page};
pub use output::OutputError;
pub use pagination::PaginationError;
pub use person::Person;
pub use polling::PollingLook;
pub use postprocessor::PostprocessorError;
pub use probe::{Probe, ProbeStatus};
pub use reading::{
    Asked, ItemPage, ItemReader, ItemText, JobRows, JobStart, ListAnswers, Listing, PageMark, PageReader,
    PageRows, PolledUnit, ReadError, Reading, ResumePoint,
};
pub use response::ResponseError;
pub use script::HookError;
pub use secrets::Secrets;
pub use send::{CallError, WriteAnswer, WriteEnd};
pub use settings::Settings;
pub use test_request::TestOutcome;
pub use token::{BoxFuture, MemoryTokens, TokenKey, TokenLock, TokenStore, TokenStoreError, Tokens};
