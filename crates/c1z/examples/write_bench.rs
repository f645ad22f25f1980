//! How fast files are written and read: `cargo run --release -p c1z --example write_bench [GRANTS]`.
//!
//! Prints one figure a line: writing a directory of usual size; a million grants beside a plain bulk load of the same
//! rows into SQLite and its compression; reading them back.

#![expect(clippy::print_stdout, reason = "printing figures is what this program is for")]

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use c1z::{Filter, Limits, NewRun, Reader, RunChoice, RunEnd, SyncType, Writer};
use prost::Message as _;
use protos::c1::connector::v2::{Entitlement, Grant, Resource, ResourceId, ResourceType};
use rusqlite::{Connection, params};

const SYNC_ID: &str = "3MRtGGH2nQlWkwulXiopoxBpLgw";
const STARTED: &str = "2026-11-22T05:25:10.190572275Z";

fn main() -> Result<(), Box<dyn Error>> {
    let grants: usize = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("sync.c1z");

    let small = Directory::new(20_000, 1_000, 20_000);
    let took = timed(|| small.write(&path))?;
    println!("usual_seconds {:.3}", took.as_secs_f64());

    let large = Directory::new(100_000, 20_000, grants);
    // The least of three: what else the machine does only adds to a time.
    let (mut plain, mut ours) = (Duration::MAX, Duration::MAX);
    for _ in 0..3 {
        plain = plain.min(timed(|| large.load_plainly(folder.path(), Indexes::Without))?);
        ours = ours.min(timed(|| large.write(&path))?);
    }
    let indexed = timed(|| large.load_plainly(folder.path(), Indexes::With))?;
    println!("plain_seconds {:.3}", plain.as_secs_f64());
    println!("plain_indexed_seconds {:.3}", indexed.as_secs_f64());
    println!("write_seconds {:.3}", ours.as_secs_f64());
    println!("write_bytes {}", path.metadata()?.len());
    println!("write_ratio {:.2}", ours.as_secs_f64() / plain.as_secs_f64());
    println!("write_indexed_ratio {:.2}", ours.as_secs_f64() / indexed.as_secs_f64());

    let start = Instant::now();
    let reader = Reader::open(&path, None, &Limits::default())?;
    println!("open_seconds {:.3}", start.elapsed().as_secs_f64());
    let reading = Instant::now();
    let run = reader.run(&RunChoice::Named(SYNC_ID.to_owned()))?;
    let filter = Filter::default();
    let mut count = 0_usize;
    for grant in reader.rows::<Grant>(run, &filter) {
        black_box(grant?);
        count += 1;
    }
    assert_eq!(count, grants, "every grant comes back");
    println!("read_seconds {:.3}", reading.elapsed().as_secs_f64());
    println!("read_grants_per_second {:.0}", count as f64 / reading.elapsed().as_secs_f64());
    println!("open_and_read_grants_per_second {:.0}", count as f64 / start.elapsed().as_secs_f64());
    Ok(())
}

fn timed<T>(work: impl FnOnce() -> Result<T, Box<dyn Error>>) -> Result<Duration, Box<dyn Error>> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Indexes {
    With,
    Without,
}

/// Users and groups that are their members, as messages.
struct Directory {
    types: Vec<ResourceType>,
    resources: Vec<Resource>,
    entitlements: Vec<Entitlement>,
    grants: Vec<Grant>,
}

impl Directory {
    fn new(users: usize, groups: usize, grants: usize) -> Self {
        let resource = |kind: &str, number: usize| Resource {
            id: Some(resource_id(kind, number)),
            display_name: format!("{kind} {number} of the example"),
            ..Resource::default()
        };
        let types = ["user", "group"].map(|id| ResourceType {
            id: id.to_owned(),
            display_name: id.to_owned(),
            ..ResourceType::default()
        });
        let entitlement = |number| Entitlement {
            id: entitlement_id(number),
            display_name: format!("group {number} member"),
            slug: "member".to_owned(),
            resource: Some(resource("group", number)),
            ..Entitlement::default()
        };
        let each = grants.div_ceil(groups).max(1);
        let grant = |number: usize| {
            let (group, member) = (number / each, number.wrapping_mul(7_919) % users);
            let member = (member + number % each) % users;
            slim(group, member, number)
        };
        Self {
            types: types.to_vec(),
            resources: (0..users)
                .map(|number| resource("user", number))
                .chain((0..groups).map(|number| resource("group", number)))
                .collect(),
            entitlements: (0..groups).map(entitlement).collect(),
            grants: (0..grants).map(grant).collect(),
        }
    }

    fn write(&self, path: &Path) -> Result<(), Box<dyn Error>> {
        let run = NewRun {
            sync_id: SYNC_ID.to_owned(),
            started_at: STARTED.parse()?,
            sync_type: SyncType::Full,
            parent_sync_id: String::new(),
        };
        let mut writer = Writer::create(path, None, run)?;
        self.types.iter().try_for_each(|row| writer.resource_type(row))?;
        self.resources.iter().try_for_each(|row| writer.resource(row))?;
        self.entitlements.iter().try_for_each(|row| writer.entitlement(row))?;
        self.grants.iter().try_for_each(|row| writer.grant(row))?;
        writer.finish(RunEnd { ended_at: STARTED.parse()?, actions: 1 })?;
        Ok(())
    }

