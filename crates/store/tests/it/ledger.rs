use futures::FutureExt as _;
use futures::future::maybe_done;
use model::Outcome;
use rstest::rstest;
use store::{
    Actor, ClaimedTask, Effect, EndedWrite, Intent, LedgerEnd, LedgerState, NewIntent, PlanDigest,
    Resolution, ResolvedBy, StoreError,
};

use crate::bench::{Backend, LEASE};

fn intent(claimed: &ClaimedTask, plan: &PlanDigest, operation: u32, attempt: u32) -> NewIntent {
    NewIntent { lease: claimed.lease.clone(), plan: plan.clone(), operation, attempt }
}

fn erased(sent: &Intent) -> EndedWrite {
    let end = LedgerEnd::Applied(Outcome::Erased);
    EndedWrite { id: sent.id().clone(), end, detail: Some("http_204".to_owned()), job: None }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_operation_goes_from_planned_over_intent_to_its_outcome(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (claimed, plan) = bench.applying(2).await;

    let first = bench.store.ledger_intent(intent(&claimed, &plan, 0, 1)).await.unwrap();
    let ended = erased(&first);
    let second = bench.store.ledger_advance(&ended, intent(&claimed, &plan, 1, 1)).await.unwrap();

    let list = bench.again().await.ledger_list(&plan).await.unwrap();
    assert_eq!(
        (list[0].state, list[0].outcome, list[0].effect),
        (LedgerState::Outcome, Some(Outcome::Erased), Some(Effect::Applied))
    );
    assert_eq!(list[0].detail.as_deref(), Some("http_204"));
    assert_eq!((list[1].state, &list[1].id, list[1].effect), (LedgerState::Intent, second.id(), None));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_plan_that_nobody_approved_gets_no_intent(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let run = bench.run(&["apply"]).await;
    let plan = PlanDigest::of(b"unapproved");
    let new =
        store::NewPlan { digest: plan.clone(), run, body: b"{}", operations: 1, actor: Actor::system() };
    bench.store.plan_put(&new).await.unwrap();
    let claimed = bench.claim().await;

    let unapproved = bench.store.ledger_intent(intent(&claimed, &plan, 0, 1)).await.unwrap_err();
    bench.store.plan_approve(&plan, Actor::person("pat")).await.unwrap();
    let not_in_it = bench.store.ledger_intent(intent(&claimed, &plan, 1, 1)).await.unwrap_err();

    assert!(matches!(unapproved, StoreError::Conflict { what: "plan", .. }), "{unapproved:?}");
    assert!(matches!(not_in_it, StoreError::NotFound { what: "operation", .. }), "{not_in_it:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn there_is_never_a_blind_second_send(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (claimed, plan) = bench.applying(3).await;
    let refused = async |operation, attempt| {
        let result = bench.store.ledger_intent(intent(&claimed, &plan, operation, attempt)).await;
        assert!(matches!(result, Err(StoreError::Conflict { .. })), "{operation}/{attempt}: {result:?}");
    };

    // An intent whose outcome is open.
    let first = bench.store.ledger_intent(intent(&claimed, &plan, 0, 1)).await.unwrap();
    refused(0, 1).await;
    refused(0, 2).await;
    // One that took effect.
    bench.store.ledger_outcome(first.id(), LedgerEnd::Applied(Outcome::Erased), None).await.unwrap();
    refused(0, 1).await;
    refused(0, 2).await;
    // One that nobody knows about.
    let second = bench.store.ledger_intent(intent(&claimed, &plan, 1, 1)).await.unwrap();
    bench.store.ledger_outcome(second.id(), LedgerEnd::Unknown, Some("timeout")).await.unwrap();
    refused(1, 2).await;
    // An attempt that skips one.
    refused(2, 2).await;

    // What certainly had no effect may be tried again, and only once at a time.
    let third = bench.store.ledger_intent(intent(&claimed, &plan, 2, 1)).await.unwrap();
    bench
        .store
        .ledger_outcome(third.id(), LedgerEnd::NotApplied(Outcome::Failed), Some("http_429"))
        .await
        .unwrap();
    bench.store.ledger_intent(intent(&claimed, &plan, 2, 2)).await.unwrap();
    refused(2, 2).await;
    refused(2, 3).await;
}

// rule: governance GRA-3: what was refused gave nothing that could be taken again
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_run_has_sent_what_may_have_had_an_effect(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (claimed, plan) = bench.applying(1).await;
    let run = claimed.lease.run.clone();
    let has_sent = async || bench.store.run_has_sent(&run).await.unwrap();

    let planned = has_sent().await;
    let first = bench.store.ledger_intent(intent(&claimed, &plan, 0, 1)).await.unwrap();
    let sent = has_sent().await;
    let refused = LedgerEnd::NotApplied(Outcome::Failed);
    bench.store.ledger_outcome(first.id(), refused, Some("http_409")).await.unwrap();
    let without_effect = has_sent().await;
    let second = bench.store.ledger_intent(intent(&claimed, &plan, 0, 2)).await.unwrap();
    bench.store.ledger_outcome(second.id(), LedgerEnd::Unknown, Some("timeout")).await.unwrap();
    let unknown = has_sent().await;

    assert_eq!([planned, sent, without_effect, unknown], [false, true, false, true]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_fenced_worker_gets_no_intent_but_may_still_say_what_it_learned(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (silent, plan) = bench.applying(2).await;
    let sent = bench.store.ledger_intent(intent(&silent, &plan, 0, 1)).await.unwrap();
    bench.clock.advance(LEASE);
    bench.claim().await;

    let refused = bench.store.ledger_intent(intent(&silent, &plan, 1, 1)).await;
    let unknown = bench.store.ledger_unknown(&silent.lease.run).await.unwrap();
    bench.store.ledger_outcome(sent.id(), LedgerEnd::Applied(Outcome::Erased), None).await.unwrap();

    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    assert_eq!(unknown.iter().map(|entry| &entry.id).collect::<Vec<_>>(), [sent.id()]);
    assert!(bench.store.ledger_unknown(&silent.lease.run).await.unwrap().is_empty());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_fenced_worker_settles_nothing_and_gives_nothing_up(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (silent, plan) = bench.applying(2).await;
    let lost = bench.store.ledger_intent(intent(&silent, &plan, 0, 1)).await.unwrap();
    bench.clock.advance(LEASE);
    let next = bench.claim().await;
    bench.store.ledger_unknown(&next.lease.run).await.unwrap();
    let own = bench.store.ledger_intent(intent(&next, &plan, 1, 1)).await.unwrap();
    let gone = Resolution::Applied(Outcome::Erased, ResolvedBy::Read);

    let refused = [
        bench.store.ledger_found_out(&silent.lease, lost.id(), &gone).await,
        bench.store.ledger_give_up(&silent.lease, own.id()).await,
        // Held, but sent by another.
        bench.store.ledger_give_up(&next.lease, lost.id()).await,
    ];
    bench.store.ledger_found_out(&next.lease, lost.id(), &gone).await.unwrap();
    bench.store.ledger_give_up(&next.lease, own.id()).await.unwrap();

    for refused in refused {
        assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    }
    let list = bench.store.ledger_list(&plan).await.unwrap();
    assert_eq!([list[0].state, list[1].state], [LedgerState::Resolved, LedgerState::Unknown]);
    assert_eq!([list[0].fence, list[1].fence], [Some(silent.lease.fence), Some(next.lease.fence)]);
}

/// The twin of the test above: with the fence forgotten, the same silent worker gets its intent.
#[cfg(feature = "planted-defects")]
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn planted_defect_without_its_fence_a_silent_worker_would_send(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (silent, plan) = bench.applying(2).await;
    bench.clock.advance(LEASE);
    bench.claim().await;

    bench.store.forget_fences();
    let through = bench.store.ledger_intent(intent(&silent, &plan, 1, 1)).await;

    assert!(through.is_ok(), "{through:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_intent_under_way_is_not_unknown_until_its_worker_is_gone(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (claimed, plan) = bench.applying(1).await;
    let run = claimed.lease.run.clone();
    bench.store.ledger_intent(intent(&claimed, &plan, 0, 1)).await.unwrap();

    let during = bench.store.ledger_unknown(&run).await.unwrap();
    bench.clock.advance(LEASE);
    let after = bench.store.ledger_unknown(&run).await.unwrap();

    assert!(during.is_empty());
    assert_eq!(
        (after.len(), after[0].state, after[0].outcome),
        (1, LedgerState::Unknown, Some(Outcome::Unknown))
    );
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_is_unknown_is_settled_once_and_only_then_repeated(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (claimed, plan) = bench.applying(3).await;
    let mut sent = Vec::new();
    for operation in 0..3 {
        let one = bench.store.ledger_intent(intent(&claimed, &plan, operation, 1)).await.unwrap();
        bench.store.ledger_outcome(one.id(), LedgerEnd::Unknown, Some("reset")).await.unwrap();
        sent.push(one);
    }
    let settle = async |at: usize, resolution| bench.store.ledger_resolve(sent[at].id(), &resolution).await;

    settle(0, Resolution::Applied(Outcome::Erased, ResolvedBy::Read)).await.unwrap();
    settle(1, Resolution::NotApplied(ResolvedBy::Person(Actor::person("pat")))).await.unwrap();
    settle(2, Resolution::Repeat).await.unwrap();
    let twice = settle(0, Resolution::Repeat).await;
    let late = bench.store.ledger_outcome(sent[1].id(), LedgerEnd::Applied(Outcome::Erased), None).await;

    assert!(matches!(twice, Err(StoreError::Conflict { .. })), "{twice:?}");
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    let again =
        async |operation| bench.store.ledger_intent(intent(&claimed, &plan, operation, 2)).await.is_ok();
    assert_eq!((again(0).await, again(1).await, again(2).await), (false, true, true));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_cancelled_run_gets_no_intent(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (claimed, plan) = bench.applying(1).await;

    bench.store.run_cancel(&claimed.lease.run, Actor::person("pat")).await.unwrap();
    let refused = bench.store.ledger_intent(intent(&claimed, &plan, 0, 1)).await;

    assert!(matches!(refused, Err(StoreError::Conflict { what: "run", .. })), "{refused:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn many_intents_share_a_commit_and_one_refused_among_them_hurts_nobody(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (claimed, plan) = bench.applying(32).await;
    let before = bench.store.ledger_counts();

    // Operation 32 does not exist; operation 0 is asked for twice.
    let asked = (0..=32).chain([0]);
    let results = futures::future::join_all(
        asked.map(|number| bench.store.ledger_intent(intent(&claimed, &plan, number, 1))),
    )
    .await;

    let granted = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(granted, 32);
    let after = bench.store.ledger_counts();
    assert_eq!(after.writes - before.writes, 34);
    assert!(after.commits - before.commits <= 4, "{after:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_leader_that_is_given_up_leaves_nobody_waiting(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (claimed, plan) = bench.applying(9).await;
    // Polled a few times and dropped: somewhere between asking and the commit.
    for polls in 1..8 {
        let mut leader = Box::pin(bench.store.ledger_intent(intent(&claimed, &plan, 0, 1)).fuse());
        let follower = bench.store.ledger_intent(intent(&claimed, &plan, polls, 1));
        let mut follower = Box::pin(maybe_done(follower));
        for _ in 0..polls {
            let _ = futures::poll!(leader.as_mut());
            let _ = futures::poll!(follower.as_mut());
        }
        drop(leader);

        follower.as_mut().await;
        let followed = follower.as_mut().take_output().unwrap();

        assert!(followed.is_ok(), "{polls}: {followed:?}");
    }
}

/// Eight workers, four writes each after another: intents and outcomes share commits.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn eight_workers_wait_for_the_disk_at_most_once_per_write(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let mut workers = Vec::new();
    for _ in 0..8 {
        workers.push(bench.applying(4).await);
    }
    let before = bench.store.ledger_counts().commits;

    let work = async |(claimed, plan): &(ClaimedTask, PlanDigest)| {
        let mut sent = bench.store.ledger_intent(intent(claimed, plan, 0, 1)).await.unwrap();
        for next in 1..4 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            let ended = erased(&sent);
            sent = bench.store.ledger_advance(&ended, intent(claimed, plan, next, 1)).await.unwrap();
        }
        bench.store.ledger_outcome(sent.id(), LedgerEnd::Applied(Outcome::Erased), None).await.unwrap();
    };
    futures::future::join_all(workers.iter().map(work)).await;

    let commits = bench.store.ledger_counts().commits - before;
    assert!(commits <= 32, "{commits} commits for 32 writes");
}
