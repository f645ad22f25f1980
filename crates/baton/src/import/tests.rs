use std::path::Path;

use c1z::{NewRun, RunEnd, SyncType, Writer};
use governance::{KindStatus, SinkError, SyncOutcome};
use jiff::Timestamp;
use protos::Ksuid;
use protos::c1::connector::v2::ResourceId;
use rstest::rstest;

use super::*;

const NOW: i64 = 1_795_325_110;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn resource(kind: &str, id: &str) -> Resource {
    let id = ResourceId { resource_type: kind.to_owned(), resource: id.to_owned(), ..ResourceId::default() };
    Resource { id: Some(id), display_name: "Name".to_owned(), ..Resource::default() }
}

fn entitlement(kind: &str, id: &str) -> Entitlement {
    let resource = Some(resource(kind, id));
    Entitlement { id: format!("{kind}:{id}:member"), resource, ..Entitlement::default() }
}

fn grant(of: (&str, &str), to: (&str, &str)) -> Grant {
    Grant {
        id: format!("{}:{}:member:{}:{}", of.0, of.1, to.0, to.1),
        entitlement: Some(entitlement(of.0, of.1)),
        principal: Some(resource(to.0, to.1)),
        ..Grant::default()
    }
}

fn writer(path: &Path, sync_type: SyncType) -> Writer {
    let sync_id = Ksuid::new(NOW, [7; 16]).unwrap().to_string();
    let run = NewRun { sync_id, started_at: now(), sync_type, parent_sync_id: String::new() };
    Writer::create(path, None, run).unwrap()
}

/// A group with two users, and a role that the group holds.
fn write(path: &Path, more: impl FnOnce(&mut Writer)) {
    let mut writer = writer(path, SyncType::Full);
    for kind in ["group", "role", "user"] {
        writer.resource_type(&ResourceType { id: kind.to_owned(), ..ResourceType::default() }).unwrap();
    }
    for (kind, id) in [("group", "g"), ("role", "r"), ("user", "a"), ("user", "b")] {
        writer.resource(&resource(kind, id)).unwrap();
    }
    writer.entitlement(&entitlement("group", "g")).unwrap();
    writer.entitlement(&entitlement("role", "r")).unwrap();
    let mut held = grant(("role", "r"), ("group", "g"));
    let expandable =
        GrantExpandable { entitlement_ids: vec!["group:g:member".to_owned()], ..GrantExpandable::default() };
    annotations::append(&mut held.annotations, &expandable);
    writer.grant(&held).unwrap();
    writer.grant(&grant(("group", "g"), ("user", "a"))).unwrap();
    writer.grant(&grant(("group", "g"), ("user", "b"))).unwrap();
    more(&mut writer);
    writer.finish(RunEnd { ended_at: now(), actions: 1 }).unwrap();
}

fn open(path: &Path) -> Result<ForeignSync, ImportError> {
    ForeignSync::open(path, None, (&Limits::default(), now()))
}

/// Everything that is handed over, in a line each.
#[derive(Default)]
struct Told(Vec<String>);

impl SyncSink for Told {
    fn resource_type(&mut self, row: &ResourceType) -> Result<(), SinkError> {
        self.0.push(format!("kind {}", row.id));
        Ok(())
    }

    fn resource(&mut self, row: &Resource) -> Result<(), SinkError> {
        let id = row.id.as_ref().unwrap();
        self.0.push(format!("{} {}", id.resource_type, id.resource));
        Ok(())
    }

    fn entitlement(&mut self, row: &Entitlement) -> Result<(), SinkError> {
        self.0.push(row.id.clone());
        Ok(())
    }

    fn grant(&mut self, row: &Grant, expandable: Option<&GrantExpandable>) -> Result<(), SinkError> {
        assert!(!annotations::contains::<GrantExpandable>(&row.annotations));
        let extends = expandable.map(|to| to.entitlement_ids.join(",")).unwrap_or_default();
        self.0.push(format!("{} {extends}", row.id));
        Ok(())
    }
}

fn told(sync: &ForeignSync) -> Vec<String> {
    let mut told = Told::default();
    sync.hand_over(&mut told).unwrap();
    told.0
}

const ALL: [&str; 12] = [
    "kind group",
    "kind role",
    "kind user",
    "group g",
    "role r",
    "user a",
    "user b",
    "group:g:member",
    "role:r:member",
    "role:r:member:group:g group:g:member",
    "group:g:member:user:a ",
    "group:g:member:user:b ",
];

#[test]
fn rows_of_a_file_come_with_their_ids_and_counts_and_a_file_of_ours_has_them_all() {
    let folder = tempfile::tempdir().unwrap();
    let (path, own) = (folder.path().join("sync.c1z"), folder.path().join("own.c1z"));
    write(&path, |_| {});

    let sync = open(&path).unwrap();
    let report = sync.write(&own, now()).unwrap();

    assert_eq!(told(&sync), ALL);
    assert_eq!(report.outcome, SyncOutcome::Complete);
    let counts: Vec<_> = report
        .kinds
        .iter()
        .map(|kind| (kind.kind.as_str(), kind.resources, kind.entitlements, kind.grants))
        .collect();
    assert_eq!(counts, [("group", 1, 1, 2), ("role", 1, 1, 1), ("user", 2, 0, 0)]);
    let again = open(&own).unwrap();
    assert_eq!((told(&again), again.report()), (ALL.map(str::to_owned).to_vec(), report));
}

