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

mod authorize;
mod calls;
mod catalogue;
mod configured;
mod connection_type;
mod connections;
mod connector_document;
mod connector_file;
mod dataset_document;
mod datasets;
mod external_reference;
mod hosts;
mod instantiate;
mod problem;
mod put;
mod secret_schema;
mod secret_values;
mod secrets;
mod taxonomy;
mod template;
mod templates;
mod trial;
mod view;
mod web_hook_grant;
mod wiring;

pub use authorize::{AuthorizeRefused, Authorized, Returned};
pub use calls::{Calls, DatabasePlace};
pub use catalogue::{CatalogueEntry, CatalogueFilter, SupportedAction, SystemType};
pub use configured::{ConfiguredConnection, ConfiguredElsewhere, ConfiguredError};
pub use connection_type::{ConnectionType, UnknownConnectionType};
pub use connections::{Connections, ConnectionsParts, Outgoing};
pub use connector_document::{StaleConnector, connector_source, read_connector};
pub use connector_file::{CheckedConnector, ConnectorFileError};
pub use dataset_document::{DatasetDocument, canonical_dataset};
pub use datasets::{
    DatasetFailure, DatasetInputs, DatasetOwner, DatasetRefused, DatasetWarning, LinkRefused,
    PreparedDataset, ProtectedField, Reachability, Traversable, UnboundRefused, WarningAction, shown,
};
pub use hosts::Hosts;
pub use instantiate::{InstantiateError, Instantiated, NewInstance};
pub use problem::{PlaceStep, Problem};
pub use put::{PutConnection, PutRefused};
pub use secret_schema::{FieldKind, MASK, Others, SecretField, SecretSchema, connector_secret_problems};
pub use secret_values::SecretValues;
pub use secrets::{SecretsCheck, SecretsKept, SecretsMode, SecretsRefused};
pub use taxonomy::{Categories, TaxonomyRefused};
pub use template::{
    ArchiveError, BroughtUp, Instance, NotBroughtUp, Template, TemplateFault, kept_form, supported_actions,
};
pub use templates::{OfferedTemplate, RegisterRefused, TemplateRemoveRefused, TemplateVersion};
pub use trial::{Trial, TrialRefused};
pub use view::ConnectionView;
pub use web_hook_grant::{GrantMode, GrantRefused};
pub use wiring::{
    AccessConnection, AccessConnectionError, AloneError, GraphPart, LeftOut, LeftOutReason, WireError,
    WireOptions, Wired, WiredAlone, WiredConnection, definition_digest, joined,
};
