use std::path::Path;

use c1z::{DeclaredLength, Explorer, Filter, Limits, ReadError, Reader};
use protos::c1::connector::v2::{Entitlement, Grant, Resource, ResourceType};
use rstest::rstest;

use crate::directory::{Directory, SYNC_ID};
use crate::plain::{OLD_TABLES, file_of, old_run, open, pack};

/// Reads everything in a file, in every way there is.
pub(crate) fn read_all(reader: &Reader) -> Result<(), ReadError> {
    let all = Filter::default();
    for run in reader.runs() {
        reader.rows::<ResourceType>(run, &all).try_for_each(|row| row.map(drop))?;
        reader.rows::<Resource>(run, &all).try_for_each(|row| row.map(drop))?;
        reader.rows::<Entitlement>(run, &all).try_for_each(|row| row.map(drop))?;
        reader.rows::<Grant>(run, &all).try_for_each(|row| row.map(drop))?;
        let explorer = Explorer::new(reader, run);
        explorer.grants(&all).try_for_each(|row| row.map(drop))?;
        explorer.counts()?;
        explorer.check()?;
    }
    Ok(())
}

fn opened(path: &Path) -> Result<(), ReadError> {
    open(path).and_then(|reader| read_all(&reader))
}

fn made(sql: &str) -> Result<(), ReadError> {
    let folder = tempfile::tempdir().unwrap();
    opened(&file_of(folder.path(), sql))
}

/// baton F-1, F-2
#[test]
fn an_empty_or_missing_file_is_an_empty_store_and_others_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.c1z");

    assert!(open(&path).unwrap().runs().is_empty());
    std::fs::write(&path, b"").unwrap();
    assert!(open(&path).unwrap().runs().is_empty());
    for foreign in [&b"C1Z"[..], b"C1ZF", b"SQLite format 3\0", b"C1ZG\0aaaaaaaa"] {
        std::fs::write(&path, foreign).unwrap();
        let error = open(&path).unwrap_err();
        assert!(error.to_string().starts_with("c1z: invalid file"), "{error}");
    }
    std::fs::write(&path, b"C1ZF\0").unwrap();
    assert!(matches!(open(&path), Err(ReadError::NotDatabase | ReadError::Unpack { .. })));
    assert!(matches!(open(&pack(folder.path(), b"no database")), Err(ReadError::NotDatabase)));
}

/// baton V-2: length 0x5A91, then the engine's name.
#[test]
fn a_file_of_version_3_is_named_with_its_engine_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.c1z");
    let mut bytes = b"C1Z3\0\0\0\0\x0b\x0a\x07pebble3\x10\x18".to_vec();
    std::fs::write(&path, &bytes).unwrap();

    let text = open(&path).unwrap_err().to_string();
    assert!(
        text.contains("engine `pebble3`, schema 24") && text.contains("--storage-engine sqlite"),
        "{text}"
    );

    for (at, value) in [(5, 0xff), (8, 0xff), (9, 0xff)] {
        let mut broken = bytes.clone();
        broken[at] = value;
        std::fs::write(&path, broken).unwrap();
        assert!(matches!(open(&path), Err(ReadError::Manifest { .. })));
    }
    bytes.truncate(7);
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(open(&path), Err(ReadError::Manifest { .. })));
}

/// baton F-3, F-4, F-7
#[test]
fn several_frames_are_one_database_and_a_log_that_is_not_there_is_not_missed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.c1z");
    Directory::small().write(&path);
    let bytes = std::fs::read(&path).unwrap();
    let mut database = zstd::decode_all(bytes.get(5..).unwrap()).unwrap();
    database[18] = 2;
    database[19] = 2;
    let mut frames = b"C1ZF\0".to_vec();
    for part in database.chunks(10_000) {
        // Frames of the streaming kind tell no length.
        frames.extend(zstd::encode_all(part, 3).unwrap());
    }
    std::fs::write(&path, &frames).unwrap();

    let reader = open(&path).unwrap();

    assert_eq!(crate::round_trip::read(&reader, SYNC_ID), Directory::small());
    frames.extend(b"more");
    std::fs::write(&path, frames).unwrap();
    assert!(matches!(open(&path), Err(ReadError::Unpack { .. })), "what follows is no frame");
}

