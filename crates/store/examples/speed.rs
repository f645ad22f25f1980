//! Measures the store: `cargo run --release -p store --example speed [postgres://…]`.
//!
//! Prints one JSON line: audit entries per second (entered in batches and sequenced), and ledger
//! writes and commits of 8 workers with 4 writes each at 5 ms.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crypto::{KeyRing, MasterKey, Secret};
use model::{Outcome, RandomIds, RunId, SystemClock};
use serde_json::json;
use store::{
    AUDIT_LEASE, Access, Actor, AuditEvent, EndedWrite, LedgerEnd, NewIntent, NewPlan, NewRun, NewTask,
    PlanDigest, RunKind, Store, StoreParts, StorePlace, TaskId, TaskLease,
};

const ENTRIES: usize = 20_000;
const ERASURES: usize = 200;
const LEASE: Duration = Duration::from_mins(10);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let place = match std::env::args().nth(1) {
        Some(url) => StorePlace::parse(&url)?,
        None => StorePlace::File(folder.path().join("state.db")),
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
    let audit = audit(&store).await?;
    let started = Instant::now();
    let before = store.ledger_counts();
    for _ in 0..ERASURES / 8 {
        futures::future::try_join_all((0..8).map(|_| erasure(&store))).await?;
    }
    let after = store.ledger_counts();
    let writes = (ERASURES * 4) as f64;
    let commits = (after.commits - before.commits) as f64;
    report(&json!({
        "audit_entries_per_s": audit,
        "erasures_s": started.elapsed().as_secs_f64(),
        "commits_per_write": commits / writes,
    }));
    Ok(())
}

async fn audit(store: &Store) -> Result<f64, Box<dyn std::error::Error>> {
    let started = Instant::now();
    let lease = store.lease_take(AUDIT_LEASE, "speed", LEASE).await?.ok_or("the sequencer is busy")?;
    for _ in 0..ENTRIES / 1000 {
        let event = |number| AuditEvent::new(Actor::system(), "speed", "run").with(json!({"number": number}));
        store.audit_enter(&(0..1000).map(event).collect::<Vec<_>>()).await?;
    }
    while store.audit_sequence(&lease, 10_000).await?.is_some() {}
    Ok(ENTRIES as f64 / started.elapsed().as_secs_f64())
}

async fn erasure(store: &Store) -> Result<(), Box<dyn std::error::Error>> {
    let run = RunId::new(&RandomIds);
    let task = NewTask {
        id: TaskId::new(&RandomIds),
        kind: "apply".into(),
        name: "all".into(),
        after: Vec::new(),
        due_at: None,
    };
    let subject = Secret::new(b"{}".to_vec());
    let new = NewRun {
        id: run.clone(),
        kind: RunKind::Erasure,
        policy: None,
        subject,
        deadline_at: None,
        actor: Actor::system(),
    };
    store.run_create(new, &[task]).await?;
    let plan = PlanDigest::of(run.as_str().as_bytes());
    let body = b"{}";
    store
        .plan_put(&NewPlan { digest: plan.clone(), run, body, operations: 4, actor: Actor::system() })
        .await?;
    store.plan_approve(&plan, Actor::system()).await?;
    let lease = loop {
        match store.task_claim("speed", LEASE).await? {
            Some(claimed) => break claimed.lease,
            None => tokio::task::yield_now().await,
        }
    };
    // The task that was claimed may be another erasure's; its own plan goes with it.
    let plan = PlanDigest::of(lease.run.as_str().as_bytes());
    while store.plan_find(&plan).await?.is_none_or(|found| found.approval.is_none()) {
        tokio::task::yield_now().await;
    }
    send(store, &lease, &plan).await
}

async fn send(store: &Store, lease: &TaskLease, plan: &PlanDigest) -> Result<(), Box<dyn std::error::Error>> {
    let intent = |operation| NewIntent { lease: lease.clone(), plan: plan.clone(), operation, attempt: 1 };
    let mut sent = store.ledger_intent(intent(0)).await?;
    for next in 1..4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let end = LedgerEnd::Applied(Outcome::Erased);
        let ended = EndedWrite { id: sent.id().clone(), end, detail: None, job: None };
        sent = store.ledger_advance(&ended, intent(next)).await?;
    }
    tokio::time::sleep(Duration::from_millis(5)).await;
    store.ledger_outcome(sent.id(), LedgerEnd::Applied(Outcome::Erased), None).await?;
    store.task_finish(lease, Some(Outcome::Erased)).await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a measurement answers on standard output")]
fn report(figures: &serde_json::Value) {
    println!("{figures}");
}
