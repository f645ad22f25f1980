//! Resources that other lists are run for.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use store::PageCursor;

use super::SyncError;
use crate::item::Item;
use crate::listing::{Listed, Listings, UnitNumber};
use crate::mapping::{UnitView, resource_value};

/// A resource that another list is run for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
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
                id: resource.id.clone(),
                display_name: resource.display_name.clone(),
                parent: resource.parent.clone(),
            }),
            Item::Entitlement(_) | Item::Holder(_) => None,
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

/// The resources of the units that were read by somebody before, of the kinds at `needed`.
pub(super) async fn read_before(
    mut pages: PageCursor,
    listings: &Listings,
    needed: &HashSet<usize>,
) -> Result<HashMap<UnitNumber, Vec<Known>>, SyncError> {
    let mut found: HashMap<UnitNumber, Vec<Known>> = HashMap::new();
    while let Some((place, text)) = pages.next_text().await? {
        let unit = UnitNumber(place.unit);
        let is_needed = listings
            .get(unit.listing())
            .is_some_and(|listing| listing.what == Listed::Resources && needed.contains(&listing.of));
        if is_needed {
            let items = crate::kept::items(&text)?;
            found.entry(unit).or_default().extend(items.iter().filter_map(Known::of));
        }
    }
    Ok(found)
}