/// baton F-4: with and without a length that the file tells.
#[test]
fn a_bomb_is_unpacked_up_to_the_limit_and_not_at_all_if_it_tells_its_size() {
    let folder = tempfile::tempdir().unwrap();
    let working = tempfile::tempdir().unwrap();
    let mut zeros = b"SQLite format 3\0".to_vec();
    zeros.resize(64 << 20, 0);
    let limits = Limits { decoded_bytes: 1 << 20, ..Limits::default() };
    let path = pack(folder.path(), &zeros);
    assert!(path.metadata().unwrap().len() < 20_000);
    let streamed = Reader::open(&path, Some(working.path()), &limits).unwrap_err();

    let mut told = b"C1ZF\0".to_vec();
    told.extend(zstd::bulk::compress(&zeros, 3).unwrap());
    std::fs::write(&path, told).unwrap();
    let told = Reader::open(&path, Some(working.path()), &limits).unwrap_err();
    let ignored = Limits { declared: DeclaredLength::Ignored, ..limits };
    let ignored = Reader::open(&path, Some(working.path()), &ignored).unwrap_err();

    for error in [streamed, told, ignored] {
        assert!(matches!(error, ReadError::TooLarge { most, .. } if most == 1 << 20), "{error}");
    }
    assert_eq!(std::fs::read_dir(working.path()).unwrap().count(), 0, "nothing is left behind");
}

/// baton F-4: a window that would take more memory than allowed.
#[test]
fn a_window_above_the_limit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.c1z");
    let mut encoder = zstd::Encoder::new(b"C1ZF\0".to_vec(), 3).unwrap();
    encoder.window_log(24).unwrap();
    std::io::Write::write_all(&mut encoder, &vec![7; 32 << 20]).unwrap();
    std::fs::write(&path, encoder.finish().unwrap()).unwrap();

    let limits = Limits { window_bytes: 8 << 20, ..Limits::default() };

    assert!(matches!(Reader::open(&path, None, &limits), Err(ReadError::Unpack { .. })));
}

/// Things in the place of tables. None of them is read from.
#[rstest]
#[case::view("DROP TABLE v1_grants; CREATE VIEW v1_grants AS SELECT 1 AS id, zeroblob(900000000) AS data;")]
#[case::endless_view(
    "DROP TABLE v1_grants; CREATE VIEW v1_grants AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n;"
)]
#[case::missing("DROP TABLE v1_grants;")]
#[case::index_only("DROP TABLE v1_grants; CREATE TABLE other (a); CREATE INDEX v1_grants ON other (a);")]
#[case::generated(
    "DROP TABLE v1_sync_runs; CREATE TABLE v1_sync_runs (id integer primary key, sync_id text, started_at text, ended_at text, sync_token text AS (zeroblob(60000000)));"
)]
#[case::no_column("ALTER TABLE v1_resources DROP COLUMN external_id;")]
#[case::no_number(
    "DROP TABLE v1_resource_types; CREATE TABLE v1_resource_types (id text, external_id text, data blob, sync_id text);"
)]
#[case::virtual_table("DROP TABLE v1_grants; CREATE VIRTUAL TABLE v1_grants USING fts5(a);")]
fn what_is_no_table_of_rows_is_refused(#[case] change: &str) {
    let error = made(&format!("{OLD_TABLES}{}{change}", old_run())).unwrap_err();

    assert!(matches!(error, ReadError::NotTable { .. } | ReadError::Column { .. }), "{error:?}");
    assert!(error.to_string().contains("v1_"), "{error}");
}

#[rstest]
#[case::text_for_bytes("'not bytes'", "bytes")]
#[case::number_for_bytes("17", "bytes")]
#[case::nothing("NULL", "bytes")]
#[case::no_message("x'ffffff'", "Resource")]
#[case::nested_for_ever("zeroblob(5000000)", "larger")]
fn a_content_that_is_none_names_its_table_and_row(#[case] data: &str, #[case] told: &str) {
    let insert = format!(
        "DROP TABLE v1_resources; CREATE TABLE v1_resources (id integer primary key, resource_type_id, external_id, \
         parent_resource_type_id, parent_resource_id, data, sync_id, discovered_at); \
         INSERT INTO v1_resources VALUES (7, 'user', 'user:ana', NULL, NULL, {data}, '{SYNC_ID}', '');"
    );

    let text = made(&format!("{OLD_TABLES}{}{insert}", old_run())).unwrap_err().to_string();

    assert!(text.contains("row 7 of `v1_resources`") && text.contains(told), "{text}");
}

