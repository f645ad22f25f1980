//! What a source told, looked up by ids.

use c1z::{Filter, Limits, Reader, SyncRun};
use protos::annotations;
use protos::c1::connector::v2::{Entitlement, Grant, GrantExpandable, Resource};

use crate::change::reach::Through;
use crate::change::{AccessChange, Action, ChangeError, ResourceName};
use crate::inventory::KeepError;
use crate::report::{KindReport, KindStatus};
use crate::source::SourceReading;

/// What is believed of a reading.
pub(super) struct Told<'a> {
    reader: Reader,
    run: SyncRun,
    kinds: &'a [KindReport],
}

impl<'a> Told<'a> {
    pub(super) fn open(reading: &'a SourceReading) -> Result<Self, ChangeError> {
        let path = reading.believed();
        let reader = Reader::open(path, path.parent(), &Limits::default()).map_err(unread)?;
        let run = reader.full_runs().first().map(|run| SyncRun::clone(run));
        let run = run.ok_or_else(|| ChangeError::Incomplete { detail: KeepError::NoRun.to_string() })?;
        Ok(Self { reader, run, kinds: &reading.report().kinds })
    }

    pub(super) fn entitlement(&self, id: &str) -> Result<Option<Entitlement>, ChangeError> {
        self.reader.find::<Entitlement>(&self.run, id).map_err(unread)
    }

    pub(super) fn resource(&self, name: &ResourceName) -> Result<Option<Resource>, ChangeError> {
        self.reader.find_resource(&self.run, &name.wire()).map_err(unread)
    }

    /// Grants of an entitlement that somebody has.
    pub(super) fn grants(&self, entitlement: &str, who: &ResourceName) -> Result<Vec<Grant>, ChangeError> {
        self.all(&Filter { entitlement: Some(entitlement.to_owned()), ..of(who) })
    }

    /// All grants that somebody has.
    pub(super) fn held_by(&self, who: &ResourceName) -> Result<Vec<Grant>, ChangeError> {
        self.all(&of(who))
    }

    fn all(&self, filter: &Filter) -> Result<Vec<Grant>, ChangeError> {
        self.reader.rows::<Grant>(&self.run, filter).collect::<Result<_, _>>().map_err(unread)
    }

    pub(super) fn known_kinds(&self) -> String {
        let known = self.kinds.iter().map(|kind| format!("`{}`", kind.kind));
        known.collect::<Vec<_>>().join(", ")
    }

    pub(super) fn kind(&self, id: &str) -> Option<&KindReport> {
        self.kinds.iter().find(|kind| kind.kind == id)
    }

    /// A kind of which nothing is known; of the file, if `id` names none.
    pub(super) fn incomplete(&self, id: Option<&str>) -> Option<ChangeError> {
        let mut kinds = self.kinds.iter().filter(|kind| id.is_none_or(|id| kind.kind == id));
        let kind = kinds.find(|kind| kind.status != KindStatus::Complete)?;
        let reason = kind.reason.as_deref().unwrap_or("it is incomplete");
        Some(ChangeError::Incomplete { detail: format!("`{}`: {reason}", kind.kind) })
    }

    /// Whether an id begins as those of a kind do: what it named may be gone.
    pub(super) fn is_of_a_kind(&self, entitlement: &str) -> bool {
        let begins = |kind: &KindReport| {
            entitlement.strip_prefix(kind.kind.as_str()).is_some_and(|rest| rest.starts_with(':'))
        };
        self.kinds.iter().any(begins)
    }

    /// Through whom somebody has a grant besides.
    pub(super) fn through(&self, grant: &Grant, entitlement: &str) -> Result<Vec<Through>, ChangeError> {
        let sources = grant.sources.iter().flat_map(|sources| sources.sources.keys());
        let mut sources: Vec<&String> = sources.filter(|id| *id != entitlement).collect();
        sources.sort_unstable();
        let mut found: Vec<Through> = Vec::new();
        for id in sources {
            let on = self.entitlement(id)?.and_then(|found| named(found.resource.as_ref()?));
            let Some(name) = on else { continue };
            if !found.iter().any(|known| known.name == name) {
                let resource = self.resource(&name)?;
                let display_name = title(resource.as_ref(), &name);
                found.push(Through { name, display_name });
            }
        }
        Ok(found)
    }

    /// A grant by what it is of.
    pub(super) fn named(&self, id: &str) -> Result<Option<AccessChange>, ChangeError> {
        let Some(grant) = self.reader.find::<Grant>(&self.run, id).map_err(unread)? else {
            if let Some(error) = self.incomplete(None) {
                return Err(error);
            }
            let is_known = self.is_of_a_kind(id);
            return if is_known {
                Ok(None)
            } else {
                Err(ChangeError::UnknownEntitlement { id: id.to_owned() })
            };
        };
        let entitlement = grant.entitlement.as_ref().map(|entitlement| entitlement.id.clone());
        let principal = grant.principal.as_ref().and_then(named);
        let (Some(entitlement), Some(principal)) = (entitlement, principal) else {
            return Err(ChangeError::UnknownEntitlement { id: id.to_owned() });
        };
        if !is_direct(&grant, &entitlement) {
            return Err(ChangeError::Fixed { action: Action::Revoke.as_str(), what: id.to_owned() });
        }
        Ok(Some(AccessChange::Revoke { entitlement, principal }))
    }
}

/// Whether somebody has a grant by itself, not only because it follows from others (baton MSG-9).
pub(super) fn is_direct(grant: &Grant, entitlement: &str) -> bool {
    let sources = grant.sources.as_ref().map(|sources| &sources.sources).filter(|all| !all.is_empty());
    sources.is_none_or(|sources| sources.contains_key(entitlement))
}

/// To whom a grant extends.
pub(super) fn expandable(grant: &Grant) -> Option<GrantExpandable> {
    // Judged before: it can be read.
    annotations::find::<GrantExpandable>(&grant.annotations).ok().flatten()
}

pub(super) fn named(resource: &Resource) -> Option<ResourceName> {
    let id = resource.id.as_ref()?;
    Some(ResourceName::new(id.resource_type.as_str(), id.resource.as_str()))
}

/// The name of a resource for people, or its id.
pub(super) fn title(resource: Option<&Resource>, name: &ResourceName) -> String {
    let title = resource.map(|resource| resource.display_name.as_str()).filter(|title| !title.is_empty());
    title.unwrap_or(&name.id).to_owned()
}

fn of(who: &ResourceName) -> Filter {
    Filter { principal: Some((who.kind.clone(), who.id.clone())), ..Filter::default() }
}

fn unread(error: c1z::ReadError) -> ChangeError {
    ChangeError::File(Box::new(error))
}
