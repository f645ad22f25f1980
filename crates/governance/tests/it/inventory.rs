//! Syncs of the simulated Segment as inventories: what is kept, and what it says later.

use governance::inventory::{At, KeepError, KeepRequest, Kept, ShrinkGuard, find_state, load};
use governance::{FileTimes, SyncReport};
use model::ConnectionKey;
use protos::annotations;
use protos::c1::connector::v2::GrantImmutable;
use sandbox::segment::{SegmentOptions, WorkspaceOptions};
use sandbox::{Fault, FaultRule};
use store::{Actor, InventoryKindStatus};

use crate::rows::Rows;
use crate::truth::Inventory;
use crate::workspace::Workspace;

fn options() -> SegmentOptions {
    SegmentOptions {
        users: 230,
        workspace: WorkspaceOptions { groups: Some(12), ..WorkspaceOptions::default() },
        ..SegmentOptions::default()
    }
}

fn always(path: &str) -> FaultRule {
    FaultRule { times: u64::MAX, ..FaultRule::first("GET", path, Fault::Rate500) }
}

impl Workspace {
    async fn keep(&self) -> Result<(Kept, SyncReport), KeepError> {
        let connection: ConnectionKey = "segment".parse().unwrap();
        let request = KeepRequest {
            store: &self.store,
            connection: &connection,
            guard: ShrinkGuard::On,
            actor: Actor::system(),
        };
        let read = self.begin_soon().await.read(&|_| {}).await.unwrap();
        let kept = read.keep(&request).await;
        let report = match (&kept, read.unfinished()) {
            (Ok((_, report)), _) => report.clone(),
            (Err(_), Some((report, _))) => report,
            (Err(error), None) => panic!("{error}"),
        };
        read.close(&report, None).await.unwrap();
        kept
    }

    async fn kept_rows(&self) -> Rows {
        let connection = "segment".parse().unwrap();
        let state = find_state(&self.store, &connection, &At::Now).await.unwrap().unwrap();
        load(&self.store, &state, Rows::default()).await.unwrap()
    }
}

/// What was reported of all rows, without what follows from it.
fn reported(rows: Rows) -> Inventory {
    let reported = |of: &(protos::c1::connector::v2::Grant, _)| {
        !annotations::contains::<GrantImmutable>(&of.0.annotations)
    };
    let mut rows = rows;
    rows.grants.retain(reported);
    for (grant, _) in &mut rows.grants {
        grant.sources = None;
    }
    Inventory::of_rows(&rows)
}

// rule: architecture §4; acceptance 1
#[tokio::test(flavor = "multi_thread")]
async fn the_inventory_has_every_row_of_a_sync_but_what_follows_from_others() {
    let workspace = Workspace::start(options()).await;

    let (kept, _) = workspace.keep().await.unwrap();
    let (again, _) = workspace.keep().await.unwrap();

    assert!(kept.held.is_none() && !kept.changed.is_empty());
    assert!(
        again.changed.is_empty() && again.written_bytes == 0,
        "the same workspace is the same: {again:?}"
    );
    let (report, rows) = workspace.sync().await;
    let found = workspace.kept_rows().await;
    assert!(found.grants.iter().all(|(grant, _)| grant.sources.is_none()));
    let inherited = report.kinds.iter().map(|kind| kind.grants).sum::<u64>() - found.grants.len() as u64;
    assert!(inherited > 0, "the workspace has grants through groups");
    Inventory::of_rows(&found).assert_equal(&reported(rows.unwrap()));
}

// rule: architecture §4
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_fails_later_leaves_what_was_known_of_it_with_its_time() {
    let workspace = Workspace::start(options()).await;
    workspace.keep().await.unwrap();
    let whole = Inventory::of_rows(&workspace.kept_rows().await);
    workspace.sandbox.set_rules(vec![always("/sources")]);

    let (kept, report) = workspace.keep().await.unwrap();

    assert!(kept.held.is_none() && kept.changed.is_empty(), "{kept:?} {report:#?}");
    Inventory::of_rows(&workspace.kept_rows().await).assert_equal(&whole);
    let connection = "segment".parse().unwrap();
    let state = find_state(&workspace.store, &connection, &At::Now).await.unwrap().unwrap();
    let of = |kind: &str| state.head.kinds.iter().find(|known| known.kind == kind).unwrap();
    let (source, user) = (of("source"), of("user"));
    assert_eq!(
        (source.status, user.status),
        (InventoryKindStatus::Incomplete, InventoryKindStatus::Complete)
    );
    assert!(source.as_of < user.as_of, "{source:?} {user:?}");
}

// rule: architecture §4
#[tokio::test(flavor = "multi_thread")]
async fn without_users_nothing_comes_into_force() {
    let workspace = Workspace::start(options()).await;
    workspace.keep().await.unwrap();
    let whole = Inventory::of_rows(&workspace.kept_rows().await);
    workspace.sandbox.set_rules(vec![always("/users")]);

    let refused = workspace.keep().await.unwrap_err();

    assert!(matches!(&refused, KeepError::Unfinished { why } if why.contains("`user`")), "{refused}");
    Inventory::of_rows(&workspace.kept_rows().await).assert_equal(&whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn file_and_inventory_come_of_the_same_rows() {
    // The report is about a kind more than the connector file: grants name it.
    let unlisted = WorkspaceOptions { unknown_kinds_every: 4, ..WorkspaceOptions::default() };
    let workspace =
        Workspace::start(SegmentOptions { workspace: unlisted, ..SegmentOptions::default() }).await;
    let connection: ConnectionKey = "segment".parse().unwrap();
    let request = KeepRequest {
        store: &workspace.store,
        connection: &connection,
        guard: ShrinkGuard::On,
        actor: Actor::system(),
    };
    let folder = tempfile::tempdir().unwrap();
    let times = FileTimes::Fixed("2026-01-01T00:00:00Z".parse().unwrap());
    let [one, two] = ["one.c1z", "two.c1z"].map(|name| folder.path().join(name));

    let read = workspace.begin().await.unwrap().read(&|_| {}).await.unwrap();
    let (_, report) = read.write_and_keep((&one, times), &request).await.unwrap();
    let plain = read.write(&two, times).await.unwrap();
    read.close(&report, None).await.unwrap();

    assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap());
    assert_eq!(report, plain);
    let rows = workspace.kept_rows().await;
    let limits = c1z::Limits::default();
    let reader = c1z::Reader::open(&one, Some(folder.path()), &limits).unwrap();
    let run = reader.full_runs()[0];
    assert!(report.kinds.iter().any(|kind| kind.kind == "journey"), "{report:?}");
    let actions = format!(r#""completed_actions_count":{}"#, report.kinds.len());
    assert!(run.token.contains(&actions), "{}", run.token);
    let everything = c1z::Filter::default();
    let resources = reader.rows::<protos::c1::connector::v2::Resource>(run, &everything).count();
    assert_eq!(rows.resources.len(), resources);
}
