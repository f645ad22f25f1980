//! Changes and syncs of something that tells by files and changes by jobs.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use c1z::{NewRun, RunEnd, SyncType, Writer};
use engine::Cancellation;
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use governance::change::{
    AccessChange, AccessChanges, Approval, ChangeError, ChangeErrorKind, ChangePlace, ChangeReport,
    ChangeResult, ResourceName, TimedEnd, TimedGrant,
};
use governance::source::{Job, JobEnd, Provision, Source, SourceError, SourceErrorKind, SourceReading, Way};
use governance::{KindReport, KindStatus, SyncOutcome, SyncReport};
use jiff::Timestamp;
use model::{Clock as _, ConnectionKey, RandomIds, RunId};
use protos::annotations;
use protos::c1::connector::v2::grant_sources::GrantSource;
use protos::c1::connector::v2::{
    Entitlement, EntitlementImmutable, Grant, GrantExpandable, GrantSources, Resource, ResourceId,
    ResourceType,
};
use store::{AccessEndFilter, AccessEndState, Actor, Store, StoreParts, StorePlace, Window};
use tempfile::TempDir;
use testkit::TestClock;

/// A team `t` with `ana` and `ben`, a role `r` that the team and, by herself, `ana` hold.
#[derive(Debug)]
struct Office {
    key: ConnectionKey,
    /// Grants of their own: entitlement and principal.
    held: Mutex<Vec<(String, ResourceName)>>,
    /// Kinds of which nothing is believed.
    broken: Mutex<Vec<&'static str>>,
    end: Mutex<fn() -> JobEnd>,
    /// Whether jobs do what they are asked.
    works: Mutex<bool>,
    reads: AtomicUsize,
    jobs: Mutex<Vec<Job>>,
}

fn name(kind: &str, id: &str) -> ResourceName {
    ResourceName::new(kind, id)
}

fn resource(name: &ResourceName) -> Resource {
    let id =
        ResourceId { resource_type: name.kind.clone(), resource: name.id.clone(), ..ResourceId::default() };
    Resource { id: Some(id), display_name: name.id.to_uppercase(), ..Resource::default() }
}

fn entitlement(on: &ResourceName) -> Entitlement {
    let kinds = ["team", "user"].map(|id| ResourceType { id: id.to_owned(), ..ResourceType::default() });
    Entitlement {
        id: format!("{}:{}:member", on.kind, on.id),
        resource: Some(resource(on)),
        grantable_to: kinds.into_iter().collect(),
        ..Entitlement::default()
    }
}

impl Office {
    fn open() -> Arc<Self> {
        let held = [
            ("team:t:member", "user:ana"),
            ("team:t:member", "user:ben"),
            ("role:r:member", "team:t"),
            ("role:r:member", "user:ana"),
        ];
        let held = held.map(|(entitlement, who)| (entitlement.to_owned(), who.parse().unwrap()));
        Arc::new(Self {
            key: "office".parse().unwrap(),
            held: Mutex::new(held.into()),
            broken: Mutex::default(),
            end: Mutex::new(|| JobEnd::Done),
            works: Mutex::new(true),
            reads: AtomicUsize::new(0),
            jobs: Mutex::default(),
        })
    }

    fn is_told(&self, kind: &str) -> bool {
        !self.broken.lock().unwrap().contains(&kind)
    }

    /// What follows from membership is told, too, as connectors do.
    fn grants(&self) -> Vec<Grant> {
        let held = self.held.lock().unwrap().clone();
        let has = |entitlement: &str, who: &ResourceName| {
            held.iter().any(|(of, to)| of == entitlement && to == who)
        };
        let team_has_role = has("role:r:member", &name("team", "t"));
        let mut rows = Vec::new();
        for who in [name("user", "ana"), name("user", "ben"), name("team", "t"), name("user", "cem")] {
            for on in [name("team", "t"), name("role", "r"), name("role", "fixed")] {
                let of = entitlement(&on);
                let is_own = has(&of.id, &who);
                let passed = on.id == "r" && team_has_role && has("team:t:member", &who);
                if !is_own && !passed {
                    continue;
                }
                let mut row = Grant {
                    id: format!("{}:{}:{}", of.id, who.kind, who.id),
                    entitlement: Some(of.clone()),
                    principal: Some(resource(&who)),
                    ..Grant::default()
                };
                if passed {
                    let mut sources = GrantSources::default();
                    let source = |is_direct| GrantSource { is_direct };
                    sources.sources.insert("team:t:member".to_owned(), source(true));
                    if is_own {
                        sources.sources.insert(of.id.clone(), source(true));
                    }
                    row.sources = Some(sources);
                }
                if who.kind == "team" {
                    let to = vec!["team:t:member".to_owned()];
                    let expandable = GrantExpandable { entitlement_ids: to, ..GrantExpandable::default() };
                    annotations::append(&mut row.annotations, &expandable);
                }
                rows.push(row);
            }
        }
        rows
    }

