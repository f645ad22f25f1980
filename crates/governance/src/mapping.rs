//! From the items of a list to what is kept of them.
//!
//! What a file may leave open is left open: a resource without a name is shown by its id. What decides who
//! has access is not: an item whose grants cannot be computed makes its kind incomplete, since nobody
//! knows what it holds.

mod account;
mod bound;
mod error;
mod held;
mod text;

use std::sync::Arc;

use connector::Connection;
use model::Row;
use serde_json::{Value, json};
use spec::connector_file::ConnectorFile;
use spec::connector_file::governance::{
    EntitlementGrants, EntitlementText, Entitlements, Governance, ListPlace, ListedResources, ResourceType,
    Slug, TypedId,
};
use spec::expression::{ExpressionError, Scope};

pub(crate) use account::moment;
pub use error::MappingError;
pub(crate) use text::{optional, required};

use crate::item::{EntitlementItem, HolderItem, Item, ResourceItem, TextItem};

/// What the items of one unit are seen with, besides themselves.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnitView {
    /// The resource that the list is run for: `parent` of listed resources, else `resource`.
    pub(crate) of: Option<Value>,
    /// The value that it is run for.
    pub(crate) value: Option<Value>,
}

/// A resource as expressions see it.
pub(crate) fn resource_value(kind: &str, id: &str, display_name: Option<&str>) -> Value {
    json!({"type": kind, "id": id, "display_name": display_name.unwrap_or(id)})
}

/// Maps the items of a file's lists. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Mapper {
    file: Arc<ConnectorFile>,
    /// Params of the connection that are no secrets.
    params: Arc<Row>,
}

impl Mapper {
    /// For the lists of a connection's file. Expressions see its settings, except those that are secrets.
    pub(crate) fn of(connection: &Connection) -> Self {
        let file = Arc::clone(&connection.file);
        let shown = file.connector_params.iter().filter(|param| !file.is_secret(&param.name));
        let value = |name: &str| connection.secrets.find(name).cloned().unwrap_or(Value::Null);
        let params = shown.map(|param| (param.name.clone(), value(&param.name))).collect();
        Self { params: Arc::new(params), file }
    }

    /// The condition of the section that does not hold for these settings, if there is one.
    ///
    /// # Errors
    /// If it has no result.
    pub(crate) fn unmet(&self) -> Result<Option<&str>, ExpressionError> {
        let Some(when) = self.governance().and_then(|governance| governance.when.as_ref()) else {
            return Ok(None);
        };
        Ok((!when.evaluate(&self.params)?).then(|| when.source()))
    }

    pub(crate) fn params(&self) -> &Row {
        &self.params
    }

    pub(crate) fn governance(&self) -> Option<&Governance> {
        self.file.governance.as_deref()
    }

    /// The resource that an item is; `None` if it is none of this kind.
    pub(crate) fn resource(
        &self,
        (kind, listed): (&ResourceType, &ListedResources),
        item: &Value,
        view: &UnitView,
    ) -> Result<Option<Item>, MappingError> {
        let scope = self.scope(item, ("parent", view));
        if let Some(when) = &listed.when
            && !text::holds(when, &scope, (&kind.id, "when"))?
        {
            return Ok(None);
        }
        let id = required(&listed.id, &scope, (&kind.id, "id"))?;
        let mut resource = ResourceItem {
            display_name: optional(listed.display_name.as_ref(), &scope),
            description: optional(listed.description.as_ref(), &scope),
            external_link: optional(listed.external_link.as_ref(), &scope),
            parent: match &listed.parent {
                Some(of) => parent(of, &scope, &kind.id)?,
                None => None,
            },
            profile: text::profile(&listed.profile, &scope),
            user: match &listed.user {
                Some(user) => Some(Box::new(account::account(user, &scope, &kind.id)?)),
                None => None,
            },
            holds: Vec::new(),
            id,
        };
        resource.holds = self.held(kind, &scope)?.into_iter().map(|found| found.item).collect();
        Ok(Some(Item::Resource(Box::new(resource))))
    }

