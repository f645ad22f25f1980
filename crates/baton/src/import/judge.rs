use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use c1z::{Filter, ReadError, Reader, Stored, SyncRun};
use crypto::PartsHash;
use governance::{KindCause, KindReport, KindStatus, SyncOutcome, SyncReport};
use model::IncompleteReason;
use protos::annotations;
use protos::c1::connector::v2::{Entitlement, Grant, GrantExpandable, Resource, ResourceId, ResourceType};

/// Longest id, in bytes (limit of the messages).
const LONGEST_ID: usize = 1024;
/// Most kinds of one file: an application has dozens.
const MOST_KINDS: usize = 1000;

/// A name of a row in a few bytes: of the rows themselves nothing is kept.
type Name = [u8; 16];

/// What became of each row of a file.
#[derive(Debug, Default)]
pub(super) struct Judged {
    kinds: Vec<Kind>,
    places: HashMap<String, usize>,
    resources: HashSet<Name>,
    /// With the resource that each is on.
    entitlements: HashMap<Name, Name>,
    /// Rows that name no kind, and grants and entitlements that name one that the file does not have.
    homeless: u64,
}

#[derive(Debug, Default)]
struct Kind {
    id: String,
    /// What is wrong with one of its rows.
    broken: Option<&'static str>,
    resources: u64,
    entitlements: u64,
    grants: u64,
    /// Grants that name an entitlement or a principal that is not there.
    dangling: u64,
    /// Grants with an end of a kind that is incomplete.
    beside: u64,
}

/// Looks at all rows.
pub(super) fn judge(reader: &Reader, run: &SyncRun) -> Result<Judged, ReadError> {
    let mut judged = Judged::default();
    each::<ResourceType>(reader, run, |row| judged.resource_type(row))?;
    each::<Resource>(reader, run, |row| judged.resource(&row))?;
    each::<Entitlement>(reader, run, |row| judged.entitlement(&row))?;
    each::<Grant>(reader, run, |row| judged.grant(&row))?;
    // Counted when it is known which kinds are handed over.
    each::<Grant>(reader, run, |row| judged.count(&row))?;
    Ok(judged)
}

fn each<T: Stored>(reader: &Reader, run: &SyncRun, mut look: impl FnMut(T)) -> Result<(), ReadError> {
    for row in reader.rows::<T>(run, &Filter::default()) {
        look(row?);
    }
    Ok(())
}

impl Judged {
    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Whether rows of this kind are handed over.
    pub(super) fn has(&self, kind: &str) -> bool {
        self.find(kind).is_some_and(|kind| kind.broken.is_none())
    }

    /// Whether a grant is handed over: both of its ends are.
    pub(super) fn has_grant(&self, row: &Grant) -> bool {
        let Some((entitlement, on, principal)) = ends(row) else { return false };
        self.has(&on.resource_type)
            && self.has(&principal.resource_type)
            && self.entitlements.get(&name(&[entitlement])) == Some(&of(on))
            && self.resources.contains(&of(principal))
    }

    pub(super) fn report(&self, sync_id: &str) -> SyncReport {
        let mut kinds: Vec<KindReport> = self.kinds.iter().map(Kind::report).collect();
        if self.homeless > 0
            && let Some(first) = kinds.first_mut()
        {
            let told =
                format!("{} rows of the file name no kind, or one that it does not have", self.homeless);
            first.reason =
                Some(first.reason.take().map_or(told.clone(), |reason| format!("{reason}; {told}")));
        }
        let is_complete = self.kinds.iter().all(|kind| kind.broken.is_none());
        SyncReport {
            sync_id: Some(sync_id.to_owned()),
            outcome: if is_complete { SyncOutcome::Complete } else { SyncOutcome::Incomplete },
            requests: 0,
            kinds,
        }
    }

    fn find(&self, kind: &str) -> Option<&Kind> {
        self.kinds.get(*self.places.get(kind)?)
    }

    fn of_kind(&mut self, kind: &str) -> Option<&mut Kind> {
        self.kinds.get_mut(*self.places.get(kind)?)
    }

    fn breaks(&mut self, kind: &str, why: &'static str) {
        if let Some(kind) = self.of_kind(kind) {
            kind.broken.get_or_insert(why);
        }
    }

    fn resource_type(&mut self, row: ResourceType) {
        self.add(row.id, None);
    }

    /// Adds a kind, if it is none of those that are there.
    fn add(&mut self, id: String, broken: Option<&'static str>) {
        if is_id(&id) && self.kinds.len() < MOST_KINDS && !self.places.contains_key(&id) {
            self.places.insert(id.clone(), self.kinds.len());
            self.kinds.push(Kind { id, broken, ..Kind::default() });
        }
    }