    fn write(&self, path: &Path) -> SyncReport {
        let now = "2026-01-15T12:00:00Z".parse().unwrap();
        let sync_id = protos::Ksuid::new(1_768_478_400, [7; 16]).unwrap().to_string();
        let run =
            NewRun { sync_id, started_at: now, sync_type: SyncType::Full, parent_sync_id: String::new() };
        let mut writer = Writer::create(path, None, run).unwrap();
        let kinds = ["role", "team", "user"];
        for kind in kinds.iter().filter(|kind| self.is_told(kind)) {
            writer
                .resource_type(&ResourceType { id: (*kind).to_owned(), ..ResourceType::default() })
                .unwrap();
        }
        let all = [
            ("role", "r"),
            ("role", "fixed"),
            ("team", "t"),
            ("user", "ana"),
            ("user", "ben"),
            ("user", "cem"),
        ];
        let all = all.map(|(kind, id)| name(kind, id));
        for one in all.iter().filter(|one| self.is_told(&one.kind)) {
            writer.resource(&resource(one)).unwrap();
        }
        for on in all.iter().filter(|on| on.kind != "user" && self.is_told(&on.kind)) {
            let mut row = entitlement(on);
            if on.id == "fixed" {
                annotations::append(&mut row.annotations, &EntitlementImmutable::default());
            }
            writer.entitlement(&row).unwrap();
        }
        for row in self.grants() {
            let kind = |resource: &Resource| resource.id.clone().unwrap().resource_type;
            let on = row.entitlement.as_ref().and_then(|of| of.resource.as_ref()).map(kind).unwrap();
            if self.is_told(&on) && self.is_told(&kind(row.principal.as_ref().unwrap())) {
                writer.grant(&row).unwrap();
            }
        }
        writer.finish(RunEnd { ended_at: now, actions: 1 }).unwrap();
        let report = |kind: &&str| KindReport {
            kind: (*kind).to_owned(),
            status: if self.is_told(kind) { KindStatus::Complete } else { KindStatus::Incomplete },
            reason: (!self.is_told(kind)).then(|| "two resources have one id".to_owned()),
            cause: None,
            resources: 1,
            entitlements: 1,
            grants: 1,
        };
        let is_whole = self.broken.lock().unwrap().is_empty();
        SyncReport {
            sync_id: None,
            outcome: if is_whole { SyncOutcome::Complete } else { SyncOutcome::Incomplete },
            requests: 0,
            kinds: kinds.iter().map(report).collect(),
        }
    }
}

impl Source for Office {
    fn connection(&self) -> &ConnectionKey {
        &self.key
    }

    fn basis(&self) -> &'static str {
        "1"
    }

    fn read(&self, _stop: Cancellation) -> BoxFuture<'_, Result<SourceReading, SourceError>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sync.c1z");
        let report = self.write(&path);
        ready(Ok(SourceReading::new((path.clone(), path), report, folder))).boxed()
    }

    fn provision(&self) -> Result<&dyn Provision, String> {
        Ok(self)
    }
}

impl Provision for Office {
    fn named(&self) -> (&str, String) {
        ("baton-office", "00".repeat(32))
    }

    fn may_delete(&self, kind: &str) -> bool {
        kind == "user"
    }

    fn carry_out<'a>(
        &'a self,
        job: &'a Job,
        known: &'a Path,
        _: (&'a RunId, Cancellation),
    ) -> BoxFuture<'a, JobEnd> {
        assert!(known.is_file(), "the ids of a job are of a file");
        self.jobs.lock().unwrap().push(job.clone());
        if *self.works.lock().unwrap() {
            let mut held = self.held.lock().unwrap();
            match job {
                Job::Grant { entitlement, principal } => held.push((entitlement.clone(), principal.clone())),
                Job::Revoke { grant } => held.retain(|(of, who)| format!("{of}:{who}") != *grant),
                Job::Delete { resource } => held.retain(|(_, who)| who != resource),
            }
        }
        ready(self.end.lock().unwrap()()).boxed()
    }

    fn end_left_behind(&self, _run: &RunId) {}

    fn late(&self) -> Duration {
        Duration::from_mins(1)
    }
}

struct World {
    office: Arc<Office>,
    changes: AccessChanges,
    clock: TestClock,
    store: Store,
    _folder: TempDir,
}