    /// What somebody would write who wants the same rows in a file and nothing else.
    fn load_plainly(&self, folder: &Path, indexes: Indexes) -> Result<(), Box<dyn Error>> {
        let path = folder.join("plain.db");
        let _ = std::fs::remove_file(&path);
        let mut connection = Connection::open(&path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = off; PRAGMA synchronous = off; PRAGMA locking_mode = exclusive;",
        )?;
        connection.execute_batch(
            "CREATE TABLE v1_grants (id integer primary key, resource_type_id text not null, resource_id text not null, \
             entitlement_id text not null, principal_resource_type_id text not null, principal_resource_id text not null, \
             external_id text not null, expansion blob, needs_expansion integer not null default 0, data blob not null, \
             sync_id text not null, discovered_at datetime not null)",
        )?;
        let transaction = connection.transaction()?;
        let resources = self.resources.iter().map(|row| (row.display_name.as_str(), row.encode_to_vec()));
        load(&transaction, "v1_resources", resources)?;
        let entitlements = self.entitlements.iter().map(|row| (row.id.as_str(), row.encode_to_vec()));
        load(&transaction, "v1_entitlements", entitlements)?;
        {
            let mut insert = transaction.prepare(
                "INSERT INTO v1_grants (resource_type_id, resource_id, entitlement_id, principal_resource_type_id, \
                 principal_resource_id, external_id, data, sync_id, discovered_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            )?;
            let mut data = Vec::new();
            for grant in &self.grants {
                data.clear();
                grant.encode(&mut data)?;
                let entitlement = grant.entitlement.as_ref().ok_or("no entitlement")?;
                let resource = entitlement
                    .resource
                    .as_ref()
                    .and_then(|resource| resource.id.as_ref())
                    .ok_or("no resource")?;
                let principal = grant
                    .principal
                    .as_ref()
                    .and_then(|principal| principal.id.as_ref())
                    .ok_or("no principal")?;
                insert.execute(params![
                    resource.resource_type,
                    resource.resource,
                    entitlement.id,
                    principal.resource_type,
                    principal.resource,
                    grant.id,
                    data,
                    SYNC_ID,
                    "2026-11-22 05:25:10.190572275"
                ])?;
            }
        }
        transaction.commit()?;
        if indexes == Indexes::With {
            connection.execute_batch(
                "CREATE INDEX a on v1_grants (resource_type_id, resource_id); \
                 CREATE INDEX b on v1_grants (principal_resource_type_id, principal_resource_id); \
                 CREATE INDEX c on v1_grants (entitlement_id, principal_resource_type_id, principal_resource_id); \
                 CREATE UNIQUE INDEX d on v1_grants (external_id, sync_id); \
                 CREATE INDEX e on v1_grants (entitlement_id, sync_id, id);",
            )?;
        }
        drop(connection);
        let mut encoder = zstd::Encoder::new(File::create(folder.join("plain.zst"))?, 1)?;
        encoder.include_checksum(true)?;
        io::copy(&mut File::open(&path)?, &mut encoder)?;
        encoder.finish()?.sync_all()?;
        Ok(())
    }
}

/// Loads rows into a table of few columns.
fn load<'a>(
    connection: &Connection,
    table: &str,
    rows: impl Iterator<Item = (&'a str, Vec<u8>)>,
) -> Result<(), Box<dyn Error>> {
    connection.execute_batch(&format!(
        "CREATE TABLE {table} (id integer primary key, external_id text not null, data blob not null, \
         sync_id text not null, discovered_at datetime not null)"
    ))?;
    let sql =
        format!("INSERT INTO {table} (external_id, data, sync_id, discovered_at) VALUES ($1, $2, $3, $4)");
    let mut insert = connection.prepare(&sql)?;
    for (id, data) in rows {
        insert.execute(params![id, data, SYNC_ID, "2026-11-22 05:25:10.190572275"])?;
    }
    Ok(())
}

/// A grant with ids and nothing else, as syncs of ours make them.
fn slim(group: usize, user: usize, number: usize) -> Grant {
    let resource = Resource { id: Some(resource_id("group", group)), ..Resource::default() };
    let principal = Resource { id: Some(resource_id("user", user)), ..Resource::default() };
    let entitlement =
        Entitlement { id: entitlement_id(group), resource: Some(resource), ..Entitlement::default() };
    let id = format!("{}:user:{}", entitlement.id, name(user));
    // Two members may fall on one user; the number keeps their grants apart.
    let id = format!("{id}-{number}");
    Grant { id, entitlement: Some(entitlement), principal: Some(principal), ..Grant::default() }
}

fn resource_id(kind: &str, number: usize) -> ResourceId {
    ResourceId { resource_type: kind.to_owned(), resource: name(number), ..ResourceId::default() }
}

fn entitlement_id(group: usize) -> String {
    format!("group:{}:member", name(group))
}

/// An id of 22 letters, in no order.
fn name(number: usize) -> String {
    let scattered = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!("{scattered:016x}{:06x}", number % 0xFF_FFFF)
}