    fn resource(&mut self, row: &Resource) {
        let Some(id) = &row.id else {
            self.homeless += 1;
            return;
        };
        if self.find(&id.resource_type).is_none() {
            // There are some of it, so it is not one that the application does not have.
            self.add(
                id.resource_type.clone(),
                Some("the file has resources of it and does not say what it is"),
            );
        }
        if self.find(&id.resource_type).is_none() {
            self.homeless += 1;
        } else if !is_id(&id.resource) {
            self.breaks(&id.resource_type, "a resource has an empty or endless id");
        } else if row.parent_resource_id.as_ref().is_some_and(|parent| !is_named(parent)) {
            self.breaks(&id.resource_type, "a resource has a parent without id");
        } else if !self.resources.insert(of(id)) {
            self.breaks(&id.resource_type, "two resources have one id");
        } else if let Some(kind) = self.of_kind(&id.resource_type) {
            kind.resources += 1;
        }
    }

    fn entitlement(&mut self, row: &Entitlement) {
        let on = row.resource.as_ref().and_then(|on| on.id.as_ref());
        let Some(on) = on.filter(|on| self.find(&on.resource_type).is_some()) else {
            self.homeless += 1;
            return;
        };
        if !is_id(&row.id) {
            self.breaks(&on.resource_type, "an entitlement has an empty or endless id");
        } else if !self.resources.contains(&of(on)) {
            self.breaks(&on.resource_type, "an entitlement is on a resource that the file does not have");
        } else if !self.is_first(&row.id, on) {
            self.breaks(&on.resource_type, "two entitlements have one id");
        } else if let Some(kind) = self.of_kind(&on.resource_type) {
            kind.entitlements += 1;
        }
    }

    /// Notes what an entitlement is on; the first with its id counts.
    fn is_first(&mut self, entitlement: &str, on: &ResourceId) -> bool {
        match self.entitlements.entry(name(&[entitlement])) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(of(on));
                true
            }
        }
    }

    fn grant(&mut self, row: &Grant) {
        let Some((_, on, _)) = ends(row) else { return };
        if !is_id(&row.id) {
            self.breaks(&on.resource_type, "a grant has an empty or endless id");
        } else if annotations::find::<GrantExpandable>(&row.annotations).is_err() {
            self.breaks(&on.resource_type, "a grant says in no readable way to whom it extends");
        }
    }

    fn count(&mut self, row: &Grant) {
        let (is_taken, found) = (self.has_grant(row), ends(row));
        let known = found.filter(|(_, on, principal)| {
            self.find(&on.resource_type).is_some() && self.find(&principal.resource_type).is_some()
        });
        let Some((_, on, principal)) = known else {
            self.homeless += 1;
            return;
        };
        let is_beside = !self.has(&principal.resource_type);
        if let Some(kind) = self.of_kind(&on.resource_type) {
            match (is_taken, is_beside) {
                (true, _) => kind.grants += 1,
                (false, true) => kind.beside += 1,
                (false, false) => kind.dangling += 1,
            }
        }
    }
}

impl Kind {
    fn report(&self) -> KindReport {
        if let Some(why) = self.broken {
            return KindReport {
                kind: self.id.clone(),
                status: KindStatus::Incomplete,
                reason: Some(format!("{why}; nothing of the kind is taken")),
                cause: Some(KindCause { reason: IncompleteReason::Malformed, status: None }),
                resources: 0,
                entitlements: 0,
                grants: 0,
            };
        }
        let mut reason = String::new();
        if self.dangling > 0 {
            let _ = write!(
                reason,
                "{} grants name an entitlement or a principal that the file does not have",
                self.dangling
            );
        }
        if self.beside > 0 {
            let and = if reason.is_empty() { "" } else { "; " };
            let _ = write!(reason, "{and}{} grants are held by a kind that is incomplete", self.beside);
        }
        KindReport {
            kind: self.id.clone(),
            status: KindStatus::Complete,
            reason: Some(reason).filter(|reason| !reason.is_empty()),
            cause: None,
            resources: self.resources,
            entitlements: self.entitlements,
            grants: self.grants,
        }
    }
}

/// Entitlement id, its resource, and the principal; nothing if one of them is not named.
fn ends(row: &Grant) -> Option<(&str, &ResourceId, &ResourceId)> {
    let entitlement = row.entitlement.as_ref()?;
    let on = entitlement.resource.as_ref()?.id.as_ref()?;
    let principal = row.principal.as_ref()?.id.as_ref()?;
    Some((&entitlement.id, on, principal))
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= LONGEST_ID
}

fn is_named(id: &ResourceId) -> bool {
    is_id(&id.resource_type) && is_id(&id.resource)
}

fn of(id: &ResourceId) -> Name {
    name(&[&id.resource_type, &id.resource])
}

fn name(parts: &[&str]) -> Name {
    let mut hash = PartsHash::new();
    for part in parts {
        hash.add(part);
    }
    let mut name = Name::default();
    name.iter_mut().zip(hash.finish()).for_each(|(byte, of)| *byte = of);
    name
}
