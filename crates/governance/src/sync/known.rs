//! Resources that other lists are run for, or that lists name.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use store::PageCursor;

use super::SyncError;
use crate::item::Item;
use crate::listing::UnitNumber;
use crate::mapping::{UnitView, resource_value};

/// A resource that another list is run for, or that is asked for by itself because a list names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// Its kind, where the list is not one of resources of that kind.
    pub(crate) kind: Option<String>,
    pub(crate) id: String,
    pub(crate) display_name: Option<String>,
    /// Kind and id of what it is below.
    pub(crate) parent: Option<(String, String)>,
}

impl Known {
    /// What of an item has to be known for that.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        match item {
            Item::Resource(resource) => Some(Self {
                kind: None,
                id: resource.id.clone(),
                display_name: resource.display_name.clone(),
                parent: resource.parent.clone(),
            }),
            Item::Holder(holder) => Some(Self {
                kind: Some(holder.principal_type.clone()),
                id: holder.principal_id.clone(),
                display_name: None,
                parent: None,
            }),
            Item::Entitlement(_) => None,
        }
    }
}

impl Known {
    /// As expressions and placeholders see it.
    pub(crate) fn value(&self, kind: &str) -> Value {
        let mut value = resource_value(kind, &self.id, self.display_name.as_deref());
        if let (Some((kind, id)), Some(members)) = (&self.parent, value.as_object_mut()) {
            members.insert("parent".to_owned(), json!({"type": kind, "id": id}));
        }
        value
    }

    /// The same below what its list was run for, unless it says itself what it is below.
    pub(super) fn below(mut self, view: &UnitView) -> Self {
        let member = |name| Some(view.of.as_ref()?.get(name)?.as_str()?.to_owned());
        self.parent = self.parent.or_else(|| Some((member("type")?, member("id")?)));
        self
    }
}

/// What is known from the units that were read by somebody before, of the lists with the numbers `needed`.
pub(super) async fn read_before(
    mut pages: PageCursor,
    needed: &HashSet<u32>,
) -> Result<HashMap<UnitNumber, Vec<Known>>, SyncError> {
    let mut found: HashMap<UnitNumber, Vec<Known>> = HashMap::new();
    while let Some((place, text)) = pages.next_text().await? {
        let unit = UnitNumber(place.unit);
        if needed.contains(&unit.listing()) {
            let items = crate::kept::items(&text)?;
            found.entry(unit).or_default().extend(items.iter().filter_map(Known::of));
        }
    }
    Ok(found)
}
