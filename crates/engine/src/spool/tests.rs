use model::{RandomIds, Row};
use proptest::prelude::*;
use serde_json::json;
use testkit::Canary;

use super::*;
use crate::RowsError;

fn address() -> CollectionAddress {
    CollectionAddress::new("shop", "orders")
}

fn is_changed<T>(read: &Result<T, RowsError>) -> bool {
    matches!(read, Err(RowsError::Spool(error)) if matches!(**error, SpoolError::Changed { .. }))
}

fn folder(parent: &Path) -> Arc<SpoolFolder> {
    SpoolFolder::create(parent, RunId::new(&RandomIds)).unwrap()
}

fn row(value: &str) -> Row {
    json!({"value": value, "long": 1.10}).as_object().unwrap().clone()
}

fn values(rows: &SealedRows) -> Vec<String> {
    let pages: Result<Vec<_>, _> = rows.pages().collect();
    pages.unwrap().into_iter().flatten().map(|row| row["value"].as_str().unwrap().to_owned()).collect()
}

fn stored_file(parent: &Path) -> PathBuf {
    let folder = std::fs::read_dir(parent).unwrap().next().unwrap().unwrap().path();
    std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path()
}

#[test]
fn nothing_readable_reaches_the_disk_and_nothing_stays() {
    let canary = Canary::new("spool");
    let parent = tempfile::tempdir().unwrap();
    let writer = SpoolWriter::new(&folder(parent.path()), &address(), 0);

    writer.append(PagePlace { unit: 0, page: 0 }, &RowLines::of(&[row(&canary.personal)])).unwrap();
    let on_disk = std::fs::read(stored_file(parent.path())).unwrap();
    let rows = writer.finish();

    canary.assert_absent([&on_disk]);
    assert_eq!(values(&rows), [canary.personal]);
    drop(rows);
    assert_eq!(
        std::fs::read_dir(parent.path()).unwrap().count(),
        0,
        "the last rows take the folder with them"
    );
}

#[cfg(unix)]
#[test]
fn folder_and_file_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let writer = SpoolWriter::new(&folder(parent.path()), &address(), 0);

    writer.append(PagePlace { unit: 0, page: 0 }, &RowLines::of(&[row("a")])).unwrap();

    let file = stored_file(parent.path());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().unwrap()), 0o700);
}

#[test]
fn a_page_that_was_changed_on_disk_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let writer = SpoolWriter::new(&folder(parent.path()), &address(), 0);
    writer.append(PagePlace { unit: 0, page: 0 }, &RowLines::of(&[row("a")])).unwrap();
    let file = stored_file(parent.path());
    let mut bytes = std::fs::read(&file).unwrap();

    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();

    let read = writer.finish().pages().next().unwrap();
    assert!(is_changed(&read), "{read:?}");
}

#[test]
fn a_page_in_the_place_of_another_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let writer = SpoolWriter::new(&folder(parent.path()), &address(), 0);
    writer.append(PagePlace { unit: 0, page: 0 }, &RowLines::of(&[row("a")])).unwrap();
    writer.append(PagePlace { unit: 1, page: 0 }, &RowLines::of(&[row("b")])).unwrap();
    let file = stored_file(parent.path());
    let bytes = std::fs::read(&file).unwrap();

    let (first, second) = bytes.split_at(bytes.len() / 2);
    std::fs::write(&file, [second, first].concat()).unwrap();

    let read = writer.finish().pages().next().unwrap();
    assert!(is_changed(&read), "both pages are as long, and sealed under one key");
}

#[test]
fn rows_that_vanished_are_an_error_and_not_an_empty_list() {
    let parent = tempfile::tempdir().unwrap();
    let writer = SpoolWriter::new(&folder(parent.path()), &address(), 0);
    writer.append(PagePlace { unit: 0, page: 0 }, &RowLines::of(&[row("a")])).unwrap();

    std::fs::remove_file(stored_file(parent.path())).unwrap();

    let read = writer.finish().pages().next().unwrap();
    assert!(
        matches!(&read, Err(RowsError::Spool(error)) if matches!(**error, SpoolError::Read { .. })),
        "{read:?}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_as_such() {
    let parent = tempfile::tempdir().unwrap();
    let writer = SpoolWriter::new(&folder(parent.path()), &address(), 0);
    // The device that is always full takes the place of the file.
    writer.state.lock().unwrap().file = Some(File::options().write(true).open("/dev/full").unwrap());

    let error = writer.append(PagePlace { unit: 0, page: 0 }, &RowLines::of(&[row("a")])).unwrap_err();

    assert!(matches!(error, SpoolError::DiskFull { .. }), "{error:?}");
    assert!(
        error.to_string().contains("no room left") && error.to_string().contains("shop:orders"),
        "{error}"
    );
    assert!(writer.finish().is_empty(), "a page that was not stored is not counted");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let parent = tempfile::NamedTempFile::new().unwrap();

    let error = SpoolFolder::create(parent.path(), RunId::new(&RandomIds)).unwrap_err();

    assert!(error.to_string().contains(&parent.path().display().to_string()), "{error}");
}

proptest! {
    #[test]
    fn rows_come_in_order_of_unit_and_page_whatever_order_they_were_stored_in(
        places in proptest::collection::btree_set((0usize..5, 0usize..5), 1..12)
            .prop_flat_map(|places| Just(places.into_iter().collect::<Vec<_>>()).prop_shuffle()),
    ) {
        let parent = tempfile::tempdir().unwrap();
        let writer = SpoolWriter::new(&folder(parent.path()), &address(), 0);

        for (unit, page) in &places {
            writer.append(PagePlace { unit: *unit, page: *page }, &RowLines::of(&[row(&format!("{unit}.{page}"))])).unwrap();
        }
        let rows = writer.finish();

        let mut expected = places.clone();
        expected.sort_unstable();
        let expected: Vec<_> = expected.iter().map(|(unit, page)| format!("{unit}.{page}")).collect();
        prop_assert_eq!(values(&rows), expected);
        prop_assert_eq!(rows.len(), places.len() as u64);
    }
}
