//! Syncs of a part: the rows are those of the whole, by fewer calls (baton S-22, S-23).

mod ends;
mod kinds;
mod resources;

use std::collections::BTreeMap;

use governance::change::ResourceName;
use governance::{NamedResource, SyncPart};
use prost::Message;
use protos::annotations;
use protos::c1::connector::v2::{Entitlement, Grant, GrantExpandable, GrantImmutable, Resource, ResourceId};
use sandbox::segment::{SegmentOptions, SegmentSandbox, WorkspaceOptions};

use crate::rows::Rows;

/// A workspace in which every shape of access comes up, with lists of more than one page.
fn options() -> SegmentOptions {
    SegmentOptions {
        users: 430,
        workspace: WorkspaceOptions {
            groups: Some(8),
            group_members: Some(12),
            sources: 220,
            owner_group: Some(1),
            ..WorkspaceOptions::default()
        },
        ..SegmentOptions::default()
    }
}

/// Rows by table and id, so that a difference can be read.
type Table = BTreeMap<String, String>;

fn key(id: Option<&ResourceId>) -> String {
    id.map(|id| format!("{}:{}", id.resource_type, id.resource)).unwrap_or_default()
}

fn on(row: &Entitlement) -> String {
    key(row.resource.as_ref().and_then(|on| on.id.as_ref()))
}

/// What a grant is on, and who holds it.
fn ends(row: &Grant) -> [String; 2] {
    let principal = row.principal.as_ref().and_then(|principal| principal.id.as_ref());
    [row.entitlement.as_ref().map(on).unwrap_or_default(), key(principal)]
}

fn kind(key: &str) -> &str {
    key.split_once(':').unwrap().0
}

/// The rows that fit, all of them comparable.
struct Chosen<'a> {
    rows: &'a Rows,
    resources: &'a dyn Fn(&Resource) -> bool,
    entitlements: &'a dyn Fn(&Entitlement) -> bool,
    grants: &'a dyn Fn(&Grant) -> bool,
    /// A grant as it is without those that follow from others.
    as_reported: bool,
}

impl Chosen<'_> {
    fn table(&self) -> Table {
        let text = |kind: &str, id: &str, row: String| (format!("{kind} {id}"), row);
        let mut table = Table::new();
        for row in self.rows.resources.iter().filter(|row| (self.resources)(row)) {
            table.extend([text("resource", &key(row.id.as_ref()), hex(row))]);
        }
        for row in self.rows.entitlements.iter().filter(|row| (self.entitlements)(row)) {
            table.extend([text("entitlement", &row.id, hex(row))]);
        }
        for (row, expandable) in self.rows.grants.iter().filter(|(row, _)| (self.grants)(row)) {
            let row = if self.as_reported { reported(row) } else { Some(row.clone()) };
            if let Some(row) = row {
                let ids = expandable.as_ref().map(|of: &GrantExpandable| of.entitlement_ids.join(","));
                table.extend([text("grant", &row.id, format!("{} {ids:?}", hex(&row)))]);
            }
        }
        table
    }
}

fn hex(row: &impl Message) -> String {
    crypto::hex(&row.encode_to_vec())
}

/// A grant as the application reports it; none if it only follows from others.
fn reported(row: &Grant) -> Option<Grant> {
    if annotations::contains::<GrantImmutable>(&row.annotations) {
        return None;
    }
    Some(Grant { sources: None, ..row.clone() })
}

fn everything(rows: &Rows) -> Table {
    Chosen { rows, resources: &|_| true, entitlements: &|_| true, grants: &|_| true, as_reported: false }
        .table()
}

/// Says what is in one and not in the other, by id.
#[track_caller]
fn assert_same(found: &Table, expected: &Table) {
    let lacking: Vec<_> = expected.keys().filter(|id| !found.contains_key(*id)).take(5).collect();
    let more: Vec<_> = found.keys().filter(|id| !expected.contains_key(*id)).take(5).collect();
    let other: Vec<_> =
        found.iter().filter(|(id, row)| expected.get(*id).is_some_and(|of| of != *row)).collect();
    assert!(
        lacking.is_empty() && more.is_empty() && other.is_empty(),
        "lacking: {lacking:#?}, too many: {more:#?}, others: {:#?}",
        other.iter().map(|(id, _)| id).take(5).collect::<Vec<_>>()
    );
}

/// How often the simulation was asked, by what: the first part of the path, with `/*` for a single one.
fn calls(sandbox: &SegmentSandbox, skip: u64) -> BTreeMap<String, u64> {
    let log = sandbox.log();
    let mut calls = BTreeMap::new();
    for call in log["calls"].as_array().unwrap().iter().skip(usize::try_from(skip).unwrap()) {
        let path = call["path"].as_str().unwrap();
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let name = match parts.as_slice() {
            [] => "workspace".to_owned(),
            [of] => (*of).to_owned(),
            [of, _] => format!("{of}/*"),
            [of, _, list, ..] => format!("{of}/*/{list}"),
        };
        *calls.entry(name).or_default() += 1;
    }
    calls
}

fn expected(calls: &[(&str, u64)]) -> BTreeMap<String, u64> {
    calls.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

fn named(names: &[&str]) -> SyncPart {
    let resource = |name: &&str| NamedResource { name: name.parse::<ResourceName>().unwrap(), parent: None };
    SyncPart { resources: names.iter().map(resource).collect(), ..SyncPart::default() }
}
