use std::path::Path;

use c1z::{Expansion, GrantRow, RunChoice, WriteError, Writer};
use protos::c1::connector::v2::Grant;
use rusqlite::Connection;

use crate::directory::{Directory, ENDED, SYNC_ID, end, grant, group, member, new_run};
use crate::plain::open;
use crate::round_trip::{read, rows};

/// The database in a file, opened by SQLite.
fn database(path: &Path, folder: &Path) -> Connection {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(bytes.get(..9).unwrap(), b"C1ZF\0\x28\xb5\x2f\xfd", "baton V-1");
    let unpacked = folder.join("unpacked.db");
    std::fs::write(&unpacked, zstd::decode_all(bytes.get(5..).unwrap()).unwrap()).unwrap();
    Connection::open(unpacked).unwrap()
}

fn one<T: rusqlite::types::FromSql>(connection: &Connection, sql: &str) -> T {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// baton DB-1, DB-2, DB-5, F-7
#[test]
fn sqlite_finds_the_tables_indexes_and_times_of_the_newest_layout() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    Directory::small().write(&path);

    let connection = database(&path, folder.path());

    assert_eq!(one::<String>(&connection, "PRAGMA integrity_check"), "ok");
    assert_eq!(one::<i64>(&connection, "PRAGMA page_size"), 4096);
    assert_eq!(one::<i64>(&connection, "PRAGMA user_version"), 0);
    assert_eq!(one::<i64>(&connection, "PRAGMA application_id"), 0);
    assert_eq!(one::<String>(&connection, "PRAGMA encoding"), "UTF-8");
    let mut statement =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'index' ORDER BY name").unwrap();
    let names: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(
        names,
        [
            "idx_assets_external_sync_v1",
            "idx_entitlements_external_sync_v1",
            "idx_entitlements_resource_id_v1",
            "idx_grants_entitlement_id_principal_id_v1",
            "idx_grants_entitlement_sync_grant_v1",
            "idx_grants_external_sync_v1",
            "idx_grants_principal_id_v1",
            "idx_grants_resource_type_id_resource_id_v1",
            "idx_grants_sync_expansion_v1",
            "idx_grants_sync_needs_expansion_v1",
            "idx_resource_types_external_sync_v1",
            "idx_resources_external_sync_v1",
            "idx_resources_parent_resource_id_v1",
            "idx_resources_resource_type_id_v1",
            "idx_session_store_sync_key_v1",
            "idx_sync_runs_sync_id_v1",
        ]
    );
    assert_eq!(
        one::<String>(&connection, "SELECT started_at FROM v1_sync_runs"),
        "2026-11-22 05:25:10.190572275"
    );
    assert_eq!(one::<String>(&connection, "SELECT ended_at FROM v1_sync_runs"), "2026-11-22 05:26:00");
    assert_eq!(one::<i64>(&connection, "SELECT count(*) FROM v1_grants WHERE expansion IS NOT NULL"), 1);
    assert_eq!(one::<i64>(&connection, "SELECT count(*) FROM v1_grants WHERE needs_expansion = 1"), 0);
    assert_eq!(
        one::<String>(&connection, "SELECT external_id FROM v1_resources WHERE parent_resource_id = 'w1'"),
        "user:ana"
    );
    // An index is used, and gives what the table gives.
    let by_index = "SELECT count(*) FROM v1_grants INDEXED BY idx_grants_principal_id_v1 \
                    WHERE principal_resource_type_id = 'user' AND principal_resource_id = 'ana'";
    assert_eq!(one::<i64>(&connection, by_index), 2);
}

/// baton DB-4: the place and the columns of the first, the content of the last.
#[test]
fn a_row_that_comes_again_replaces_the_content_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let mut writer = Writer::create(&path, None, new_run(SYNC_ID)).unwrap();
    for name in ["first", "second", "third"] {
        let mut group = group("g1");
        group.display_name = name.to_owned();
        writer.resource(&group).unwrap();
        writer.discovered(ENDED.parse().unwrap());
    }
    writer.resource(&group("g2")).unwrap();
    writer.entitlement(&member("g1")).unwrap();
    let moved = |principal| GrantRow {
        resource_type: "group",
        resource: "g1",
        entitlement: "group:g1:member",
        principal_type: "user",
        principal,
        id: "the same",
        expansion: None,
        data: b"",
    };
    writer.grant_row(&moved("ana")).unwrap();
    writer.grant_row(&moved("bo")).unwrap();

    let written = writer.finish(end()).unwrap();

    let connection = database(&path, folder.path());
    assert_eq!(one::<String>(&connection, "PRAGMA integrity_check"), "ok");
    let reader = open(&path).unwrap();
    let found = read(&reader, SYNC_ID);
    assert_eq!(
        found.resources.iter().map(|row| row.display_name.as_str()).collect::<Vec<_>>(),
        ["third", "g2"]
    );
    assert_eq!(
        one::<String>(&connection, "SELECT discovered_at FROM v1_resources WHERE id = 1"),
        "2026-11-22 05:25:10.190572275"
    );
    assert_eq!(one::<String>(&connection, "SELECT principal_resource_id FROM v1_grants"), "ana");
    assert_eq!((written.statistics.resources, written.statistics.grants), (2, 1));
    assert_eq!(reader.runs()[0].statistics.as_ref(), Some(&written.statistics));
}

