use protos::c1::connector::v2::{Entitlement, Grant, Resource, ResourceId};

use super::{Expansion, KeptRun, WriteError};
use crate::layout::Table;
use crate::pages::Field;

/// The most that a content may have. Connectors send no more in a whole page, and a few bytes of a message can be
/// hundreds in memory.
pub(crate) const MOST_BLOB_BYTES: usize = 4 << 20;

/// The most that an id may have. Messages allow 1024 bytes for each part of one.
const MOST_ID_BYTES: usize = 64 << 10;

/// A row of a resource type.
#[derive(Debug, Clone, Copy)]
pub struct ResourceTypeRow<'a> {
    /// Its id.
    pub id: &'a str,
    /// The encoded message.
    pub data: &'a [u8],
}

/// A row of a resource.
#[derive(Debug, Clone, Copy)]
pub struct ResourceRow<'a> {
    /// Id of its type.
    pub resource_type: &'a str,
    /// Its id within the type.
    pub id: &'a str,
    /// Type and id of its parent.
    pub parent: Option<(&'a str, &'a str)>,
    /// The encoded message.
    pub data: &'a [u8],
}

/// A row of an entitlement.
#[derive(Debug, Clone, Copy)]
pub struct EntitlementRow<'a> {
    /// Type of the resource it is on.
    pub resource_type: &'a str,
    /// Id of that resource.
    pub resource: &'a str,
    /// Its id.
    pub id: &'a str,
    /// The encoded message.
    pub data: &'a [u8],
}

/// A row of a grant.
#[derive(Debug, Clone, Copy)]
pub struct GrantRow<'a> {
    /// Type of the resource whose entitlement is granted.
    pub resource_type: &'a str,
    /// Id of that resource.
    pub resource: &'a str,
    /// Id of the entitlement.
    pub entitlement: &'a str,
    /// Type of who holds it.
    pub principal_type: &'a str,
    /// Id of who holds it.
    pub principal: &'a str,
    /// Its id.
    pub id: &'a str,
    /// The encoded `GrantExpandable`, if membership flows on.
    pub expansion: Option<&'a [u8]>,
    /// The encoded message, without that annotation.
    pub data: &'a [u8],
}

/// A row of an asset.
#[derive(Debug, Clone, Copy)]
pub struct AssetRow<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its media type; `unknown` where it is empty.
    pub content_type: &'a str,
    /// Its bytes.
    pub data: &'a [u8],
}

impl ResourceTypeRow<'_> {
    pub(super) fn fields(&self) -> Result<[Field<'_>; 2], WriteError> {
        let table = Table::ResourceTypes;
        Ok([id(table, "external_id", self.id)?, data(table, "data", self.data)?])
    }
}

impl<'a> ResourceRow<'a> {
    /// The row of a message and its encoding.
    pub(super) fn of(resource: &'a Resource, data: &'a [u8]) -> Self {
        let (resource_type, id) = parts(resource.id.as_ref());
        let parent = resource.parent_resource_id.as_ref().filter(|parent| !parent.resource.is_empty());
        Self { resource_type, id, parent: parent.map(|parent| parts(Some(parent))), data }
    }

    pub(super) fn external_id(&self) -> String {
        [self.resource_type, ":", self.id].concat()
    }

    pub(super) fn fields<'b>(&'b self, external_id: &'b str) -> Result<[Field<'b>; 5], WriteError> {
        let table = Table::Resources;
        id(table, "id", self.id)?;
        let (parent_type, parent) = match self.parent {
            Some((parent_type, parent)) => {
                (id(table, "parent_resource_type_id", parent_type)?, id(table, "parent_resource_id", parent)?)
            }
            None => (Field::Null, Field::Null),
        };
        Ok([
            id(table, "resource_type_id", self.resource_type)?,
            Field::Text(external_id),
            parent_type,
            parent,
            data(table, "data", self.data)?,
        ])
    }
}

impl<'a> EntitlementRow<'a> {
    /// The row of a message and its encoding.
    pub(super) fn of(entitlement: &'a Entitlement, data: &'a [u8]) -> Self {
        let (resource_type, resource) =
            parts(entitlement.resource.as_ref().and_then(|resource| resource.id.as_ref()));
        Self { resource_type, resource, id: &entitlement.id, data }
    }

