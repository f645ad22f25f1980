//! From the kept pages of a sync to its rows.
//!
//! The pages are gone through kind by kind, a few times: first for the resources, then for what can be held
//! on them, then for who holds it. Kinds that do nothing but hold come between the last two, once. Memory holds the ids
//! of the resources and the grants that bring others,
//! never the pages. What comes out depends on the file and the application's lists alone: the order is that
//! of the file's kinds and of their lists, an item that comes twice counts once, as it came first. Grants of
//! entitlements that groups pass on, or that they hold, come last: their sources are known only then.
//!
//! A kind that was not read completely gives nothing: neither its resources nor grants on them or of them.
//! Half of a list would pass for the whole.

mod derived;
mod entitlements;
mod grants;
mod inherited;
mod kinds;
mod names;
mod pages;
mod resources;
mod rows;
mod shown;
mod single_pass;

use std::collections::{HashMap, HashSet};

use protos::c1::connector::v2::{self, ResourceId};
use serde_json::Value;
use spec::connector_file::governance::{Governance, ResourceType};
use tokio::runtime::Handle;

use crate::expansion::GrantCollector;
use crate::listing::{Listed, Listings};
use crate::mapping::Mapper;
use crate::number::{EntitlementNumber, ResourceNumber};
use crate::outlet::Outlet;
use crate::plan::Plan;
use crate::report::{KindReport, SyncOutcome};
use crate::sync::{ListEnds, Sync, SyncError, Unread};
use derived::Derived;
use inherited::EntitlementNames;
use kinds::Kinds;
use names::Names;
use pages::Pages;
use shown::Shown;

/// What was put together.
#[derive(Debug)]
pub(crate) struct Assembled {
    pub(crate) outcome: SyncOutcome,
    pub(crate) kinds: Vec<KindReport>,
}

struct Assembly<'a> {
    governance: &'a Governance,
    mapper: &'a Mapper,
    listings: &'a Listings,
    plan: &'a Plan,
    pages: &'a Pages,
    outlet: &'a mut Outlet,
    kinds: Kinds,
    names: Names,
    derived: Derived,
    /// Entitlements that the application lists, and those made because somebody holds them: kind, resource,
    /// slug.
    listed: HashSet<(usize, String, String)>,
    entitlements: EntitlementNames,
    /// What grants bring others by, of those that do.
    expandables: HashMap<(EntitlementNumber, ResourceNumber), Vec<String>>,
    collector: Option<GrantCollector>,
    /// Resources that entitlements are named after which only grants name.
    titles: HashMap<(usize, String), Value>,
    /// Places of the kinds of such resources.
    titled: HashSet<usize>,
    shown: Shown,
}

/// Whether the lists have what a result needs: what the report says if they have not.
pub(crate) fn missing(sync: &Sync, ends: &ListEnds) -> Option<(Vec<KindReport>, String)> {
    let kinds = Kinds::new(sync.governance(), (&sync.listings, &sync.plan), ends);
    let missing = kinds.missing_required(sync.governance())?;
    let detail = match &missing.end {
        crate::sync::UnitEnd::Incomplete { detail, .. } | crate::sync::UnitEnd::Unavailable { detail } => {
            detail
        }
        crate::sync::UnitEnd::Complete => return None,
    };
    let error = format!("`{}` was not read completely: {detail}", missing.id);
    Some((kinds.reports(), error))
}

/// Puts the rows of a sync together and hands them out. Takes a thread for itself. `unread` is still being read, and is
/// taken to end as `ends` has it: whoever asked for the rows looks at the end whether it did.
pub(crate) fn assemble(
    sync: &Sync,
    ends: &ListEnds,
    unread: Option<Unread>,
    (runtime, outlet): (Handle, &mut Outlet),
) -> Result<Assembled, SyncError> {
    let governance = sync.governance();
    let lease = sync.hold.lease();
    let (store, run, task) = (sync.parts.store.clone(), lease.run.clone(), lease.task.clone());
    let pages = Pages { store, run, task, runtime, unread };
    let mut assembly = Assembly {
        governance,
        mapper: &sync.mapper,
        listings: &sync.listings,
        plan: &sync.plan,
        pages: &pages,
        outlet,
        kinds: Kinds::new(governance, (&sync.listings, &sync.plan), ends),
        names: Names::new(governance.resource_types.len()),
        derived: Derived::new(governance),
        listed: HashSet::new(),
        entitlements: EntitlementNames::default(),
        expandables: HashMap::new(),
        collector: None,
        titles: HashMap::new(),
        titled: titled(governance),
        shown: Shown::default(),
    };
    assembly.run()?;
    let outcome =
        if assembly.kinds.has_incomplete() { SyncOutcome::Incomplete } else { SyncOutcome::Complete };
    Ok(Assembled { outcome, kinds: assembly.kinds.reports() })
}

/// The row of a kind, as files have it.
pub fn resource_type_row(kind: &ResourceType) -> v2::ResourceType {
    rows::resource_type(kind)
}

/// Places of the kinds whose entitlements may be made from grants.
fn titled(governance: &Governance) -> HashSet<usize> {
    let rules = governance.resource_types.iter().flat_map(|kind| &kind.grants);
    let kinds = rules.filter(|rule| rule.entitlement.is_some()).flat_map(|rule| &rule.resource.types);
    kinds.filter_map(|id| governance.resource_types.iter().position(|kind| kind.id == *id)).collect()
}

impl<'a> Assembly<'a> {
    fn run(&mut self) -> Result<(), SyncError> {
        let kinds = 0..self.governance.resource_types.len();
        let shown: Vec<usize> = kinds.filter(|place| self.kinds.is_shown(*place)).collect();
        for place in &shown {
            self.kind(*place)?;
        }
        let (once, others): (Vec<usize>, Vec<usize>) =
            shown.iter().partition(|place| self.only_holds(**place));
        for place in &others {
            self.resources(*place)?;
        }
        self.derived.settle(self.governance, self.mapper)?;
        for place in &shown {
            self.entitlements(*place)?;
        }
        for listing in self.listings.iter() {
            if matches!(listing.what, Listed::Entitlements(_)) && shown.contains(&listing.of) {
                self.listed_entitlements(listing)?;
            }
        }
        if self.plan.reads_grants() {
            self.grants(&once, &others)?;
        }
        for place in &shown {
            self.principals(*place)?;
        }
        self.note_absent();
        Ok(())
    }

    fn grants(&mut self, once: &[usize], others: &[usize]) -> Result<(), SyncError> {
        if self.plan.expands() {
            self.edges()?;
        }
        for place in once {
            self.resources_and_held(*place)?;
        }
        for place in others {
            self.held(*place)?;
        }
        for listing in self.listings.iter() {
            if matches!(listing.what, Listed::Holders(_)) && others.contains(&listing.of) {
                self.holders(listing)?;
            }
        }
        self.inherited()
    }

    /// Kind and id of a resource, as rows name it.
    fn id_of(&self, kind: usize, id: &str) -> ResourceId {
        rows::resource_id(self.kind_id(kind), id)
    }

    fn kind_id(&self, place: usize) -> &'a str {
        self.governance.resource_types.get(place).map(|kind| kind.id.as_str()).unwrap_or_default()
    }
}
