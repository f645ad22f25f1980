//! The HTTP interface of the server.
mod address;
mod authorize;
mod body;
mod bulk;
mod caller;
mod document;
mod error;
mod layers;
mod paging;
mod parts;
mod password;
mod problems;
mod query;
mod rate_limit;
mod role;
mod router;
mod routes;
mod scope;
mod state;
mod text;

pub use error::{ApiError, Invalid};
pub use parts::{ApiParts, ApiSettings, RateLimit, RootClient};
pub use role::Role;
pub use router::{openapi, router};
pub use scope::Scope;
