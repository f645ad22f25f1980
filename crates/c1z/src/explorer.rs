use std::cell::Cell;
use std::rc::Rc;

use protos::baton::v1::{
    EntitlementOutput, GrantOutput, ResourceOutput, ResourceTypeOutput, SyncListOutput, SyncOutput,
};
use protos::c1::connector::v2::{Entitlement, Grant, Resource, ResourceId, ResourceType};

use crate::reader::Finder;
use crate::{Filter, ReadError, Reader, SyncRun};

mod access;
mod check;
mod counts;
mod difference;
mod export;
mod principals;

pub use check::{Finding, Findings, Missing, MissingKind};
pub use difference::difference;
pub use export::{EXPORT_COLUMNS, ExportLine};
pub use principals::compare;

/// Answers questions about one run of a file, in the messages that the released explorer prints (baton §15).
///
/// Lists come one by one, in the order of the file's rows. What a row names and the run does not hold is replaced by a
/// message that says `MISSING …`, and counted ([`Explorer::missing`]).
pub struct Explorer<'a> {
    reader: &'a Reader,
    run: &'a SyncRun,
    finder: Finder<'a>,
    missing: Cell<u64>,
}

impl<'a> Explorer<'a> {
    /// An explorer of a run.
    pub fn new(reader: &'a Reader, run: &'a SyncRun) -> Self {
        Self { reader, run, finder: Finder::new(reader, run), missing: Cell::new(0) }
    }

    /// The run.
    pub fn run(&self) -> &SyncRun {
        self.run
    }

    /// How many times something was missing so far.
    pub fn missing(&self) -> u64 {
        self.missing.get()
    }

    /// The resource types.
    pub fn resource_types<'b>(
        &'b self,
        all: &'b Filter,
    ) -> impl Iterator<Item = Result<ResourceTypeOutput, ReadError>> + 'b {
        let rows = self.reader.rows::<ResourceType>(self.run, all);
        rows.map(|row| Ok(ResourceTypeOutput { resource_type: Some(row?) }))
    }

    /// The resources, with their types and parents.
    pub fn resources<'b>(
        &'b self,
        filter: &'b Filter,
    ) -> impl Iterator<Item = Result<ResourceOutput, ReadError>> + 'b {
        self.reader.rows::<Resource>(self.run, filter).map(|row| self.resource_output(row?))
    }

    /// The entitlements, with the resources they are on.
    pub fn entitlements<'b>(
        &'b self,
        filter: &'b Filter,
    ) -> impl Iterator<Item = Result<EntitlementOutput, ReadError>> + 'b {
        self.reader.rows::<Entitlement>(self.run, filter).map(|row| {
            let entitlement = row?;
            let id =
                entitlement.resource.as_ref().and_then(|resource| resource.id.clone()).unwrap_or_default();
            Ok(EntitlementOutput {
                resource: Some(self.resource(&id)?),
                resource_type: Some(self.resource_type(&id.resource_type)?),
                entitlement: Some(entitlement),
            })
        })
    }

    /// The grants, with what is granted, on what, and to whom.
    pub fn grants<'b>(
        &'b self,
        filter: &'b Filter,
    ) -> impl Iterator<Item = Result<GrantOutput, ReadError>> + 'b {
        self.reader.rows::<Grant>(self.run, filter).map(|row| self.grant_output(row?))
    }

    fn grant_output(&self, grant: Grant) -> Result<GrantOutput, ReadError> {
        let names = GrantNames::of(&grant);
        Ok(GrantOutput {
            entitlement: Some(self.entitlement(names.entitlement)?),
            resource: Some(self.resource(&names.resource)?),
            resource_type: Some(self.resource_type(&names.resource.resource_type)?),
            principal: Some(self.resource(&names.principal)?),
            grant: Some(grant),
        })
    }

    fn resource_output(&self, resource: Resource) -> Result<ResourceOutput, ReadError> {
        let id = resource.id.clone().unwrap_or_default();
        let parent = resource.parent_resource_id.as_ref().filter(|parent| !parent.resource.is_empty());
        Ok(ResourceOutput {
            resource_type: Some(self.resource_type(&id.resource_type)?),
            parent: parent.map(|parent| self.resource(parent)).transpose()?,
            resource: Some(resource),
        })
    }

    fn resource_type(&self, id: &str) -> Result<ResourceType, ReadError> {
        let found = self.finder.resource_type(id)?;
        Ok(self.or_missing(found, || ResourceType {
            id: id.to_owned(),
            display_name: format!("MISSING RESOURCE TYPE ({id})"),
            ..ResourceType::default()
        }))
    }

    fn resource(&self, id: &ResourceId) -> Result<Resource, ReadError> {
        let found = self.finder.resource(id)?;
        Ok(self.or_missing(found, || Resource {
            id: Some(id.clone()),
            display_name: format!("MISSING RESOURCE ({}:{})", id.resource_type, id.resource),
            ..Resource::default()
        }))
    }

    fn entitlement(&self, id: &str) -> Result<Entitlement, ReadError> {
        let found = self.finder.entitlement(id)?;
        Ok(self.or_missing(found, || Entitlement {
            id: id.to_owned(),
            display_name: format!("MISSING ENTITLEMENT ({id})"),
            ..Entitlement::default()
        }))
    }

    /// What was found, or what says that it was not.
    fn or_missing<T: Clone>(&self, found: Option<Rc<T>>, missing: impl FnOnce() -> T) -> T {
        found.map_or_else(
            || {
                self.missing.set(self.missing.get() + 1);
                missing()
            },
            |found| T::clone(&found),
        )
    }
}

/// What a grant names.
struct GrantNames<'a> {
    entitlement: &'a str,
    resource: ResourceId,
    principal: ResourceId,
}

impl<'a> GrantNames<'a> {
    fn of(grant: &'a Grant) -> Self {
        let entitlement = grant.entitlement.as_ref();
        let id = |resource: Option<&Resource>| {
            resource.and_then(|resource| resource.id.clone()).unwrap_or_default()
        };
        Self {
            entitlement: entitlement.map(|entitlement| entitlement.id.as_str()).unwrap_or_default(),
            resource: id(entitlement.and_then(|entitlement| entitlement.resource.as_ref())),
            principal: id(grant.principal.as_ref()),
        }
    }
}

/// The runs of a file.
pub fn syncs(reader: &Reader) -> SyncListOutput {
    let time = |time: jiff::Timestamp| prost_types::Timestamp {
        // Both parts have one sign in the one form; in the other the fraction counts up from the second before.
        seconds: time.as_nanosecond().div_euclid(1_000_000_000) as i64,
        nanos: time.as_nanosecond().rem_euclid(1_000_000_000) as i32,
    };
    let syncs = reader.runs().iter().map(|run| SyncOutput {
        id: run.id.clone(),
        started_at: run.started_at.map(time),
        ended_at: run.ended_at.map(time),
        sync_token: run.token.clone(),
        sync_type: run.sync_type.clone(),
        parent_sync_id: run.parent_sync_id.clone(),
    });
    SyncListOutput { syncs: syncs.collect() }
}
