//! What may be done with the connections that a server keeps: making and changing them, their secrets,
//! their connector file, their datasets, and trying them.
//!
//! For: the rules of these things, checked before anything is kept, and kept all or nothing. Not for:
//! HTTP (`api`), tables (`store`), or connections of a project file, which the program reads itself.
//!
//! ```
//! use connections::ConnectionType;
//!
//! let kind: ConnectionType = "postgres".parse()?;
//!
//! assert_eq!(kind, ConnectionType::Postgres);
//! assert_eq!(kind.as_str(), "postgres");
//! assert!("postgre".parse::<ConnectionType>().is_err());
//! # Ok::<(), connections::UnknownConnectionType>(())
//! ```

mod connection_type;
mod connections;
mod problem;
mod secret_schema;

pub use connection_type::{ConnectionType, UnknownConnectionType};
pub use connections::{Connections, ConnectionsParts, Outgoing};
pub use problem::{PlaceStep, Problem};
pub use secret_schema::{FieldKind, SecretField, SecretSchema};
