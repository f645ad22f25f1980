use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use model::{Clock as _, ConnectionKey};
use protos::annotations;
use protos::c1::connector::v2::{
    Entitlement, Grant, GrantExpandable, GrantImmutable, GrantSources, Resource, ResourceId, ResourceType,
    SkipSyncAnomalyDetection, UserTrait, grant_sources::GrantSource, user_trait::Email,
};
use store::{Access, Actor, InventoryOrigin, Store, StoreParts, StorePlace};
use tempfile::TempDir;
use testkit::TestClock;

use crate::inventory::keep::sink::{Keeper, Teller};
use crate::inventory::keep::{KeepError, KeepRequest, Kept, fresh, known_chunks, take};
use crate::inventory::{At, ShrinkGuard, State, find_state, load};
use crate::report::{KindReport, KindStatus};
use crate::sink::{SinkError, SyncSink};

pub(super) const CANARY: &str = "canary-zoe";

pub(super) struct Bench {
    pub(super) store: Store,
    pub(super) connection: ConnectionKey,
    pub(super) folder: TempDir,
    clock: TestClock,
}

type Id = (String, String);

/// What an application has.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    resources: Vec<Id>,
    /// Entitlement's resource, holder, and what it follows from.
    grants: Vec<(Id, Id, Option<Id>)>,
    unsteady: Vec<String>,
}

impl Bench {
    pub(super) async fn new() -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), TestClock::new());
        let store = Store::open(StoreParts {
            place: StorePlace::File(folder.path().join("state.db")),
            keys: crypto::KeyRing::new(crypto::MasterKey::random()),
            clock: Arc::new(clock.clone()),
            ids: Arc::new(model::RandomIds),
            access: Access::Write,
            max_bytes: None,
        });
        Self { store: store.await.unwrap(), connection: "shop".parse().unwrap(), folder, clock }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn advance(&self, by: SignedDuration) {
        self.clock.advance(by.unsigned_abs());
    }

    pub(super) fn request(&self, guard: ShrinkGuard) -> KeepRequest<'_> {
        KeepRequest { store: &self.store, connection: &self.connection, guard, actor: Actor::system() }
    }

    /// A sync that was read and put together.
    pub(super) async fn sync(&self, kinds: &[(&str, KindStatus)], facts: &Facts) -> Kept {
        self.try_sync(kinds, facts, ShrinkGuard::On).await.unwrap()
    }

    pub(super) async fn try_sync(
        &self,
        kinds: &[(&str, KindStatus)],
        facts: &Facts,
        guard: ShrinkGuard,
    ) -> Result<Kept, KeepError> {
        let request = self.request(guard);
        let key = self.store.inventory_key_get(&self.connection).await?;
        let keeper = self.fed(kinds, facts).await?;
        let rows = tokio::task::spawn_blocking(move || keeper.finish()).await.unwrap()?;
        let reports: Vec<KindReport> = kinds.iter().map(report).collect();
        let fresh = fresh((&key, Teller::Ourselves), self.now(), (rows, &reports));
        take(&request, (InventoryOrigin::Sync, Some("run_1")), fresh).await
    }

    /// One that is broken off when all rows were given.
    pub(super) async fn give_up(&self, kinds: &[(&str, KindStatus)], facts: &Facts) {
        let keeper = self.fed(kinds, facts).await.unwrap();
        tokio::task::spawn_blocking(move || keeper.finish()).await.unwrap().unwrap();
    }

    async fn fed(&self, kinds: &[(&str, KindStatus)], facts: &Facts) -> Result<Keeper, KeepError> {
        let request = self.request(ShrinkGuard::On);
        let key = self.store.inventory_key_get(&self.connection).await?;
        let known = known_chunks(&request).await?;
        let mut keeper = Keeper::new((self.store.clone(), key), known, Teller::Ourselves);
        let shown = kinds.iter().filter(|(_, status)| *status == KindStatus::Complete);
        let shown: Vec<String> = shown.map(|(kind, _)| (*kind).to_owned()).collect();
        let facts = facts.clone();
        tokio::task::spawn_blocking(move || {
            facts.feed(&shown, &mut keeper)?;
            Ok(keeper)
        })
        .await
        .unwrap()
    }

    pub(super) async fn state(&self, at: &At) -> Option<State> {
        find_state(&self.store, &self.connection, at).await.unwrap()
    }

    pub(super) async fn rows(&self, at: &At) -> BTreeSet<String> {
        let state = self.state(at).await.unwrap();
        load(&self.store, &state, Seen::default()).await.unwrap().0
    }

    /// The state database and what lies beside it.
    pub(super) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let read = |path: PathBuf| {
            let bytes = std::fs::read(&path).unwrap();
            (path, bytes)
        };
        entries.map(|entry| read(entry.unwrap().path())).collect()
    }
}

fn report((kind, status): &(&str, KindStatus)) -> KindReport {
    KindReport {
        kind: (*kind).to_owned(),
        status: *status,
        reason: None,
        cause: None,
        resources: 0,
        entitlements: 0,
        grants: 0,
    }
}

impl Facts {
    pub(super) fn with(mut self, kind: &str, ids: &[&str]) -> Self {
        self.resources.extend(ids.iter().map(|id| (kind.to_owned(), (*id).to_owned())));
        self
    }

    /// Without a resource, and everything at it.
    pub(super) fn without(mut self, kind: &str, id: &str) -> Self {
        let is_it = |one: &Id| one.0 == kind && one.1 == id;
        self.resources.retain(|one| !is_it(one));
        self.grants.retain(|(on, by, _)| !is_it(on) && !is_it(by));
        self
    }

