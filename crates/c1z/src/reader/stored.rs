use prost::Message;
use prost_types::Any;
use protos::annotations;
use protos::c1::connector::v2::{Entitlement, Grant, GrantExpandable, Resource, ResourceId, ResourceType};
use rusqlite::Row;

use super::ReadError;
use super::database::Database;
use super::decode::Cell;
use crate::layout::Table;

/// A message that has a table.
#[expect(private_bounds, reason = "only the messages of this file have tables")]
pub trait Stored: Message + Default + Clone + Columns {}

/// How a message stands in its table.
pub(crate) trait Columns: Sized {
    const TABLE: Table;
    const NAME: &'static str;

    /// What is read of a row after its number: the content, and what may complete it.
    fn columns(database: &Database) -> &'static str;

    /// Takes from the columns what the content leaves out.
    fn complete(&mut self, row: &Row<'_>, number: i64) -> Result<(), ReadError>;
}

impl Stored for ResourceType {}
impl Stored for Resource {}
impl Stored for Entitlement {}
impl Stored for Grant {}

impl Columns for ResourceType {
    const TABLE: Table = Table::ResourceTypes;
    const NAME: &'static str = "ResourceType";

    fn columns(_database: &Database) -> &'static str {
        "data"
    }

    fn complete(&mut self, _row: &Row<'_>, _number: i64) -> Result<(), ReadError> {
        Ok(())
    }
}

impl Columns for Resource {
    const TABLE: Table = Table::Resources;
    const NAME: &'static str = "Resource";

    fn columns(_database: &Database) -> &'static str {
        "data"
    }

    fn complete(&mut self, _row: &Row<'_>, _number: i64) -> Result<(), ReadError> {
        Ok(())
    }
}

impl Columns for Entitlement {
    const TABLE: Table = Table::Entitlements;
    const NAME: &'static str = "Entitlement";

    fn columns(_database: &Database) -> &'static str {
        "data"
    }

    fn complete(&mut self, _row: &Row<'_>, _number: i64) -> Result<(), ReadError> {
        Ok(())
    }
}

impl Columns for Grant {
    const TABLE: Table = Table::Grants;
    const NAME: &'static str = "Grant";

    fn columns(database: &Database) -> &'static str {
        if database.has(Table::Grants, "expansion") {
            "data, external_id, resource_type_id, resource_id, entitlement_id, principal_resource_type_id, \
             principal_resource_id, expansion"
        } else {
            "data, external_id, resource_type_id, resource_id, entitlement_id, principal_resource_type_id, \
             principal_resource_id, NULL"
        }
    }

    /// A slim grant has its ids in columns only (baton DB-9), newer writers keep `GrantExpandable` apart (DB-7), older
    /// ones within (DB-8).
    fn complete(&mut self, row: &Row<'_>, number: i64) -> Result<(), ReadError> {
        let cell = |column| Cell { table: Table::Grants, column, number };
        if self.id.is_empty() {
            cell("external_id").text(row, 2)?.clone_into(&mut self.id);
        }
        let entitlement = self.entitlement.get_or_insert_default();
        if entitlement.id.is_empty() {
            cell("entitlement_id").text(row, 5)?.clone_into(&mut entitlement.id);
        }
        let resource = entitlement.resource.get_or_insert_default();
        if is_open(resource.id.as_ref()) {
            let id = resource.id.get_or_insert_default();
            cell("resource_type_id").text(row, 3)?.clone_into(&mut id.resource_type);
            cell("resource_id").text(row, 4)?.clone_into(&mut id.resource);
        }
        let principal = self.principal.get_or_insert_default();
        if is_open(principal.id.as_ref()) {
            let id = principal.id.get_or_insert_default();
            cell("principal_resource_type_id").text(row, 6)?.clone_into(&mut id.resource_type);
            cell("principal_resource_id").text(row, 7)?.clone_into(&mut id.resource);
        }
        match cell("expansion").blob(row, 8)? {
            // Nothing, and "looked at, not expandable".
            None | Some([]) => Ok(()),
            Some(expansion) => put_back(&mut self.annotations, expansion, number),
        }
    }
}

fn is_open(id: Option<&ResourceId>) -> bool {
    id.is_none_or(|id| id.resource_type.is_empty() || id.resource.is_empty())
}

fn put_back(list: &mut Vec<Any>, expansion: &[u8], number: i64) -> Result<(), ReadError> {
    GrantExpandable::decode(expansion).map_err(|source| ReadError::Content {
        table: Table::Grants.name(),
        row: number,
        message: "GrantExpandable",
        source,
    })?;
    if !annotations::contains::<GrantExpandable>(list) {
        let mut annotation = annotations::pack(&GrantExpandable::default());
        annotation.value = expansion.to_vec();
        list.push(annotation);
    }
    Ok(())
}
