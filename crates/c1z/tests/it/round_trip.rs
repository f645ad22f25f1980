use c1z::{Filter, Page, PageStart, Reader, RunChoice, Stored};
use protos::c1::connector::v2::{Entitlement, Grant, Resource, ResourceType};

use crate::directory::{Directory, LATER_SYNC_ID, SYNC_ID, end, grant, new_run};
use crate::plain::open;

pub(crate) fn rows<T: Stored>(reader: &Reader, sync_id: &str) -> Vec<T> {
    let run = reader.run(&RunChoice::Named(sync_id.to_owned())).unwrap();
    reader.rows::<T>(run, &Filter::default()).collect::<Result<_, _>>().unwrap()
}

pub(crate) fn read(reader: &Reader, sync_id: &str) -> Directory {
    Directory {
        types: rows::<ResourceType>(reader, sync_id),
        resources: rows::<Resource>(reader, sync_id),
        entitlements: rows::<Entitlement>(reader, sync_id),
        grants: rows::<Grant>(reader, sync_id),
    }
}

/// baton DB-7: `GrantExpandable` is kept apart and comes back.
#[test]
fn what_is_written_is_read_with_expandable_grants_and_sources() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let directory = Directory::small();

    let written = directory.write(&path);
    let reader = open(&path).unwrap();

    assert_eq!(read(&reader, SYNC_ID), directory);
    let [run] = reader.runs() else { panic!("one run") };
    assert!(run.finished);
    assert_eq!(run.statistics.as_ref(), Some(&written.statistics));
    assert_eq!(written.statistics.grants_by_resource_type["group"], 4);
    assert_eq!(run.token, r#"{"current_action_id":7,"completed_actions_count":7,"version":1}"#);
}

/// baton DB-10
#[test]
fn a_page_tells_the_row_at_which_the_next_one_begins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    Directory::small().write(&path);
    let reader = open(&path).unwrap();
    let run = reader.run(&RunChoice::Named(SYNC_ID.to_owned())).unwrap();

    let all = Filter::default();
    let first: Page<Grant> = reader.page(run, &all, PageStart { token: 0, size: 3 }).unwrap();
    let second: Page<Grant> =
        reader.page(run, &all, PageStart { token: first.next.unwrap(), size: 3 }).unwrap();

    assert_eq!((first.rows.len(), first.next), (3, Some(4)));
    assert_eq!((second.rows.len(), second.next), (1, None));
    let of_user = Filter { principal: Some(("user".to_owned(), "ana".to_owned())), ..Filter::default() };
    let of_user: Page<Grant> = reader.page(run, &of_user, PageStart { token: 0, size: 0 }).unwrap();
    assert_eq!(of_user.rows.len(), 2);
}

/// baton R-5: a file that is written again keeps earlier runs beside the new one.
#[test]
fn an_earlier_run_goes_along_and_stays_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let old = Directory::small();
    old.write(&path);
    let mut new = Directory::small();
    new.grants.push(grant("ops", "user", "bo"));

    let reader = open(&path).unwrap();
    let mut writer = c1z::Writer::create(&path, None, new_run(LATER_SYNC_ID)).unwrap();
    writer.keep(&reader, &reader.runs()[0]).unwrap();
    new.put(&mut writer);
    writer.finish(end()).unwrap();
    let reader = open(&path).unwrap();

    assert_eq!(read(&reader, SYNC_ID), old);
    assert_eq!(read(&reader, LATER_SYNC_ID), new);
    assert_eq!(
        reader.full_runs().iter().map(|run| run.id.as_str()).collect::<Vec<_>>(),
        [LATER_SYNC_ID, SYNC_ID]
    );
    let counts: Vec<u64> = reader.runs().iter().map(|run| run.statistics.as_ref().unwrap().grants).collect();
    assert_eq!(counts, [4, 5]);
}

/// The same content at the same time has the same id: such a file is written over itself and holds its run once.
#[test]
fn a_run_is_not_kept_beside_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    Directory::small().write(&path);
    let reader = open(&path).unwrap();
    let mut writer = c1z::Writer::create(&path, None, new_run(SYNC_ID)).unwrap();

    writer.keep(&reader, &reader.runs()[0]).unwrap();
    Directory::small().put(&mut writer);
    writer.finish(end()).unwrap();

    let reader = open(&path).unwrap();
    assert_eq!(reader.runs().len(), 1);
    assert_eq!(read(&reader, SYNC_ID), Directory::small());
}

/// The twin of the test above: forgetting the run in the key of a row would mix the two.
#[test]
fn the_same_ids_in_two_runs_are_two_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    Directory::small().write(&path);
    let reader = open(&path).unwrap();
    let mut writer = c1z::Writer::create(&path, None, new_run(LATER_SYNC_ID)).unwrap();
    writer.keep(&reader, &reader.runs()[0]).unwrap();

    writer.finish(end()).unwrap();

    assert_eq!(read(&open(&path).unwrap(), LATER_SYNC_ID), Directory::default());
}