    /// Whether an item lacks something, so that its resource is asked for by itself.
    pub(crate) fn lacks(
        &self,
        kind: &ResourceType,
        item: &Value,
        view: &UnitView,
    ) -> Result<bool, MappingError> {
        let Some(when) = kind.get.as_ref().and_then(|get| get.when.as_ref()) else { return Ok(false) };
        text::holds(when, &self.scope(item, ("parent", view)), (&kind.id, "get.when"))
    }

    /// Id of the resource that an item is.
    pub(crate) fn id(
        &self,
        (kind, listed): (&ResourceType, &ListedResources),
        item: &Value,
        view: &UnitView,
    ) -> Result<String, MappingError> {
        required(&listed.id, &self.scope(item, ("parent", view)), (&kind.id, "id"))
    }

    /// What an entry of the list at `place` says: who holds its entitlement, and those that have the same
    /// list.
    pub(crate) fn holders(
        &self,
        (kind, place): (&ResourceType, ListPlace),
        item: &Value,
        view: &UnitView,
    ) -> Result<Vec<Item>, MappingError> {
        let mut holders = Vec::new();
        for (entitlement, entitlements) in kind.entitlements.iter().enumerate() {
            for (list, grants) in entitlements.grants.iter().enumerate() {
                let at = ListPlace { entitlement, list };
                if at == place || grants.same_list == Some(place) {
                    holders.extend(self.holder(kind, (at, grants), (item, view))?);
                }
            }
        }
        Ok(holders)
    }

    fn holder(
        &self,
        kind: &ResourceType,
        (ListPlace { entitlement, list }, grants): (ListPlace, &EntitlementGrants),
        (item, view): (&Value, &UnitView),
    ) -> Result<Option<Item>, MappingError> {
        let scope = self.scope(item, ("resource", view));
        if let Some(when) = &grants.when
            && !text::holds(when, &scope, (&kind.id, "grants.when"))?
        {
            return Ok(None);
        }
        let principal_type = required(&grants.principal.resource_type, &scope, (&kind.id, "principal.type"))?;
        let principal_id = required(&grants.principal.id, &scope, (&kind.id, "principal.id"))?;
        Ok(Some(Item::Holder(HolderItem { entitlement, list, principal_type, principal_id })))
    }

    /// The entitlement that an entry of a resource's list is.
    pub(crate) fn entitlement(
        &self,
        (kind, entitlements): (&ResourceType, &Entitlements),
        item: &Value,
        view: &UnitView,
    ) -> Result<Option<Item>, MappingError> {
        let scope = self.scope(item, ("resource", view));
        let slug = match &entitlements.slug {
            Slug::Text(slug) => slug.clone(),
            Slug::Computed(slug) => required(slug, &scope, (&kind.id, "slug"))?,
        };
        Ok(Some(Item::Entitlement(EntitlementItem {
            slug,
            text: entitlement_text(&entitlements.text, &scope),
        })))
    }

    /// `item` and what the list is run for.
    fn scope<'v>(&'v self, item: &'v Value, (of, view): (&'v str, &'v UnitView)) -> Scope<'v> {
        let mut scope = Scope::of(&self.params).with("item", item);
        if let Some(resource) = &view.of {
            scope.bind(of, resource);
        }
        if let Some(value) = &view.value {
            scope.bind("value", value);
        }
        scope
    }
}

/// What an item says that it is below; none if it names nobody.
fn parent(parent: &TypedId, scope: &Scope<'_>, kind: &str) -> Result<Option<(String, String)>, MappingError> {
    let Some(id) = optional(Some(&parent.id), scope) else { return Ok(None) };
    let of = required(&parent.resource_type, scope, (kind, "parent.type"))?;
    if !parent.types.contains(&of) {
        return Err(MappingError::UnknownKind { kind: kind.to_owned(), what: "parent.type" });
    }
    Ok(Some((of, id)))
}

/// Names of an entitlement for the variables of `scope`.
pub(crate) fn entitlement_text(text: &EntitlementText, scope: &Scope<'_>) -> TextItem {
    TextItem {
        display_name: optional(text.display_name.as_ref(), scope),
        description: optional(text.description.as_ref(), scope),
    }
}
