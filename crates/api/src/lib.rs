//! The HTTP interface of the server: routes, who may call them, and the document that describes them.
//!
//! For: reading calls, asking whether their caller may make them, and shaping answers and errors. Not
//! for: what a call does (`connections`, `privacy`, `store`), or listening on a port (`tutela`). What an
//! operation asks of its caller is written in its description; the document and the check are both made
//! from it (docs/decisions/019-api.md).
//!
//! ```
//! let document = serde_json::to_value(api::openapi())?;
//!
//! let list = &document["paths"]["/api/v1/oauth/client"]["get"];
//! assert_eq!(list["security"][0]["oauth2"][0], "client:read");
//! assert!(api::Role::Viewer.has(api::Scope::ClientRead));
//! # Ok::<(), serde_json::Error>(())
//! ```
#![expect(clippy::too_many_arguments, reason = "a handler takes one argument for each part of the call")]
#![expect(clippy::option_option, reason = "absent, null and a value are three things in a change")]

mod address;
mod authorize;
mod body;
mod bulk;
mod caller;
mod connector_calls;
mod document;
mod documented;
mod error;
mod file_body;
mod inventories;
mod layers;
pub mod metric;
mod moment;
mod oidc;
mod one_or_many;
mod package_record;
mod paging;
mod parts;
mod password;
mod problems;
mod query;
mod rate_limit;
mod reference;
mod role;
mod router;
mod routes;
mod scope;
mod session;
mod state;
mod telemetry;
mod text;

pub use error::{ApiError, Invalid};
pub use oidc::OidcParts;
pub use parts::{ApiParts, ApiSettings, RateLimit, RootClient, RootUser};
pub use reference::reference;
pub use role::Role;
pub use router::{metrics_router, openapi, router};
pub use scope::Scope;
pub use telemetry::Telemetry;