impl World {
    async fn open() -> Self {
        let (office, clock, folder) = (Office::open(), TestClock::new(), tempfile::tempdir().unwrap());
        let store = Store::open(StoreParts {
            place: StorePlace::File(folder.path().join("state.db")),
            keys: crypto::KeyRing::new(crypto::MasterKey::random()),
            clock: Arc::new(clock.clone()),
            ids: Arc::new(RandomIds),
            access: store::Access::Write,
            max_bytes: None,
        })
        .await
        .unwrap();
        let place = ChangePlace {
            store: store.clone(),
            clock: Arc::new(clock.clone()),
            ids: Arc::new(RandomIds),
            worker: "w".to_owned(),
        };
        let changes = AccessChanges::of(Way::Source(Arc::<Office>::clone(&office)), place).unwrap();
        Self { office, changes, clock, store, _folder: folder }
    }

    async fn apply(&self, change: &AccessChange) -> Result<ChangeReport, ChangeError> {
        self.changes.apply(change, Approval::Given, &Actor::system()).await
    }

    async fn grant_until(&self, until: Timestamp) -> Result<TimedGrant, ChangeError> {
        let (who, approval) = (name("user", "cem"), (Approval::Given, until));
        Box::pin(self.changes.grant_until(("team:t:member", &who), approval, &Actor::system())).await
    }

    fn jobs(&self) -> usize {
        self.office.jobs.lock().unwrap().len()
    }

    async fn is_all_known(&self, report: &ChangeReport) -> bool {
        self.store.ledger_unknown(&report.run).await.unwrap().is_empty()
    }
}

fn not_begun() -> JobEnd {
    let error = std::io::Error::other("it was not started");
    JobEnd::NotBegun(SourceError::new(SourceErrorKind::Refused, error))
}

fn grant(entitlement: &str, who: &str) -> AccessChange {
    AccessChange::Grant { entitlement: entitlement.to_owned(), principal: who.parse().unwrap() }
}

fn revoke(entitlement: &str, who: &str) -> AccessChange {
    AccessChange::Revoke { entitlement: entitlement.to_owned(), principal: who.parse().unwrap() }
}

// rule: architecture §4, "still reachable through …"; baton MSG-9, E-6
#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_besides_is_planned_and_told() {
    let world = World::open().await;

    let own = world.changes.plan(&revoke("role:r:member", "user:ana")).await.unwrap().unwrap();
    let inherited = world.changes.plan(&revoke("role:r:member", "user:ben")).await.unwrap();
    let of_team = world.changes.plan(&revoke("role:r:member", "team:t")).await.unwrap().unwrap();
    let member = world.changes.plan(&revoke("team:t:member", "user:ben")).await.unwrap().unwrap();
    let report = world.apply(&revoke("role:r:member", "user:ana")).await.unwrap();

    let through: Vec<_> = own.contents().still_through.iter().map(|one| one.name.to_string()).collect();
    assert_eq!((through, own.contents().request.is_none()), (vec!["team:t".to_owned()], true));
    // Nothing of their own.
    assert_eq!(inherited, None);
    let [besides] = &of_team.contents().besides[..] else { panic!("{of_team:?}") };
    assert_eq!(besides.holders_of.as_deref(), Some("team:t:member"));
    let [besides] = &member.contents().besides[..] else { panic!("{member:?}") };
    assert_eq!(
        (besides.entitlement.as_str(), &besides.principal),
        ("role:r:member", &Some(name("user", "ben")))
    );
    assert_eq!((report.result, report.through.len(), world.jobs()), (ChangeResult::StillReachable, 1, 1));
    let job = Job::Revoke { grant: "role:r:member:user:ana".to_owned() };
    assert_eq!(world.office.jobs.lock().unwrap()[..], [job]);
}