    pub(super) fn fields(&self) -> Result<[Field<'_>; 4], WriteError> {
        let table = Table::Entitlements;
        Ok([
            id(table, "resource_type_id", self.resource_type)?,
            id(table, "resource_id", self.resource)?,
            id(table, "external_id", self.id)?,
            data(table, "data", self.data)?,
        ])
    }
}

impl<'a> GrantRow<'a> {
    /// The row of a message and its encoding.
    pub(super) fn of(grant: &'a Grant, data: &'a [u8], expansion: Option<&'a [u8]>) -> Self {
        let entitlement = grant.entitlement.as_ref();
        let resource = entitlement.and_then(|entitlement| entitlement.resource.as_ref());
        let (resource_type, resource) = parts(resource.and_then(|resource| resource.id.as_ref()));
        let (principal_type, principal) =
            parts(grant.principal.as_ref().and_then(|principal| principal.id.as_ref()));
        let entitlement = entitlement.map(|entitlement| entitlement.id.as_str()).unwrap_or_default();
        Self {
            resource_type,
            resource,
            entitlement,
            principal_type,
            principal,
            id: &grant.id,
            expansion,
            data,
        }
    }

    pub(super) fn fields(&self, left: Expansion) -> Result<[Field<'_>; 9], WriteError> {
        let table = Table::Grants;
        let is_left = left == Expansion::Left && self.expansion.is_some();
        let expansion = match self.expansion {
            Some(expansion) => data(table, "expansion", expansion)?,
            None => Field::Null,
        };
        Ok([
            id(table, "resource_type_id", self.resource_type)?,
            id(table, "resource_id", self.resource)?,
            id(table, "entitlement_id", self.entitlement)?,
            id(table, "principal_resource_type_id", self.principal_type)?,
            id(table, "principal_resource_id", self.principal)?,
            id(table, "external_id", self.id)?,
            expansion,
            Field::Integer(i64::from(is_left)),
            data(table, "data", self.data)?,
        ])
    }
}

impl AssetRow<'_> {
    pub(super) fn fields(&self) -> Result<[Field<'_>; 3], WriteError> {
        let table = Table::Assets;
        let content_type = if self.content_type.is_empty() { "unknown" } else { self.content_type };
        Ok([
            id(table, "external_id", self.id)?,
            id(table, "content_type", content_type)?,
            data(table, "data", self.data)?,
        ])
    }
}

impl<'a> KeptRun {
    pub(super) fn fields(&'a self) -> Result<[Field<'a>; 13], WriteError> {
        let table = Table::SyncRuns;
        let text = |text: &'a Option<String>| text.as_deref().map_or(Field::Null, Field::Text);
        Ok([
            id(table, "sync_id", &self.sync_id)?,
            Field::Text(&self.started_at),
            text(&self.ended_at),
            Field::Text(&self.token),
            Field::Text(&self.sync_type),
            Field::Text(&self.parent_sync_id),
            Field::Text(""),
            // Rows are compared by their content, never by SQL: encodings of equal content may differ.
            Field::Integer(0),
            // What is expandable stands in its column and nowhere else.
            Field::Integer(1),
            text(&self.stats),
            Field::Text(""),
            Field::Text(""),
            Field::Text(""),
        ])
    }
}

/// Type and id of a resource; empty where they are missing, which no row takes.
fn parts(id: Option<&ResourceId>) -> (&str, &str) {
    id.map(|id| (id.resource_type.as_str(), id.resource.as_str())).unwrap_or_default()
}

fn id<'a>(table: Table, column: &'static str, text: &'a str) -> Result<Field<'a>, WriteError> {
    if text.is_empty() || text.contains('\0') {
        return Err(WriteError::Id { table: table.name(), column });
    }
    if text.len() > MOST_ID_BYTES {
        return Err(too_large(table, column, text.len(), MOST_ID_BYTES));
    }
    Ok(Field::Text(text))
}

fn data<'a>(table: Table, column: &'static str, bytes: &'a [u8]) -> Result<Field<'a>, WriteError> {
    if bytes.len() > MOST_BLOB_BYTES {
        return Err(too_large(table, column, bytes.len(), MOST_BLOB_BYTES));
    }
    Ok(Field::Blob(bytes))
}

fn too_large(table: Table, column: &'static str, bytes: usize, most: usize) -> WriteError {
    WriteError::RowTooLarge { table: table.name(), column, bytes, most }
}
