use std::fmt;

use c1z::Writer;
use protos::annotations;
use protos::c1::connector::v2::{Entitlement, Grant, GrantExpandable, Resource, ResourceType};

use crate::sink::{SinkError, SyncSink};

/// Writes rows to a `.c1z` file. Whom a grant extends to stands in the grant there (baton DB-7).
pub struct FileSink(Writer);

impl FileSink {
    /// Into the run of this file.
    pub fn new(writer: Writer) -> Self {
        Self(writer)
    }

    /// The file, to be finished.
    pub fn into_writer(self) -> Writer {
        self.0
    }
}

impl fmt::Debug for FileSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSink").finish_non_exhaustive()
    }
}

impl SyncSink for FileSink {
    fn resource_type(&mut self, row: &ResourceType) -> Result<(), SinkError> {
        self.0.resource_type(row).map_err(SinkError::new)
    }

    fn resource(&mut self, row: &Resource) -> Result<(), SinkError> {
        self.0.resource(row).map_err(SinkError::new)
    }

    fn entitlement(&mut self, row: &Entitlement) -> Result<(), SinkError> {
        self.0.entitlement(row).map_err(SinkError::new)
    }

    fn grant(&mut self, row: &Grant, expandable: Option<&GrantExpandable>) -> Result<(), SinkError> {
        let Some(expandable) = expandable else { return self.0.grant(row).map_err(SinkError::new) };
        let mut row = row.clone();
        annotations::append(&mut row.annotations, expandable);
        self.0.grant(&row).map_err(SinkError::new)
    }
}
