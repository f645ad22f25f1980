//! The lists of a file, numbered: what a sync has to read, and in which order its rows stand.
//!
//! A list has units, which are read one after the other or side by side; a unit has pages. The number of a
//! unit is that of its list and its own place in it, so that pages sorted by unit and page are in the
//! canonical order, whatever the order in which they came.

use spec::connector_file::Request;
use spec::connector_file::governance::{
    EntitlementGrants, EntitlementSource, Governance, ListPlace, ListedResources, ResourceSource,
};

/// One list of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listing {
    /// Its place in the canonical order.
    pub(crate) number: u32,
    /// Place of the kind that it is about.
    pub(crate) of: usize,
    /// What its items are.
    pub(crate) what: Listed,
}

/// What the items of a list are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    /// Resources of the kind.
    Resources,
    /// Entitlements on one resource of the kind; of the kind's `entitlements` the one at this place.
    Entitlements(usize),
    /// Holders of an entitlement on one resource of the kind, likewise; of its lists the one at this place,
    /// and those that are the same list.
    Holders(ListPlace),
}

/// Number of a unit: list and place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct UnitNumber(pub(crate) u64);

impl UnitNumber {
    pub(crate) fn new(listing: u32, place: usize) -> Self {
        // A list never has so many units: each of them is a call.
        Self(u64::from(listing) << 32 | u64::from(u32::try_from(place).unwrap_or(u32::MAX)))
    }

    /// Number of its list.
    pub(crate) fn listing(self) -> u32 {
        u32::try_from(self.0 >> 32).unwrap_or(u32::MAX)
    }

    /// Its place in the list.
    pub(crate) fn place(self) -> usize {
        (self.0 & u64::from(u32::MAX)) as usize
    }
}

/// All lists of a file.
#[derive(Debug)]
pub(crate) struct Listings {
    all: Vec<Listing>,
}

impl Listings {
    /// The lists of resources in the order of the file, then those for each resource.
    pub(crate) fn of(governance: &Governance) -> Self {
        let kinds = || governance.resource_types.iter().enumerate();
        let resources = kinds().filter(|(_, kind)| matches!(kind.source, ResourceSource::Listed(_)));
        let mut all: Vec<(usize, Listed)> = resources.map(|(of, _)| (of, Listed::Resources)).collect();
        for (of, kind) in kinds() {
            for (place, entitlements) in kind.entitlements.iter().enumerate() {
                if matches!(entitlements.source, EntitlementSource::Listed { .. }) {
                    all.push((of, Listed::Entitlements(place)));
                }
                let own = entitlements.grants.iter().enumerate().filter(|(_, list)| list.same_list.is_none());
                all.extend(
                    own.map(|(list, _)| (of, Listed::Holders(ListPlace { entitlement: place, list }))),
                );
            }
        }
        let numbered = all.into_iter().zip(0..).map(|((of, what), number)| Listing { number, of, what });
        Self { all: numbered.collect() }
    }

    /// In canonical order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Listing> + '_ {
        self.all.iter().copied()
    }

    /// The list with a number.
    pub(crate) fn get(&self, number: u32) -> Option<Listing> {
        self.all.get(number as usize).copied()
    }
}

impl Listing {
    /// The kind whose resources it is run for, if it is run for each of them.
    pub(crate) fn per<'a>(&self, governance: &'a Governance) -> Option<&'a str> {
        let kind = governance.resource_types.get(self.of)?;
        match self.what {
            Listed::Resources => self.resources(governance)?.per.as_deref(),
            Listed::Entitlements(_) | Listed::Holders(_) => Some(&kind.id),
        }
    }

    /// How the resources are listed, if it is a list of resources.
    pub(crate) fn resources<'a>(&self, governance: &'a Governance) -> Option<&'a ListedResources> {
        match (&governance.resource_types.get(self.of)?.source, self.what) {
            (ResourceSource::Listed(listed), Listed::Resources) => Some(listed),
            (ResourceSource::Listed(_) | ResourceSource::Static(_), _) => None,
        }
    }

    /// How the holders are listed, if it is a list of holders.
    pub(crate) fn holders<'a>(&self, governance: &'a Governance) -> Option<&'a EntitlementGrants> {
        let Listed::Holders(place) = self.what else { return None };
        governance.resource_types.get(self.of)?.entitlements.get(place.entitlement)?.grants.get(place.list)
    }

    /// The request, and the statuses that mean that it is not allowed.
    pub(crate) fn request<'a>(&self, governance: &'a Governance) -> Option<(&'a Request, &'a [u16])> {
        let kind = governance.resource_types.get(self.of)?;
        match self.what {
            Listed::Resources => {
                self.resources(governance).map(|listed| (&listed.request, listed.unavailable.as_slice()))
            }
            Listed::Holders(_) => {
                self.holders(governance).map(|grants| (&grants.request, grants.unavailable.as_slice()))
            }
            Listed::Entitlements(place) => match &kind.entitlements.get(place)?.source {
                EntitlementSource::Listed { request, unavailable } => Some((request, unavailable)),
                EntitlementSource::Static | EntitlementSource::Derived { .. } => None,
            },
        }
    }
}
