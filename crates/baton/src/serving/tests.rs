//! What tasks of a control plane read, against the simulated Segment.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use ::connector::{Connection, Connector, ConnectorParts, MemoryTokens, Secrets, Settings};
use egress::{Door, MemoryBudgets, Mode, Routes};
use protos::c1::connector::v2::{Entitlement, Grant, Resource, ResourceId};
use rstest::rstest;
use sandbox::segment::{SegmentOptions, SegmentSandbox, WorkspaceOptions};
use serde_json::json;
use testkit::TestClock;

use super::*;
use crate::command_line::{SyncDepth, Workers};
use crate::service::{ServedConnector as _, SyncOrder, TaskContext, TaskFailure, TaskLog};

/// A connector that serves, and the application that it reads.
struct Bench {
    sandbox: SegmentSandbox,
    served: FileConnector,
    folder: tempfile::TempDir,
}

fn told() -> SyncSettings {
    SyncSettings {
        depth: SyncDepth::Everything,
        resources: Vec::new(),
        resource_types: Vec::new(),
        workers: Workers::One,
        storage: None,
        temp_folder: None,
        external: None,
    }
}

fn order() -> SyncOrder {
    SyncOrder {
        skip_expand_grants: false,
        skip_entitlements_and_grants: false,
        skip_grants: false,
        resources: Vec::new(),
        resource_types: Vec::new(),
        storage: None,
    }
}

impl Bench {
    async fn new(sync: SyncSettings) -> Self {
        let options = SegmentOptions {
            users: 30,
            workspace: WorkspaceOptions { groups: Some(6), ..WorkspaceOptions::default() },
            ..SegmentOptions::default()
        };
        let sandbox = SegmentSandbox::start(options).await.unwrap();
        let connector = connector(&sandbox);
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(model::SystemClock);
        let place = ServicePlace::take(folder.path(), ("baton-segment", "test"), &*clock).await.unwrap();
        let changes = ChangeState::open(
            Arc::clone(place.state()),
            (connector.clone(), Workers::One),
            ("test".to_owned(), Arc::clone(&clock)),
        );
        let served = FileConnector {
            changes: changes.await.unwrap(),
            connector,
            definition: "1".to_owned(),
            values: Vec::new(),
            sync,
            provisioning: Permission::Refused,
            times: FileTimes::Own,
            worker: "test".to_owned(),
            clock,
            stop: Cancellation::never(),
            place,
        };
        Self { sandbox, served, folder }
    }

    async fn sync(&self, order: &SyncOrder) -> Result<PathBuf, TaskFailure> {
        let target = self.folder.path().join("sync.c1z");
        let context = TaskContext {
            task_id: "task-1".to_owned(),
            cancellation: Cancellation::never(),
            log: TaskLog::default(),
        };
        self.served.sync(order, &target, &context).await.map(|()| target)
    }

    /// The first resource of a kind.
    fn first(&self, kind: &str) -> Resource {
        let truth = self.sandbox.governance_truth();
        let found = truth.resources.iter().find(|row| row.key.kind == kind).unwrap();
        resource(kind, &found.key.id)
    }

    fn calls(&self) -> u64 {
        self.sandbox.state()["calls"].as_u64().unwrap()
    }
}

fn connector(sandbox: &SegmentSandbox) -> Connector {
    let clock = Arc::new(TestClock::new());
    let token = sandbox.description().tokens.access_token.clone();
    let host = "api.segmentapis.com";
    let secrets = vec![("domain".to_owned(), json!(host)), ("access_token".to_owned(), json!(token))];
    let settings = DoorSettings {
        allow: vec!["127.0.0.1/32".parse().unwrap()],
        routes: Routes::parse([(host, sandbox.url())]).unwrap(),
        ..DoorSettings::default()
    };
    Connector::new(ConnectorParts {
        connection: Connection {
            key: "segment".parse().unwrap(),
            file: Arc::new(crate::flag::tests::library("segment")),
            secrets: Arc::new(Secrets::new(secrets)),
            references: HashMap::new(),
            recording_keep: HashMap::new(),
        },
        door: Door::new(settings, Mode::Live, Arc::new(MemoryBudgets::new(clock.clone())), clock.clone())
            .unwrap(),
        tokens: Arc::new(MemoryTokens::new()),
        clock,
        ids: Arc::new(RandomIds),
        settings: Settings::default(),
    })
}

fn resource(kind: &str, id: &str) -> Resource {
    let id = ResourceId { resource_type: kind.to_owned(), resource: id.to_owned(), ..ResourceId::default() };
    Resource { id: Some(id), ..Resource::default() }
}