/// Triggers, checks and defaults that would do something if anything was written or believed.
#[test]
fn what_a_schema_would_do_on_a_write_never_happens() {
    let sql = format!(
        "{OLD_TABLES}{} CREATE TRIGGER boom AFTER INSERT ON v1_grants BEGIN DELETE FROM v1_sync_runs; END; \
         CREATE INDEX slow ON v1_grants (hex(data)); CREATE TABLE pragma_table_xinfo (name, type, pk, hidden);",
        old_run()
    );

    made(&sql).unwrap();
}

/// Every table of this file is the same page again and again: far more rows than bytes.
#[test]
fn pages_that_stand_in_many_places_do_not_keep_a_reader_busy() {
    let folder = tempfile::tempdir().unwrap();
    let sql = format!(
        "{OLD_TABLES}{} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) \
         INSERT INTO v1_resource_types SELECT i, 't' || i, x'', '{SYNC_ID}', '2026-11-22 05:25:11' FROM n;",
        old_run()
    );
    let path = file_of(folder.path(), &sql);
    let bytes = std::fs::read(&path).unwrap();
    let mut database = zstd::decode_all(bytes.get(5..).unwrap()).unwrap();
    // The inner page of the table, found by its kind and its many cells: all its children become the first one.
    let page = database.chunks(4096).position(|page| page[0] == 5 && page[4] > 10).unwrap() * 4096;
    let cells = usize::from(database[page + 4]);
    let first = usize::from(u16::from_be_bytes([database[page + 12], database[page + 13]]));
    let child: [u8; 4] = database[page + first..page + first + 4].try_into().unwrap();
    for cell in 0..cells {
        let at = page + 12 + 2 * cell;
        let start = page + usize::from(u16::from_be_bytes([database[at], database[at + 1]]));
        database[start..start + 4].copy_from_slice(&child);
    }

    let error = opened(&pack(folder.path(), &database)).unwrap_err();

    assert!(matches!(error, ReadError::Rows { .. } | ReadError::Database { .. }), "{error:?}");
}

/// Characters with two bytes in the file and three once they are read do what pages do that belong to many rows.
#[test]
fn texts_that_are_more_than_the_file_holds_are_not_taken_into_memory() {
    let folder = tempfile::tempdir().unwrap();
    let long = "replace(hex(zeroblob(50000)), '0', '語')";
    let sql = format!(
        "PRAGMA encoding = 'UTF-16'; {OLD_TABLES}{} \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8) \
         INSERT INTO v1_grants SELECT i, 'group', 'g1', 'e', 'user', 'u' || i, {long} || i, x'', '{SYNC_ID}', '' FROM n;",
        old_run()
    );
    let reader = open(&file_of(folder.path(), &sql)).unwrap();
    let run = &reader.runs()[0];
    let all = Filter::default();

    let by_content = reader.rows::<Grant>(run, &all).try_for_each(|row| row.map(drop)).unwrap_err();
    let by_columns = Explorer::new(&reader, run).check().unwrap_err();

    for error in [by_content, by_columns] {
        assert!(matches!(error, ReadError::Rows { .. }), "{error:?}");
    }
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.c1z");
    Directory::small().write(&path);
    let whole = std::fs::read(&path).unwrap();

    for length in (1..whole.len()).step_by(512).chain(whole.len() - 8..whole.len()) {
        std::fs::write(&path, whole.get(..length).unwrap()).unwrap();

        assert!(open(&path).is_err(), "{length} of {} bytes", whole.len());
    }
}

#[cfg(unix)]
#[test]
fn the_unpacked_rows_are_seen_by_nobody_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let working = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.c1z");
    Directory::small().write(&path);
    let before = std::fs::read(&path).unwrap();

    let reader = Reader::open(&path, Some(working.path()), &Limits::default()).unwrap();

    assert_eq!(std::fs::read_dir(working.path()).unwrap().count(), 0, "its name is gone while it is read");
    read_all(&reader).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), before);
}
