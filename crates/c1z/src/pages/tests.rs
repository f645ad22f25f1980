use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use proptest::prelude::*;
use rstest::rstest;
use rusqlite::Connection;

use super::page_file::{LOCK_PAGE, PAGE_BYTES};
use super::*;

const LAYOUT: [TableLayout; 2] = [
    TableLayout {
        name: "thing",
        sql: "CREATE TABLE thing (id integer primary key, name text not null, parent text, count integer not null, data blob not null)",
        indexes: &[
            Index {
                name: "thing_name",
                sql: "CREATE UNIQUE INDEX thing_name on thing (name)",
                columns: &[0],
                entries: Entries::Unique,
            },
            Index {
                name: "thing_parent",
                sql: "CREATE INDEX thing_parent on thing (parent, name)",
                columns: &[1, 0],
                entries: Entries::Rows,
            },
            Index {
                name: "thing_id",
                sql: "CREATE INDEX thing_id on thing (parent, id)",
                columns: &[1],
                entries: Entries::RowsWithId,
            },
            Index {
                name: "thing_count",
                sql: "CREATE INDEX thing_count on thing (name) where count <> 0",
                columns: &[0],
                entries: Entries::RowsWith(2),
            },
        ],
    },
    TableLayout {
        name: "empty",
        sql: "CREATE TABLE empty (id integer primary key, name text not null)",
        indexes: &[],
    },
];

static LAYOUTS: &[TableLayout] = &LAYOUT;

type Row = (String, Option<String>, i64, Vec<u8>);

fn written(rows: &[Row]) -> (tempfile::TempDir, Connection, usize) {
    let mut database = Database::create(LAYOUTS, None).unwrap();
    for (name, parent, count, data) in rows {
        let parent = parent.as_deref().map_or(Field::Null, Field::Text);
        database.insert(0, &[Field::Text(name), parent, Field::Integer(*count), Field::Blob(data)]).unwrap();
    }
    let mut sealed = database.finish().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    sealed.write_plain(&mut std::fs::File::create(&path).unwrap()).unwrap();
    assert_told_length(&path);
    (folder, Connection::open(path).unwrap(), sealed.twice.iter().map(|(_, rows)| rows.len()).sum())
}

/// The first page tells how many there are.
fn assert_told_length(path: &std::path::Path) {
    let (mut file, mut told) = (std::fs::File::open(path).unwrap(), [0; 4]);
    file.seek(SeekFrom::Start(28)).unwrap();
    file.read_exact(&mut told).unwrap();
    assert_eq!(file.metadata().unwrap().len(), u64::from(u32::from_be_bytes(told)) * PAGE_BYTES as u64);
}

fn integrity(connection: &Connection) -> String {
    connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
}

fn read(connection: &Connection) -> Vec<Row> {
    let mut statement =
        connection.prepare("SELECT name, parent, count, data FROM thing ORDER BY id").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

#[rstest]
fn sqlite_finds_nothing_wrong_and_the_same_rows_whatever_their_number(
    #[values(0, 1, 2, 9, 100, 431, 5_000)] rows: usize,
    #[values(0, 3, 300, 1_010, 4_050, 4_070, 9_000)] bytes: usize,
) {
    if rows * bytes > 20_000_000 {
        return;
    }
    let rows: Vec<Row> = (0..rows)
        .map(|row| {
            // Names in no order, some longer than an index page takes.
            let name = format!("{:05}{}", (row * 7_919) % 100_003, "x".repeat(bytes % 1_500));
            let parent = (row % 3 > 0).then(|| format!("p{}", row % 7));
            let data = vec![row as u8; bytes];
            (name, parent, [0, 1, -1, 300, 70_000, 1 << 40][row % 6], data)
        })
        .collect();

    let (_folder, connection, twice) = written(&rows);

    assert_eq!(integrity(&connection), "ok");
    assert_eq!(read(&connection), rows);
    assert_eq!(twice, 0);
}

/// Every number of entries around the borders of pages: the last page is never empty.
#[test]
fn the_last_pages_of_an_index_are_sound_for_every_number_of_entries() {
    let mut rows: Vec<Row> = Vec::new();
    for row in 0..90 {
        rows.push((format!("{row:0>900}"), None, 1, vec![0; 500]));

        let (_folder, connection, _) = written(&rows);

        assert_eq!(integrity(&connection), "ok", "{row}");
    }
}

#[test]
fn more_keys_than_memory_takes_are_sorted_on_disk() {
    let rows: Vec<Row> = (0_u64..60_000)
        .map(|row| (format!("{:0>200}", row.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 3), None, 0, vec![1]))
        .collect();

    let (_folder, connection, _) = written(&rows);

    assert_eq!(integrity(&connection), "ok");
    let by_index: i64 = connection
        .query_row("SELECT count(*) FROM thing INDEXED BY thing_name WHERE name > ''", [], |row| row.get(0))
        .unwrap();
    assert_eq!(by_index, 60_000);
}

/// The pages before are left out: a real database of that size would take a gibibyte of disk.
#[rstest]
fn a_database_beyond_one_gibibyte_leaves_out_the_page_by_which_sqlite_locks(
    #[values(2, 3, 4, 5, 6, 7)] before: u32,
) {
    let rows: Vec<Row> = (0_u8..40).map(|row| (format!("{row:0>700}"), None, 1, vec![row; 9_000])).collect();
    let start = LOCK_PAGE - before;
    let mut database = Database::create(LAYOUTS, None).unwrap();
    database.skip_to(start);
    for (name, _, count, data) in &rows {
        let fields = [Field::Text(name), Field::Null, Field::Integer(*count), Field::Blob(data)];
        database.insert(0, &fields).unwrap();
    }
    let mut sealed = database.finish().unwrap();
    let (first, rest) = sealed.parts();
    let written_from = SeekFrom::Start(u64::from(start) * PAGE_BYTES as u64);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(first).unwrap();
    file.seek(written_from).unwrap();
    std::io::copy(&mut rest.read().unwrap(), &mut file).unwrap();
    drop(file);

    let connection = Connection::open(&path).unwrap();

    assert_told_length(&path);
    assert!(read(&connection) == rows, "the rows differ");
    let by_index: i64 = connection
        .query_row("SELECT count(*) FROM thing INDEXED BY thing_name WHERE name > ''", [], |row| row.get(0))
        .unwrap();
    assert_eq!(by_index, 40);
}

/// The twin of the tests above: a key in the wrong place is something SQLite does find.
#[test]
fn sqlite_would_find_rows_that_are_named_twice() {
    let row = |name: &str| (name.to_owned(), None, 0, vec![1]);

    let (_folder, connection, twice) = written(&[row("a"), row("b"), row("a"), row("a")]);

    assert_eq!(twice, 2);
    assert_ne!(integrity(&connection), "ok");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_texts_and_bytes_come_back(rows in proptest::collection::btree_map("[^\0]{0,40}", (proptest::option::of("[^\0]{0,9}"), any::<i64>(), proptest::collection::vec(any::<u8>(), 0..50)), 0..200)) {
        let rows: Vec<Row> = rows.into_iter().map(|(name, (parent, count, data))| (name, parent, count, data)).collect();
        let (_folder, connection, _) = written(&rows);
        prop_assert_eq!(integrity(&connection), "ok");
        prop_assert_eq!(read(&connection), rows);
    }
}