/// What the file says that it is, and how many rows it has: resources, entitlements, grants.
fn counted(path: &Path) -> (String, [usize; 3]) {
    let reader = c1z::Reader::open(path, None, &c1z::Limits::default()).unwrap();
    let [run] = reader.runs() else { panic!("{:?}", reader.runs()) };
    let all = c1z::Filter::default();
    let counts = [
        reader.rows::<Resource>(run, &all).count(),
        reader.rows::<Entitlement>(run, &all).count(),
        reader.rows::<Grant>(run, &all).count(),
    ];
    (run.sync_type.clone(), counts)
}

fn kinds(path: &Path) -> BTreeSet<String> {
    let reader = c1z::Reader::open(path, None, &c1z::Limits::default()).unwrap();
    let all = c1z::Filter::default();
    let rows = reader.rows::<Resource>(&reader.runs()[0], &all);
    rows.map(|row| row.unwrap().id.unwrap().resource_type).collect()
}

// rule: baton P-24, S-22, S-23
#[tokio::test(flavor = "multi_thread")]
async fn a_task_reads_what_it_asks_for_and_its_file_says_what_it_is() {
    let bench = Bench::new(told()).await;
    let truth = bench.sandbox.governance_truth();
    let direct =
        truth.grants.iter().filter(|grant| grant.origin == sandbox::governance::Origin::Direct).count();
    let all = truth.resources.len();

    let whole = counted(&bench.sync(&order()).await.unwrap());
    let unexpanded = SyncOrder { skip_expand_grants: true, ..order() };
    let unexpanded = counted(&bench.sync(&unexpanded).await.unwrap());
    let without = counted(&bench.sync(&SyncOrder { skip_grants: true, ..order() }).await.unwrap());
    let bare = SyncOrder { skip_grants: true, skip_entitlements_and_grants: true, ..order() };
    let bare = counted(&bench.sync(&bare).await.unwrap());

    assert_eq!((whole.0.as_str(), whole.1[0], whole.1[2]), ("full", all, truth.grants.len()));
    assert_eq!((unexpanded.0.as_str(), unexpanded.1), ("full", [all, whole.1[1], direct]));
    assert_eq!((without.0.as_str(), without.1[0], without.1[2]), ("partial", all, 0));
    assert!(without.1[1] > 0);
    assert_eq!((bare.0.as_str(), bare.1), ("resources_only", [all, 0, 0]));
}

// rule: baton P-24, S-22
#[tokio::test(flavor = "multi_thread")]
async fn a_task_for_single_resources_makes_the_calls_that_they_need() {
    let bench = Bench::new(told()).await;
    let user = bench.first("user");
    let named = |resources: Vec<Resource>| SyncOrder { resources, ..order() };

    let file = bench.sync(&named(vec![user.clone()])).await.unwrap();
    let first = bench.calls();
    let of_one = counted(&file);
    let group = bench.sync(&named(vec![bench.first("group")])).await.unwrap();

    // The workspace, and the account.
    assert_eq!(first, 2);
    assert_eq!((of_one.0.as_str(), of_one.1), ("partial", [1, 0, 0]));
    assert_eq!(kinds(&group), BTreeSet::from(["group".to_owned(), "user".to_owned()]));
    let nobody = bench.sync(&named(vec![resource("user", "nobody")])).await.unwrap();
    assert_eq!(counted(&nobody).1, [0, 0, 0]);
}

// rule: baton P-18, P-24, S-8
#[rstest]
#[case::of_no_kind(vec![resource("planet", "1")], &[], "`planet`")]
#[case::without_id(vec![resource("user", "")], &[], "without type or id")]
#[case::of_a_kind_that_is_left_out(vec![resource("user", "u1")], &["group"], "there are group")]
#[case::types(Vec::new(), &["planet"], "`sync_resource_type_ids`")]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_task_cannot_mean_is_refused_and_nothing_is_asked(
    #[case] resources: Vec<Resource>,
    #[case] types: &[&str],
    #[case] says: &str,
) {
    let bench = Bench::new(told()).await;
    let resource_types = types.iter().map(|&of| of.to_owned()).collect();

    let refused = bench.sync(&SyncOrder { resources, resource_types, ..order() }).await.unwrap_err();

    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    assert!(refused.message().contains(says), "{refused}");
    assert_eq!(bench.calls(), 0);
}

// What the process is told holds where the task says nothing (baton P-24).
#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_names_nothing_reads_what_the_process_is_told() {
    let bid = "bid:r:user/nobody".parse().unwrap();
    let bench = Bench::new(SyncSettings { resources: vec![bid], ..told() }).await;

    let told = bench.sync(&order()).await.unwrap();
    let told = counted(&told).1;
    let asked = SyncOrder { resources: vec![bench.first("user")], ..order() };
    let asked = bench.sync(&asked).await.unwrap();

    assert_eq!(told, [0, 0, 0]);
    assert_eq!(counted(&asked).1, [1, 0, 0]);
}
