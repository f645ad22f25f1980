use std::path::{Path, PathBuf};

use c1z::{Limits, NewRun, RunEnd, SyncType, Writer};
use protos::Ksuid;
use protos::annotations;
use protos::c1::connector::v2::{Entitlement, Grant, GrantExpandable, Resource, ResourceType};
use store::{InventoryKindStatus, InventoryOrigin};

use super::bench::{Bench, Facts};
use super::{DAY, facts};
use crate::inventory::{At, KeepError, ShrinkGuard, keep_file};
use crate::report::{KindReport, KindStatus};
use crate::sink::{SinkError, SyncSink};

struct File(Writer);

impl SyncSink for File {
    fn resource_type(&mut self, row: &ResourceType) -> Result<(), SinkError> {
        self.0.resource_type(row).map_err(SinkError::new)
    }

    fn resource(&mut self, row: &Resource) -> Result<(), SinkError> {
        self.0.resource(row).map_err(SinkError::new)
    }

    fn entitlement(&mut self, row: &Entitlement) -> Result<(), SinkError> {
        self.0.entitlement(row).map_err(SinkError::new)
    }

    fn grant(&mut self, row: &Grant, expandable: Option<&GrantExpandable>) -> Result<(), SinkError> {
        let mut row = row.clone();
        if let Some(expandable) = expandable {
            annotations::append(&mut row.annotations, expandable);
        }
        self.0.grant(&row).map_err(SinkError::new)
    }
}

fn written(bench: &Bench, name: &str, (kinds, facts): (&[&str], &Facts)) -> (PathBuf, String) {
    let path = bench.folder.path().join(name);
    let id = Ksuid::new(bench.now().as_second(), [name.len() as u8; 16]).unwrap().to_string();
    let run = NewRun {
        sync_id: id.clone(),
        started_at: bench.now(),
        sync_type: SyncType::Full,
        parent_sync_id: String::new(),
    };
    let mut file = File(Writer::create(&path, path.parent(), run).unwrap());
    let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    facts.feed(&kinds, &mut file).unwrap();
    file.0.finish(RunEnd { ended_at: bench.now(), actions: 1 }).unwrap();
    (path, id)
}

async fn kept(bench: &Bench, file: &Path, guard: ShrinkGuard) -> Result<super::super::Kept, KeepError> {
    keep_file(&bench.request(guard), (file, &Limits::default()), &[]).await
}

// rule: baton S-24
#[tokio::test(flavor = "multi_thread")]
async fn a_file_becomes_the_inventory_and_what_it_says_follows_from_grants_stays_marked() {
    let bench = Bench::new().await;
    let expanded = facts().inherited(("role", "admin"), ("user", "ana"), ("group", "eng"));
    let (file, id) = written(&bench, "a.c1z", (&["user", "group", "role"], &expanded));

    let first = kept(&bench, &file, ShrinkGuard::On).await.unwrap();
    bench.advance(DAY);
    let again = kept(&bench, &file, ShrinkGuard::On).await.unwrap();

    assert_eq!((again.state.clone(), again.written_bytes), (first.state, 0));
    let mut expected = facts().seen();
    expected.insert("role:admin <- user:ana (told)".to_owned());
    assert_eq!(bench.rows(&At::Now).await, expected);
    let state = bench.state(&At::Now).await.unwrap();
    assert_eq!((state.head.origin, state.head.source), (InventoryOrigin::File, Some(id)));
    assert_eq!(state.head.read_at, bench.now() - DAY, "as of when the file was made");
}

// rule: governance CON-24
// rule: governance CON-28
#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_a_file_leaves_out_is_asked_about_if_it_was_not_little() {
    let names: Vec<String> = (0..20).map(|number| format!("g{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let all = facts().with("group", &names);
    let bench = Bench::new().await;
    let (whole, _) = written(&bench, "whole.c1z", (&["user", "group", "role"], &all));
    let (less, _) = written(&bench, "less.c1z", (&["user", "role"], &all));
    kept(&bench, &whole, ShrinkGuard::On).await.unwrap();

    let held = kept(&bench, &less, ShrinkGuard::On).await.unwrap();
    assert!(held.held.unwrap().to_string().contains("resources of `group`"));
    assert_eq!(bench.rows(&At::Now).await, all.seen());
    let taken = kept(&bench, &less, ShrinkGuard::Off).await.unwrap();
    assert!(taken.held.is_none() && !bench.rows(&At::Now).await.contains("group:eng"));
}

// rule: baton S-24
#[tokio::test(flavor = "multi_thread")]
async fn a_kind_of_a_file_that_could_not_be_believed_stays_as_it_was_and_its_grants_too() {
    let bench = Bench::new().await;
    let (whole, _) = written(&bench, "whole.c1z", (&["user", "group", "role"], &facts()));
    let (less, _) = written(&bench, "less.c1z", (&["user", "role"], &facts()));
    kept(&bench, &whole, ShrinkGuard::On).await.unwrap();
    let before = bench.rows(&At::Now).await;
    let told = KindReport {
        kind: "group".to_owned(),
        status: KindStatus::Incomplete,
        reason: Some("two rows have one id".to_owned()),
        cause: None,
        resources: 0,
        entitlements: 0,
        grants: 0,
    };

    let request = bench.request(ShrinkGuard::Off);
    keep_file(&request, (&less, &Limits::default()), &[told]).await.unwrap();
    let kinds = bench.state(&At::Now).await.unwrap().head.kinds;
    let group = kinds.iter().find(|kind| kind.kind == "group").unwrap();
    assert_eq!(
        (group.status, group.reason.as_deref()),
        (InventoryKindStatus::Incomplete, Some("two rows have one id"))
    );
    assert_eq!(bench.rows(&At::Now).await, before);
    // twin: without a word of it, it is gone.
    kept(&bench, &less, ShrinkGuard::Off).await.unwrap();
    assert_ne!(bench.rows(&At::Now).await, before);
}

// rule: baton S-24
#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_a_result_changes_nothing() {
    let bench = Bench::new().await;
    let (whole, _) = written(&bench, "whole.c1z", (&["user", "group", "role"], &facts()));
    let (empty, _) = written(&bench, "empty.c1z", (&["user"], &Facts::default()));
    let nothing = bench.folder.path().join("nothing.c1z");
    std::fs::write(&nothing, b"").unwrap();
    let cut = bench.folder.path().join("cut.c1z");
    let bytes = std::fs::read(&whole).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    kept(&bench, &whole, ShrinkGuard::On).await.unwrap();

    let said = [
        kept(&bench, &empty, ShrinkGuard::Off).await.unwrap_err(),
        kept(&bench, &nothing, ShrinkGuard::Off).await.unwrap_err(),
        kept(&bench, &cut, ShrinkGuard::Off).await.unwrap_err(),
    ];

    assert!(matches!(said, [KeepError::Empty, KeepError::NoRun, KeepError::File(_)]), "{said:?}");
    assert_eq!(bench.rows(&At::Now).await, facts().seen());
}