// rule: architecture law 4
#[test]
fn a_kind_with_a_row_that_cannot_be_right_is_incomplete_and_nothing_of_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    write(&path, |writer| {
        // On a group that the file does not have.
        writer.entitlement(&entitlement("group", "gone")).unwrap();
    });

    let sync = open(&path).unwrap();

    let report = sync.report();
    assert_eq!(report.outcome, SyncOutcome::Incomplete);
    let [group, role, user] = &report.kinds[..] else { panic!("{report:?}") };
    assert_eq!(
        (group.status, role.status, user.status),
        (KindStatus::Incomplete, KindStatus::Complete, KindStatus::Complete)
    );
    assert!(group.reason.as_deref().unwrap().contains("an entitlement is on a resource"), "{group:?}");
    assert_eq!(role.reason.as_deref(), Some("1 grants are held by a kind that is incomplete"));
    assert_eq!(told(&sync), ["kind role", "kind user", "role r", "user a", "user b", "role:r:member"]);
}

// rule: baton SG-10: grants on what nobody has ever listed
#[test]
fn grants_without_their_ends_are_left_out_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    write(&path, |writer| {
        writer.grant(&grant(("role", "other"), ("user", "a"))).unwrap();
        writer.grant(&grant(("role", "r"), ("user", "gone"))).unwrap();
        writer.grant(&grant(("function", "f"), ("user", "a"))).unwrap();
    });

    let sync = open(&path).unwrap();

    assert_eq!(told(&sync), ALL);
    let report = sync.report();
    let reasons: Vec<_> = report.kinds.iter().filter_map(|kind| kind.reason.as_deref()).collect();
    assert_eq!(
        reasons,
        [
            "1 rows of the file name no kind, or one that it does not have",
            "2 grants name an entitlement or a principal that the file does not have"
        ]
    );
    assert_eq!(report.outcome, SyncOutcome::Complete);
}

// rule: architecture law 4
#[test]
fn a_grant_that_puts_an_entitlement_on_another_resource_is_left_out_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    write(&path, |writer| {
        let mut astray = grant(("role", "r"), ("user", "a"));
        astray.entitlement.as_mut().unwrap().resource = Some(resource("group", "g"));
        writer.grant(&astray).unwrap();
    });

    let sync = open(&path).unwrap();

    let report = sync.report();
    let [group, role, _] = &report.kinds[..] else { panic!("{report:?}") };
    let missing = "1 grants name an entitlement or a principal that the file does not have";
    assert_eq!((group.reason.as_deref(), role.reason.as_deref()), (Some(missing), None));
    assert_eq!(told(&sync), ALL);
}

// rule: architecture law 4
#[test]
fn a_kind_that_has_rows_and_is_not_introduced_is_incomplete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    write(&path, |writer| {
        writer.resource(&resource("team", "t")).unwrap();
        writer.entitlement(&entitlement("team", "t")).unwrap();
        writer.grant(&grant(("role", "r"), ("team", "t"))).unwrap();
        writer.entitlement(&entitlement("function", "f")).unwrap();
    });

    let sync = open(&path).unwrap();

    let report = sync.report();
    assert_eq!(report.outcome, SyncOutcome::Incomplete);
    let [group, role, _, team] = &report.kinds[..] else { panic!("{report:?}") };
    assert_eq!((team.kind.as_str(), team.status, team.resources), ("team", KindStatus::Incomplete, 0));
    assert!(team.reason.as_deref().unwrap().contains("does not say what it is"), "{team:?}");
    assert_eq!(role.reason.as_deref(), Some("1 grants are held by a kind that is incomplete"));
    assert!(group.reason.as_deref().unwrap().starts_with("1 rows of the file name no kind"), "{group:?}");
    assert_eq!(told(&sync), ALL);
}

// rule: baton R-8, S-23, S-24
#[rstest]
#[case::a_part(SyncType::ResourcesOnly, true)]
#[case::skipped(SyncType::Full, false)]
fn a_sync_that_says_nothing_about_what_it_lacks_is_refused(#[case] kind: SyncType, #[case] has_rows: bool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let mut writer = writer(&path, kind);
    if has_rows {
        writer.resource_type(&ResourceType { id: "user".to_owned(), ..ResourceType::default() }).unwrap();
    }
    writer.finish(RunEnd { ended_at: now(), actions: 1 }).unwrap();

    let refused = open(&path).unwrap_err();

    assert!(
        matches!(refused, ImportError::NotWhole { .. } | ImportError::Empty { .. } | ImportError::Read(_)),
        "{refused}"
    );
}

#[rstest]
#[case::cut_off(|bytes: &[u8]| bytes[..bytes.len() / 2].to_vec())]
#[case::another_version(|bytes: &[u8]| [b"C1Z3\0", &bytes[5..]].concat())]
#[case::something_else(|_: &[u8]| b"PK\x03\x04 and more".to_vec())]
#[case::nothing(|_: &[u8]| Vec::new())]
fn a_file_that_is_damaged_or_another_is_refused(#[case] damage: fn(&[u8]) -> Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    write(&path, |_| {});
    let damaged = damage(&std::fs::read(&path).unwrap());
    std::fs::write(&path, damaged).unwrap();

    assert!(matches!(open(&path), Err(ImportError::Read(_))));
}