// rule: baton DB-7, P-24
#[test]
fn grants_that_are_left_to_be_expanded_say_so_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    let mut writer = Writer::create(&path, None, new_run(SYNC_ID)).unwrap();
    let row = |id, expansion| GrantRow {
        resource_type: "group",
        resource: "g1",
        entitlement: "group:g1:member",
        principal_type: "group",
        principal: "g2",
        id,
        expansion,
        data: b"",
    };
    writer.grant_row(&row("expanded", Some(b"x"))).unwrap();
    writer.expanded(Expansion::Left);
    writer.grant_row(&row("left", Some(b"x"))).unwrap();
    writer.grant_row(&row("plain", None)).unwrap();

    writer.finish(end()).unwrap();

    let connection = database(&path, folder.path());
    assert_eq!(one::<String>(&connection, "PRAGMA integrity_check"), "ok");
    let left = "SELECT group_concat(external_id) FROM v1_grants WHERE needs_expansion = 1";
    assert_eq!(one::<String>(&connection, left), "left");
}

#[test]
fn the_same_rows_give_the_same_bytes_and_other_rows_others() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = |name: &str, directory: &Directory| {
        let path = folder.path().join(name);
        directory.write(&path);
        std::fs::read(path).unwrap()
    };
    let mut other = Directory::small();
    other.grants.swap(0, 2);

    assert_eq!(bytes("one", &Directory::small()), bytes("two", &Directory::small()));
    // The planted defect: rows in the order of a hash map, say.
    assert_ne!(bytes("one", &Directory::small()), bytes("other", &other));
}

/// Large enough for keys to be sorted on disk.
#[test]
fn many_rows_give_the_same_bytes_too() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str| {
        let path = folder.path().join(name);
        let mut writer = Writer::create(&path, None, new_run(SYNC_ID)).unwrap();
        for number in 0..60_000_u64 {
            let scattered = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            writer.grant(&grant(&format!("g{}", number / 50), "user", &format!("{scattered:016x}"))).unwrap();
        }
        writer.finish(end()).unwrap();
        path
    };

    let (one, two) = (write("one"), write("two"));

    assert!(std::fs::read(&one).unwrap() == std::fs::read(two).unwrap(), "the bytes differ");
    let reader = open(&one).unwrap();
    assert_eq!(rows::<Grant>(&reader, SYNC_ID).len(), 60_000);
    assert_eq!(self::one::<String>(&database(&one, folder.path()), "PRAGMA integrity_check"), "ok");
}

/// baton F-5
#[test]
fn nothing_stands_at_the_target_before_the_end_and_nothing_beside_it_after() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sync.c1z");
    std::fs::write(&path, "the earlier file").unwrap();
    let mut writer = Writer::create(&path, None, new_run(SYNC_ID)).unwrap();
    Directory::small().put(&mut writer);

    assert_eq!(std::fs::read(&path).unwrap(), b"the earlier file");
    drop(writer);
    assert_eq!(std::fs::read(&path).unwrap(), b"the earlier file");
    Directory::small().write(&path);

    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["sync.c1z"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o644);
    }
    assert!(open(&path).unwrap().run(&RunChoice::Named(SYNC_ID.to_owned())).is_ok());
}

#[test]
fn rows_without_ids_or_with_zero_bytes_in_them_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(&folder.path().join("sync.c1z"), None, new_run(SYNC_ID)).unwrap();

    let refused = [
        writer.grant(&Grant::default()),
        writer.grant(&grant("", "user", "ana")),
        writer.resource(&group("g\0")),
    ];

    for refused in refused {
        assert!(matches!(refused, Err(WriteError::Id { .. })), "{refused:?}");
    }
    assert_eq!(writer.finish(end()).unwrap().statistics, c1z::Statistics::default(), "they are not counted");
}

/// The planted canary: an id that is somebody's address.
#[test]
fn a_row_that_is_too_large_is_refused_without_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(&folder.path().join("sync.c1z"), None, new_run(SYNC_ID)).unwrap();
    let mut large = group("ana@example.com");
    large.display_name = "x".repeat(5 << 20);

    let long_id = writer.resource(&group(&"ana@example.com".repeat(10_000))).unwrap_err();
    let large = writer.resource(&large).unwrap_err();

    for error in [long_id, large] {
        assert!(matches!(error, WriteError::RowTooLarge { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("ana@"), "{error}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nowhere/sync.c1z");

    let error = Writer::create(&path, None, new_run(SYNC_ID)).map(drop).unwrap_err();

    assert!(error.to_string().contains("nowhere"), "{error}");
}
