use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

use jiff::Timestamp;
use model::Outcome;
use privacy::plan::{Operation, Plan};
use privacy::{OperationState, ResolveDecision, RunStatus};
use rstest::rstest;

use super::bench::{Backend, Bench, actor, apply, options, verify};
use super::crm::id_of;

/// Longer than any lease.
const LATER: Duration = Duration::from_secs(5);

/// The future as far as it comes with so many steps; then it is dropped, as by a crash.
async fn steps<F: Future>(future: F, mut left: usize) -> Option<F::Output> {
    let mut future = Box::pin(future);
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// How many steps an undisturbed `apply` takes, at least.
async fn steps_needed(bench: &Bench) -> usize {
    let plan = bench.plan().await;
    let service = bench.process().await;
    let mut work = Box::pin(apply(&service, &plan));
    let mut count = 0;
    poll_fn(|context| {
        count += 1;
        work.as_mut().poll(context).map(|done| drop(done.unwrap()))
    })
    .await;
    count
}

async fn crash(bench: &Bench, plan: &Plan, after: usize) {
    let service = bench.process().await;
    let _ = steps(service.apply(plan, plan.digest(), options(), &|_| {}), after).await;
    drop(service);
    bench.clock.advance(LATER);
}

fn most_often(writes: &[String]) -> usize {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for write in writes {
        *counts.entry(write.as_str()).or_default() += 1;
    }
    counts.into_values().max().unwrap_or(0)
}

/// What the status claims of a note must be so.
fn check_honest(bench: &Bench, plan: &Plan, status: &RunStatus) {
    for operation in &status.operations {
        let write = plan.find_operation(operation.order).and_then(Operation::write_request);
        let Some(write) = write.filter(|write| write.method == "DELETE") else { continue };
        let id = write.url.rsplit('/').next().unwrap().to_owned();
        let is_there = bench.crm.state().notes.iter().any(|note| id_of(note) == id);
        if operation.outcome == Some(Outcome::Erased) {
            assert!(!is_there, "operation {} is said to be erased", operation.order);
        }
        if operation.outcome.is_none() {
            assert!(is_there, "operation {} was not sent", operation.order);
        }
    }
}

/// Looks each unknown write up, as a person would, and says what became of it.
async fn decide(bench: &Bench, plan: &Plan, status: &RunStatus) {
    let service = bench.process().await;
    for operation in status.operations.iter().filter(|one| one.state == OperationState::Unknown) {
        let write = plan.find_operation(operation.order).and_then(Operation::write_request).unwrap();
        let target = format!("{} /{}", write.method, write.url.splitn(4, '/').nth(3).unwrap());
        let took_effect = bench.crm.state().effects.contains(&target);
        let decision =
            if took_effect { ResolveDecision::TookEffect } else { ResolveDecision::DidNotTakeEffect };
        service.resolve(&plan.contents().run, operation.order, decision, actor()).await.unwrap();
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn wherever_apply_stops_nothing_is_sent_twice_and_nothing_is_lost(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (needed, points) = (steps_needed(&bench).await, 16);

    for point in 0..points {
        let after = needed * point / points + 1;
        let bench = backend.start().await.unwrap();
        let plan = bench.plan().await;
        crash(&bench, &plan, after).await;
        assert!(was_idle(&bench).await || is_journaled(&bench, &plan), "after {after} steps");

        let mut status = apply(&bench.process().await, &plan).await.unwrap();
        check_honest(&bench, &plan, &status);
        assert!(most_often(&bench.crm.writes()) <= 1, "after {after} steps: {:?}", bench.crm.writes());
        decide(&bench, &plan, &status).await;
        status = apply(&bench.process().await, &plan).await.unwrap();
        decide(&bench, &plan, &status).await;
        bench.crm.state().end_jobs("FINISHED");
        status = apply(&bench.process().await, &plan).await.unwrap();

        assert!(most_often(&bench.crm.state().effects) <= 1, "after {after} steps");
        assert_eq!(status.outcome, Some(Outcome::Masked), "after {after} steps: {status:#?}");
        let verified = verify(&bench.process().await, &plan.contents().run).await.unwrap();
        assert!(verified.is_proven(), "after {after} steps: {:#?}", verified.certificate);
        assert!(is_journaled(&bench, &plan), "after {after} steps");
    }
}

/// Whether nothing outside was changed so far.
async fn was_idle(bench: &Bench) -> bool {
    let names = bench.shop_rows("SELECT name FROM customers WHERE id = 7").await;
    let addresses = bench.shop_rows("SELECT address FROM orders WHERE customer_id = 7").await;
    bench.crm.writes().is_empty() && names.iter().chain(&addresses).all(Option::is_some)
}

/// Whether the erasure stands in the journal, once.
fn is_journaled(bench: &Bench, plan: &Plan) -> bool {
    let entries = bench.journal().since(&bench.keys(), Timestamp::MIN).unwrap().entries;
    entries.iter().filter(|entry| entry.plan == plan.digest().to_string()).count() == 1
}

/// One write is planned, and none whose row would be missed when it is sent again.
async fn one_job() -> Bench {
    let bench = Backend::Sqlite.start().await.unwrap();
    sqlx::query("DELETE FROM customers").execute(&bench.shop).await.unwrap();
    bench.crm.state().contacts.clear();
    bench
}

/// Most times that the one write was sent, over crashes at every step, or at some of them.
async fn sent_at_most(every: usize) -> usize {
    let needed = steps_needed(&one_job().await).await;
    let mut most = 0;
    for after in (1..needed).rev().step_by(every) {
        let bench = one_job().await;
        let plan = bench.plan().await;
        crash(&bench, &plan, after).await;
        let _ = apply(&bench.process().await, &plan).await;
        most = most.max(most_often(&bench.crm.writes()));
        if most > 1 {
            break;
        }
    }
    most
}

#[tokio::test]
async fn a_job_is_asked_for_once_whenever_it_crashes() {
    assert_eq!(sent_at_most(8).await, 1);
}

/// The twin: with a write path that sends before its intent is durable the same crashes find a write
/// that was sent twice.
#[cfg(feature = "planted-defects")]
#[tokio::test]
async fn a_write_sent_before_its_intent_is_found_by_crashing() {
    engine::Defect::SendBeforeIntent.plant();

    assert!(sent_at_most(1).await > 1, "the defect went unnoticed");
}