// rule: architecture law 4; baton MSG-7; governance ACC-1
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_or_is_not_known_is_refused_before_anything_is_run() {
    let world = World::open().await;
    let delete = |kind: &str, id: &str| AccessChange::Delete { resource: name(kind, id) };
    let create = AccessChange::Create { kind: "user".to_owned(), params: Vec::new() };
    let by_id = |id: &str| AccessChange::RevokeGrant { grant: id.to_owned() };

    for (change, says) in [
        (grant("role:fixed:member", "user:ana"), "nobody can grant"),
        (grant("role:r:member", "role:fixed"), "cannot be held by a `role`"),
        (grant("role:r:member", "user:nobody"), "no such `user`"),
        (grant("role:r:member", "robot:1"), "no kind `robot`"),
        (grant("role:x:member", "user:ana"), "no entitlement has the id `role:x:member`"),
        (revoke("robot:1:member", "user:ana"), "no entitlement has the id `robot:1:member`"),
        (by_id("role:r:member:user:ben"), "follows from something else"),
        (by_id("robot:1"), "no entitlement has the id `robot:1`"),
        (delete("team", "t"), "may not delete a `team`"),
        (create, "may not create a `user`"),
    ] {
        let error = world.apply(&change).await.unwrap_err();
        assert!(error.to_string().contains(says), "{change:?}: {error}");
        assert_eq!(error.kind(), ChangeErrorKind::BadInput, "{error}");
    }
    // What it was on is gone, or whoever held it: that is so already.
    for change in [
        revoke("role:gone:member", "user:ana"),
        revoke("role:r:member", "user:gone"),
        by_id("role:r:member:user:gone"),
        delete("user", "gone"),
    ] {
        assert_eq!(world.apply(&change).await.unwrap().result, ChangeResult::Already, "{change:?}");
    }
    // Of a kind that is not believed nothing is said to be so.
    world.office.broken.lock().unwrap().push("user");
    for change in [
        revoke("team:t:member", "user:ana"),
        delete("user", "gone"),
        grant("role:r:member", "user:ana"),
        by_id("team:t:member:user:ana"),
    ] {
        let error = world.apply(&change).await.unwrap_err();
        assert!(matches!(error, ChangeError::Incomplete { .. }), "{change:?}: {error}");
    }
    assert_eq!(world.jobs(), 0);
}

// rule: architecture law 3
#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_once_whatever_it_says_and_reading_decides() {
    let unknown: fn() -> JobEnd = || JobEnd::Unknown { detail: "exit_14".to_owned() };
    for (works, end, expected) in [
        (true, (|| JobEnd::Done) as fn() -> JobEnd, ChangeResult::Confirmed),
        (false, || JobEnd::Done, ChangeResult::DoneButNotVisible),
        (true, unknown, ChangeResult::Confirmed),
        (false, unknown, ChangeResult::Failed),
    ] {
        let world = World::open().await;
        (*world.office.works.lock().unwrap(), *world.office.end.lock().unwrap()) = (works, end);

        let report = world.apply(&grant("team:t:member", "user:cem")).await.unwrap();

        assert_eq!((report.result, report.attempts, world.jobs()), (expected, 1, 1));
        assert!(world.is_all_known(&report).await);
        // What certainly is not so was waited for, as long as it might be late.
        let waited = world.clock.sleeps().contains(&world.office.late());
        assert_eq!(waited, report.result == ChangeResult::Failed);
    }
    let world = World::open().await;
    (*world.office.works.lock().unwrap(), *world.office.end.lock().unwrap()) = (false, not_begun);
    let error = world.apply(&grant("team:t:member", "user:cem")).await.unwrap_err();
    assert_eq!(error.kind(), ChangeErrorKind::Refused);
    assert!(error.to_string().contains("nothing was sent"), "{error}");
    // The next one is not held up by it.
    (*world.office.works.lock().unwrap(), *world.office.end.lock().unwrap()) = (true, || JobEnd::Done);
    let report = world.apply(&grant("team:t:member", "user:cem")).await.unwrap();
    assert_eq!((report.result, world.jobs()), (ChangeResult::Confirmed, 2));
}

// rule: governance GRA-3: nobody loses what they hold otherwise by then
#[tokio::test(flavor = "multi_thread")]
async fn access_that_is_given_for_a_time_ends_and_what_was_not_begun_has_no_end() {
    let world = World::open().await;
    let hour = Duration::from_hours(1);
    (*world.office.works.lock().unwrap(), *world.office.end.lock().unwrap()) = (false, not_begun);

    let error = world.grant_until(world.clock.now() + hour).await.unwrap_err();
    let ends = world.store.access_end_list(AccessEndFilter::default(), Window::ALL).await.unwrap().items;
    (*world.office.works.lock().unwrap(), *world.office.end.lock().unwrap()) = (true, || JobEnd::Done);
    let given = world.grant_until(world.clock.now() + hour).await.unwrap();
    let end = given.end.unwrap();
    world.clock.advance(hour);
    let taken = Box::pin(world.changes.end(&end, &Actor::system())).await.unwrap();

    assert!(matches!(error, ChangeError::Source(_)), "{error}");
    assert_eq!(ends.iter().map(|end| end.state).collect::<Vec<_>>(), [AccessEndState::Void]);
    assert_eq!((given.report.result, end.state), (ChangeResult::Confirmed, AccessEndState::Open));
    assert!(
        matches!(&taken, TimedEnd::Taken(report) if report.result == ChangeResult::Confirmed),
        "{taken:?}"
    );
    let revoke = Job::Revoke { grant: "team:t:member:user:cem".to_owned() };
    assert_eq!((world.jobs(), world.office.jobs.lock().unwrap().last()), (3, Some(&revoke)));
}
