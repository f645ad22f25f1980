//! Resources that other lists are run for.

use std::collections::{HashMap, HashSet};

use store::PageCursor;

use super::SyncError;
use crate::item::Item;
use crate::listing::{Listed, Listings, UnitNumber};

/// A resource that another list is run for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) id: String,
    pub(crate) display_name: Option<String>,
}

impl Known {
    /// What of an item has to be known for that.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        match item {
            Item::Resource(resource) => {
                Some(Self { id: resource.id.clone(), display_name: resource.display_name.clone() })
            }
            Item::Entitlement(_) | Item::Holder(_) => None,
        }
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
