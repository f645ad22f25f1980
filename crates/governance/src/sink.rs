//! Where the rows of a sync go: a file, the inventory.

use protos::c1::connector::v2::{Entitlement, Grant, GrantExpandable, Resource, ResourceType};
use thiserror::Error;

/// Takes the rows of one sync, in an order that depends on the file and the application's lists only.
///
/// A row that comes again under the same id takes the place of the earlier one (baton DB-4).
pub trait SyncSink: Send {
    /// A kind; before everything that is of it.
    fn resource_type(&mut self, row: &ResourceType) -> Result<(), SinkError>;
    /// A resource.
    fn resource(&mut self, row: &Resource) -> Result<(), SinkError>;
    /// An entitlement.
    fn entitlement(&mut self, row: &Entitlement) -> Result<(), SinkError>;
    /// A grant; it names entitlement and principal by their ids only. `expandable`: whoever holds these
    /// entitlements of the principal holds this one too (baton DB-7).
    fn grant(&mut self, row: &Grant, expandable: Option<&GrantExpandable>) -> Result<(), SinkError>;
}

/// A row that could not be kept.
#[derive(Debug, Error)]
#[error("the rows of the sync cannot be kept: {source}")]
pub struct SinkError {
    /// What went wrong.
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl SinkError {
    /// From the error of whatever keeps rows.
    pub fn new(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { source: Box::new(source) }
    }

    /// What went wrong, if it is an error of this kind.
    pub(crate) fn downcast<E: std::error::Error + 'static>(self) -> Result<E, Self> {
        self.source.downcast::<E>().map(|source| *source).map_err(|source| Self { source })
    }
}