    pub(super) fn grant(mut self, on: (&str, &str), by: (&str, &str)) -> Self {
        self.grants.push((owned(on), owned(by), None));
        self
    }

    /// A grant that follows from being a member of `from`.
    pub(super) fn inherited(mut self, on: (&str, &str), by: (&str, &str), from: (&str, &str)) -> Self {
        self.grants.push((owned(on), owned(by), Some(owned(from))));
        self
    }

    /// A kind that comes and goes.
    pub(super) fn unsteady(mut self, kind: &str) -> Self {
        self.unsteady.push(kind.to_owned());
        self
    }

    /// What is seen of all of it, but for what follows from grants.
    pub(super) fn seen(&self) -> BTreeSet<String> {
        let all: Vec<String> = self.resources.iter().map(|(kind, _)| kind.clone()).collect();
        let mut seen = Seen::default();
        let reported = self.grants.iter().filter(|(_, _, from)| from.is_none());
        Self { grants: reported.cloned().collect(), ..self.clone() }.feed(&all, &mut seen).unwrap();
        seen.0
    }

    /// Gives the rows of the kinds that are shown, in the order of a sync.
    pub(super) fn feed(&self, shown: &[String], sink: &mut dyn SyncSink) -> Result<(), SinkError> {
        let is_shown = |(kind, _): &&Id| shown.contains(kind);
        let mut kinds: Vec<&String> = Vec::new();
        for (kind, _) in self.resources.iter().filter(is_shown) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        for kind in shown {
            let mut row = ResourceType { id: kind.clone(), ..ResourceType::default() };
            if self.unsteady.contains(kind) {
                annotations::append(&mut row.annotations, &SkipSyncAnomalyDetection {});
            }
            sink.resource_type(&row)?;
        }
        for kind in &kinds {
            for id in self.resources.iter().filter(|(of, _)| of == *kind) {
                sink.resource(&resource(id))?;
            }
        }
        for id in self.resources.iter().filter(is_shown).filter(|(kind, _)| kind != "user") {
            sink.entitlement(&entitlement(id))?;
        }
        for (on, by, from) in self.grants.iter().filter(|(on, by, _)| is_shown(&on) && is_shown(&by)) {
            let own = (by.0 == "group").then(|| GrantExpandable {
                entitlement_ids: vec![entitlement_id(by)],
                ..GrantExpandable::default()
            });
            sink.grant(&grant(on, by, from.as_ref()), own.as_ref())?;
        }
        Ok(())
    }
}

fn owned((kind, id): (&str, &str)) -> Id {
    (kind.to_owned(), id.to_owned())
}

fn resource((kind, id): &Id) -> Resource {
    let mut row = Resource {
        id: Some(ResourceId { resource_type: kind.clone(), resource: id.clone(), ..ResourceId::default() }),
        display_name: id.clone(),
        ..Resource::default()
    };
    if kind == "user" {
        let email = Email { address: format!("{id}@example.com"), is_primary: true };
        annotations::append(&mut row.annotations, &UserTrait { emails: vec![email], ..UserTrait::default() });
    }
    row
}

fn entitlement_id((kind, id): &Id) -> String {
    format!("{kind}:{id}:member")
}

fn entitlement(on: &Id) -> Entitlement {
    Entitlement {
        resource: Some(resource(on)),
        id: entitlement_id(on),
        slug: "member".to_owned(),
        ..Entitlement::default()
    }
}

pub(super) fn grant(on: &Id, by: &Id, from: Option<&Id>) -> Grant {
    let mut row = Grant {
        entitlement: Some(entitlement(on)),
        principal: Some(resource(by)),
        id: format!("{}:{}:{}", entitlement_id(on), by.0, by.1),
        ..Grant::default()
    };
    if let Some(from) = from {
        let source = (entitlement_id(from), GrantSource { is_direct: false });
        row.sources = Some(GrantSources { sources: [source].into() });
        annotations::append(&mut row.annotations, &GrantImmutable::default());
    }
    row
}

/// Rows as text.
#[derive(Debug, Default)]
pub(super) struct Seen(pub(super) BTreeSet<String>);

fn text(resource: &Resource) -> String {
    let id = resource.id.clone().unwrap_or_default();
    format!("{}:{}", id.resource_type, id.resource)
}

impl SyncSink for Seen {
    fn resource_type(&mut self, row: &ResourceType) -> Result<(), SinkError> {
        self.0.insert(row.id.clone());
        Ok(())
    }

    fn resource(&mut self, row: &Resource) -> Result<(), SinkError> {
        let user: Option<UserTrait> = annotations::find(&row.annotations).unwrap();
        assert!(user.is_none_or(|user| user.emails.len() == 1), "an account keeps its address");
        self.0.insert(text(row));
        Ok(())
    }

    fn entitlement(&mut self, row: &Entitlement) -> Result<(), SinkError> {
        self.0.insert(row.id.clone());
        Ok(())
    }

    fn grant(&mut self, row: &Grant, expandable: Option<&GrantExpandable>) -> Result<(), SinkError> {
        let on = row.entitlement.as_ref().and_then(|entitlement| entitlement.resource.as_ref()).unwrap();
        let by = row.principal.as_ref().unwrap();
        let told = if row.sources.is_some() { " (told)" } else { "" };
        assert_eq!(expandable.is_some(), text(by).starts_with("group:"), "{row:?}");
        assert!(!annotations::contains::<GrantExpandable>(&row.annotations));
        self.0.insert(format!("{} <- {}{told}", text(on), text(by)));
        Ok(())
    }
}
