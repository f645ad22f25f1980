//! Measures keeping and loading: `cargo run --release -p governance --example inventory_bench [GRANTS]`.
//!
//! A file of 100,000 users and 20,000 groups with a million grants becomes an inventory, then the same again, then
//! one with a member more, and is loaded. Prints one JSON line: times in seconds, memory and disk in MiB.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use c1z::{Limits, NewRun, RunEnd, SyncType, Writer};
use governance::inventory::{At, KeepRequest, ShrinkGuard, find_state, keep_file, load};
use governance::{SinkError, SyncSink};
use model::ConnectionKey;
use protos::c1::connector::v2::{
    Entitlement, Grant, GrantExpandable, Resource, ResourceId, ResourceType, UserTrait, user_trait::Email,
};
use protos::{Ksuid, annotations};
use serde_json::json;
use store::{Access, Actor, Store, StoreParts, StorePlace};

const USERS: usize = 100_000;
const GROUPS: usize = 20_000;
const MIB: f64 = 1_048_576.0;

type Ended<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Ended<()> {
    let grants: usize = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let (first, second) = (folder.path().join("first.c1z"), folder.path().join("second.c1z"));
    write(&first, grants)?;
    write(&second, grants + 1)?;
    let state = folder.path().join("state.db");
    let store = Store::open(StoreParts {
        place: StorePlace::File(state.clone()),
        keys: crypto::KeyRing::new(crypto::MasterKey::random()),
        clock: Arc::new(model::SystemClock),
        ids: Arc::new(model::RandomIds),
        access: Access::Write,
        max_bytes: None,
    })
    .await?;
    let connection: ConnectionKey = "shop".parse()?;
    let request = KeepRequest {
        store: &store,
        connection: &connection,
        guard: ShrinkGuard::On,
        actor: Actor::system(),
    };

    let mut kept = Vec::new();
    forget_peak();
    let before = memory_mib("VmRSS:");
    for file in [&first, &first, &second] {
        let started = Instant::now();
        let written = keep_file(&request, (file, &Limits::default()), &[]).await?.written_bytes;
        kept.push((started.elapsed().as_secs_f64(), written as f64 / MIB));
    }
    let peak = memory_mib("VmHWM:");
    let found = find_state(&store, &connection, &At::Now).await?.ok_or("nothing was kept")?;
    let started = Instant::now();
    let counted = load(&store, &found, Counted::default()).await?;
    let load_s = started.elapsed().as_secs_f64();
    assert_eq!(counted.grants, grants + 1, "a grant was lost");
    report(&json!({
        "keep_s": kept.first().map(|(seconds, _)| seconds),
        "keep_again_s": kept.get(1).map(|(seconds, _)| seconds),
        "keep_one_more_s": kept.get(2).map(|(seconds, _)| seconds),
        "written_mib": kept.iter().map(|(_, mib)| mib).collect::<Vec<_>>(),
        "keep_mib": peak - before,
        "load_s": load_s,
        "loaded_grants_per_s": counted.grants as f64 / load_s,
        "state_mib": std::fs::metadata(&state)?.len() as f64 / MIB,
    }));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "printing figures is what this program is for")]
fn report(figures: &serde_json::Value) {
    println!("{figures}");
}

fn resource(kind: &str, number: usize) -> Resource {
    let id = ResourceId {
        resource_type: kind.to_owned(),
        resource: format!("{number:08}"),
        ..ResourceId::default()
    };
    Resource { id: Some(id), display_name: format!("{kind} number {number}"), ..Resource::default() }
}

fn write(path: &Path, grants: usize) -> Ended<()> {
    let started_at = "2026-11-22T05:25:10Z".parse()?;
    let sync_id = Ksuid::new(1_795_325_110, [7; 16])?.to_string();
    let run = NewRun { sync_id, started_at, sync_type: SyncType::Full, parent_sync_id: String::new() };
    let mut file = Writer::create(path, path.parent(), run)?;
    for kind in ["user", "group"] {
        file.resource_type(&ResourceType { id: kind.to_owned(), ..ResourceType::default() })?;
    }
    for number in 0..USERS {
        let mut user = resource("user", number);
        let email = Email { address: format!("u{number}@example.com"), is_primary: true };
        annotations::append(
            &mut user.annotations,
            &UserTrait { emails: vec![email], ..UserTrait::default() },
        );
        file.resource(&user)?;
    }
    for number in 0..GROUPS {
        file.resource(&resource("group", number))?;
    }
    let member = |number: usize| Entitlement {
        resource: Some(resource("group", number)),
        id: format!("group:{number:08}:member"),
        slug: "member".to_owned(),
        ..Entitlement::default()
    };
    for number in 0..GROUPS {
        file.entitlement(&member(number))?;
    }
    for number in 0..grants {
        // Each group has its members together, as lists have them.
        let (group, user) = (number * GROUPS / 1_000_100 % GROUPS, number * 31 % USERS);
        let (entitlement, principal) = (member(group), resource("user", user));
        let id = format!("{}:user:{user:08}:{number}", entitlement.id);
        let row =
            Grant { entitlement: Some(entitlement), principal: Some(principal), id, ..Grant::default() };
        file.grant(&row)?;
    }
    file.finish(RunEnd { ended_at: started_at, actions: 1 })?;
    Ok(())
}

#[derive(Default)]
struct Counted {
    grants: usize,
}

impl SyncSink for Counted {
    fn resource_type(&mut self, _row: &ResourceType) -> Result<(), SinkError> {
        Ok(())
    }

    fn resource(&mut self, _row: &Resource) -> Result<(), SinkError> {
        Ok(())
    }

    fn entitlement(&mut self, _row: &Entitlement) -> Result<(), SinkError> {
        Ok(())
    }

    fn grant(&mut self, _row: &Grant, _expandable: Option<&GrantExpandable>) -> Result<(), SinkError> {
        self.grants += 1;
        Ok(())
    }
}

/// What was most so far does not count any more.
fn forget_peak() {
    // Without it the figure is larger than it should be, and nothing else.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn memory_mib(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap_or_default();
    kib / 1024.0
}
