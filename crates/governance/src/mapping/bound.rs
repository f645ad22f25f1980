//! What the placeholders of a list stand for.

use connector::{Bound, BoundKind};
use serde_json::Value;

use super::UnitView;

impl UnitView {
    /// What the list is run for: a resource under `name`, with what it is below, and a value.
    pub(crate) fn bind(&self, name: &str) -> Bound {
        let mut bound = Bound::new();
        if let Some(resource) = &self.of {
            bind_members(&mut bound, name, resource);
            if let Some(parent) = resource.get("parent") {
                bind_members(&mut bound, &format!("{name}.parent"), parent);
            }
        }
        if let Some(value) = &self.value {
            bound.set("value", value.clone(), BoundKind::Plain);
        }
        bound
    }

    /// The same of one resource of the list, by its id: what the list is run for is what it is below.
    pub(crate) fn bind_single(&self, id: &str) -> Bound {
        let mut bound = Bound::new().with("resource.id", id, BoundKind::Personal);
        if let Some(parent) = &self.of {
            bind_members(&mut bound, "resource.parent", parent);
        }
        bound
    }
}

fn bind_members(bound: &mut Bound, name: &str, resource: &Value) {
    for member in ["id", "display_name", "type"] {
        if let Some(value) = resource.get(member) {
            bound.set(&format!("{name}.{member}"), value.clone(), BoundKind::Personal);
        }
    }
}
