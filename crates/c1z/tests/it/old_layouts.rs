use std::fmt::Write as _;

use c1z::{Explorer, Filter, RunChoice};
use prost::Message as _;
use protos::annotations;
use protos::c1::connector::v2::{Grant, GrantExpandable};

use crate::directory::{Directory, SYNC_ID, grant, id};
use crate::plain::{OLD_TABLES, file_of, old_run, open};
use crate::round_trip::rows;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn insert_grant(number: i64, grant_id: &str, data: &[u8]) -> String {
    format!(
        "INSERT INTO v1_grants VALUES ({number}, 'group', 'ops', 'group:ops:member', 'user', 'ana', '{grant_id}',
         x'{}', '{SYNC_ID}', '2026-11-22 05:25:11');",
        hex(data)
    )
}

/// baton DB-6, DB-8, DB-9, X-5: five columns of a run, no column `expansion`, no index, and a grant without its ids.
#[test]
fn the_oldest_layout_is_read_and_columns_complete_slim_grants() {
    let folder = tempfile::tempdir().unwrap();
    let mut inside = grant("ops", "user", "ana");
    annotations::replace(
        &mut inside.annotations,
        &GrantExpandable { entitlement_ids: vec!["x".to_owned()], ..GrantExpandable::default() },
    );
    let sql = [
        OLD_TABLES.to_owned(),
        old_run(),
        insert_grant(1, "group:ops:member:user:ana", b""),
        insert_grant(2, "whole", &inside.encode_to_vec()),
    ];

    let reader = open(&file_of(folder.path(), &sql.concat())).unwrap();
    let found: Vec<Grant> = rows(&reader, SYNC_ID);

    assert_eq!(found, [grant("ops", "user", "ana"), inside]);
    assert_eq!(reader.runs()[0].sync_type, "full");
    let run = reader.run(&RunChoice::Newest { now: "2026-11-26T00:00:00Z".parse().unwrap() }).unwrap();
    let explorer = Explorer::new(&reader, run);
    let filter = Filter::default();
    let shown: Vec<_> = explorer.grants(&filter).map(Result::unwrap).collect();
    assert_eq!(shown[0].principal.as_ref().unwrap().display_name, "MISSING RESOURCE (user:ana)");
    assert_eq!(explorer.missing(), 8, "entitlement, resource, type and principal of two grants");
}

/// A table without an index is looked up by an own list, to the same effect.
#[test]
fn rows_are_found_by_id_without_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let small = Directory::small();
    let mut sql = format!("{OLD_TABLES}{}", old_run());
    for (number, row) in small.resources.iter().enumerate() {
        let id = row.id.clone().unwrap();
        write!(
            sql,
            "INSERT INTO v1_resources VALUES ({}, '{}', '{}:{}', NULL, NULL, x'{}', '{SYNC_ID}', '2026-11-22');",
            number + 1,
            id.resource_type,
            id.resource_type,
            id.resource,
            hex(&row.encode_to_vec())
        )
        .unwrap();
    }

    let reader = open(&file_of(folder.path(), &sql)).unwrap();
    let explorer = Explorer::new(&reader, &reader.runs()[0]);
    let access = explorer.access("user", "bo").unwrap();

    assert_eq!(access.principal.unwrap().id, Some(id("user", "bo")));
    assert!(explorer.access("user", "nobody").unwrap_err().to_string().contains("user:nobody"));
}

/// baton DB-7: a mark without content says "looked at, not expandable".
#[test]
fn an_empty_expansion_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let sql = [
        OLD_TABLES.to_owned(),
        old_run(),
        "ALTER TABLE v1_grants ADD COLUMN expansion blob;".to_owned(),
        insert_grant(1, "g", &grant("ops", "user", "ana").encode_to_vec())
            .replace("'2026-11-22 05:25:11')", "'2026-11-22 05:25:11', x'')"),
    ];

    let reader = open(&file_of(folder.path(), &sql.concat())).unwrap();

    assert_eq!(rows::<Grant>(&reader, SYNC_ID), [grant("ops", "user", "ana")]);
}
