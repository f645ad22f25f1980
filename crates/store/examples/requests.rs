//! Measures lists of privacy requests: `cargo run --release -p store --example requests [postgres://…]`.
//!
//! Loads a million requests, then reads pages of fifty as the API does. Prints one JSON line: for each
//! kind of list the slowest of twenty spread over it, and the 99th of a thousand first pages, in milliseconds.
//! With `--load URL` it loads them into the state of a server, under its policy for access, and that is all;
//! with `--load URL NUMBER` so many.

use std::sync::Arc;
use std::time::Instant;

use crypto::{KeyRing, MasterKey};
use model::{RandomIds, SystemClock};
use serde_json::{Map, Value, json};
use sqlx::{AnyPool, AssertSqlSafe, Executor as _};
use store::{
    Access, Actor, Approval, Policy, PrivacyRequestFilter, PrivacyRequestOrder, PrivacyRequestStatus, Store,
    StoreParts, StorePlace, Window,
};

const REQUESTS: u64 = 1_000_000;
const PAGE: u32 = 50;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, url, number @ ..] = arguments.as_slice()
        && flag == "--load"
    {
        sqlx::any::install_default_drivers();
        let requests = number.first().map_or(Ok(REQUESTS), |number| number.parse())?;
        return load_rows(url, "default_access_policy", requests).await;
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("state.db");
    let (place, url) = match arguments.first() {
        Some(url) => (StorePlace::parse(url)?, url.clone()),
        None => (StorePlace::File(path.clone()), format!("sqlite://{}", path.display())),
    };
    let parts = StoreParts {
        place,
        keys: KeyRing::new(MasterKey::random()),
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        access: Access::Write,
        max_bytes: None,
    };
    let store = Store::open(parts).await?;
    load(&store, &url).await?;
    let all = PrivacyRequestFilter::default();
    let mut report = Map::new();
    report.insert("first_page_p99_ms".to_owned(), json!(first_pages(&store, &all).await?));
    for (name, filter) in filters() {
        report.insert(format!("{name}_ms"), json!(slowest(&store, &filter).await?));
    }
    show(&Value::Object(report));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a measurement answers on standard output")]
fn show(figures: &Value) {
    println!("{figures}");
}

async fn load(store: &Store, url: &str) -> Result<(), Box<dyn std::error::Error>> {
    let policy = Policy {
        key: "bulk".to_owned(),
        name: "Bulk".to_owned(),
        drp_action: None,
        execution_timeframe: None,
        conditions: None,
        approval: Approval::Person,
        rules: Vec::new(),
        version: 0,
        created_at: jiff::Timestamp::UNIX_EPOCH,
    };
    store.policy_put(&policy, Actor::system()).await?;
    load_rows(url, &policy.key, REQUESTS).await
}

/// Makes them as they would have come in, one every ninety seconds, and leaves the tables as a database that
/// is in use would have them.
async fn load_rows(url: &str, policy: &str, requests: u64) -> Result<(), Box<dyn std::error::Error>> {
    // Autovacuum does this soon after rows have come; without it nothing is read in an index alone.
    let (tidy, writers) = if url.starts_with("sqlite") { ("ANALYZE", 1) } else { ("VACUUM ANALYZE", 8) };
    let pool = AnyPool::connect(url).await?;
    for statement in [
        format!(
            "INSERT INTO privacy_request (id, policy, status, listed, authenticated, external_id, location, created_at, updated_at, requested_at, due_at, started_at, finished_at, version, fence, attempts) WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {requests}) SELECT 'pri_00000000-0000-7000-8000-' || SUBSTR(CAST(1000000000000 + i AS TEXT), 2), '{policy}', CASE WHEN i % 100 = 0 THEN 'error' WHEN i % 10 = 0 THEN 'pending' ELSE 'complete' END, 1, 1, 'ticket-' || i, CASE WHEN i % 7 = 0 THEN 'US-CA' ELSE 'DE' END, i * 90000000, i * 90000000, i * 90000000, i * 90000000, i * 90000000, CASE WHEN i % 10 = 0 THEN NULL ELSE i * 90000000 END, 1, 0, 0 FROM n"
        ),
        counts("privacy_request_count (status", "status", writers),
        counts("privacy_request_day (day, status", "created_at / 86400000000, status", writers),
        tidy.to_owned(),
    ] {
        pool.execute(AssertSqlSafe(statement)).await?;
    }
    pool.close().await;
    Ok(())
}

/// Counts them by these columns, in the shards in which the store counts them.
fn counts(table: &str, by: &str, writers: u32) -> String {
    let shard = format!("CAST(SUBSTR(id, LENGTH(id)) AS BIGINT) % {writers}");
    format!(
        "INSERT INTO {table}, shard, counted) SELECT {by}, {shard}, COUNT(*) FROM privacy_request GROUP BY {by}, {shard}"
    )
}

fn filters() -> Vec<(&'static str, PrivacyRequestFilter)> {
    let all = PrivacyRequestFilter::default;
    let of = |status| PrivacyRequestFilter { statuses: vec![status], ..all() };
    vec![
        ("any_page", all()),
        ("oldest_first", PrivacyRequestFilter { order: PrivacyRequestOrder::OldestFirst, ..all() }),
        ("complete", of(PrivacyRequestStatus::Complete)),
        ("pending", of(PrivacyRequestStatus::Pending)),
        ("error", of(PrivacyRequestStatus::Error)),
        (
            "two_statuses",
            PrivacyRequestFilter {
                statuses: vec![PrivacyRequestStatus::Error, PrivacyRequestStatus::Pending],
                ..all()
            },
        ),
        ("location", PrivacyRequestFilter { location: Some("US".to_owned()), ..all() }),
        ("external_id", PrivacyRequestFilter { external_id: Some("ticket-77777".to_owned()), ..all() }),
        ("identity", PrivacyRequestFilter { any_identity: Some("ana@example.com".to_owned()), ..all() }),
        ("id", PrivacyRequestFilter { id_part: Some("000000077777".to_owned()), ..all() }),
    ]
}

async fn first_pages(store: &Store, filter: &PrivacyRequestFilter) -> Result<f64, store::StoreError> {
    let mut times = Vec::new();
    for _ in 0..1000 {
        let started = Instant::now();
        store.privacy_request_list(filter, Window { offset: 0, limit: PAGE }).await?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(times.get(989).copied().unwrap_or_default())
}

/// The slowest of pages that are spread over the whole list.
async fn slowest(store: &Store, filter: &PrivacyRequestFilter) -> Result<f64, store::StoreError> {
    let total = store.privacy_request_list(filter, Window { offset: 0, limit: 1 }).await?.total;
    let mut slowest = 0.0_f64;
    for step in 0..20 {
        let offset = total.saturating_sub(1) * step / 20;
        let started = Instant::now();
        store.privacy_request_list(filter, Window { offset, limit: PAGE }).await?;
        slowest = slowest.max(started.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(slowest)
}
