//! Files that somebody else makes, by SQL.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use c1z::{Limits, ReadError, Reader};
use rusqlite::Connection;

use crate::directory::SYNC_ID;

/// The least that a file has (baton X-5): the tables as the oldest writers make them, no index.
pub(crate) const OLD_TABLES: &str = "
    CREATE TABLE v1_resource_types (id integer primary key, external_id text not null, data blob not null,
        sync_id text not null, discovered_at datetime not null);
    CREATE TABLE v1_resources (id integer primary key, resource_type_id text not null, external_id text not null,
        parent_resource_type_id text, parent_resource_id text, data blob not null, sync_id text not null,
        discovered_at datetime not null);
    CREATE TABLE v1_entitlements (id integer primary key, resource_type_id text not null, resource_id text not null,
        external_id text not null, data blob not null, sync_id text not null, discovered_at datetime not null);
    CREATE TABLE v1_grants (id integer primary key, resource_type_id text not null, resource_id text not null,
        entitlement_id text not null, principal_resource_type_id text not null, principal_resource_id text not null,
        external_id text not null, data blob not null, sync_id text not null, discovered_at datetime not null);
    CREATE TABLE v1_sync_runs (id integer primary key, sync_id text not null, started_at datetime not null,
        ended_at datetime, sync_token text not null);
";

/// A finished run in a table of five columns.
pub(crate) fn old_run() -> String {
    format!(
        "INSERT INTO v1_sync_runs VALUES (1, '{SYNC_ID}', '2026-11-22 05:25:10.19', '2026-11-22 05:26:00', '');"
    )
}

/// A file with the database that this SQL makes.
pub(crate) fn file_of(folder: &Path, sql: &str) -> PathBuf {
    let database = folder.join("made.db");
    let _ = std::fs::remove_file(&database);
    let connection = Connection::open(&database).unwrap();
    connection.execute_batch(sql).unwrap();
    drop(connection);
    pack(folder, &std::fs::read(database).unwrap())
}

/// A file with these bytes in its frame.
pub(crate) fn pack(folder: &Path, bytes: &[u8]) -> PathBuf {
    let path = folder.join("made.c1z");
    let mut content = b"C1ZF\0".to_vec();
    content.extend(zstd::encode_all(bytes, 3).unwrap());
    std::fs::File::create(&path).unwrap().write_all(&content).unwrap();
    path
}

pub(crate) fn open(path: &Path) -> Result<Reader, ReadError> {
    Reader::open(path, None, &Limits::default())
}
