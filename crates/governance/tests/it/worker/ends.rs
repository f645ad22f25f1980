//! Access that ends at its time (governance GRA-3).

use std::sync::Arc;
use std::time::Duration;

use engine::{Concurrency, Limits};
use governance::change::{
    AccessChanges, Approval, ChangeParts, ChangeResult, ResourceName, TimedEnd, TimedGrant,
};
use governance::worker::EndOutcome;
use model::{Clock as _, RandomIds, RunId};
use sandbox::{Fault, FaultRule};
use store::{
    AccessEndFilter, AccessEndRetry, AccessEndState, Actor, BatonConnectorId, HeldAccess, NewAccessEnd,
    StoreError, Window,
};

use super::{LEASE, World, segment};
use crate::change::{changed, grant, options, revoke};

const HOUR: Duration = Duration::from_hours(1);

impl World {
    /// A role that a user does not hold.
    fn free(&self) -> (String, ResourceName) {
        (format!("role:{}:member", self.workspace.role("Tracking Plan Admin")), self.workspace.nth("user", 3))
    }

    async fn grant_for(&self, time: Duration) -> TimedGrant {
        let (entitlement, principal) = self.free();
        let until = self.clock.now() + time;
        let who = (entitlement.as_str(), &principal);
        let changes = self.workspace.changes();
        Box::pin(changes.grant_until(who, (Approval::Given, until), &Actor::system())).await.unwrap()
    }

    /// Changes by the clock of the store.
    fn changes(&self) -> AccessChanges {
        let parts = ChangeParts {
            connector: self.workspace.connector.clone(),
            store: self.store().clone(),
            limits: Concurrency::new(Limits::default()),
            clock: Arc::new(self.clock.clone()),
            ids: Arc::new(RandomIds),
            worker: "slow".to_owned(),
        };
        AccessChanges::new(parts).unwrap()
    }

    async fn states(&self) -> Vec<AccessEndState> {
        let all = self.store().access_end_list(AccessEndFilter::default(), Window::ALL).await.unwrap();
        all.items.into_iter().map(|end| end.state).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn access_for_a_time_is_taken_at_its_end_by_whichever_process_is_there() {
    let world = World::start(options()).await;
    let before = world.workspace.direct();

    let given = world.grant_for(2 * HOUR).await;
    let during = world.workspace.direct();
    let early = world.worker().end_due().await.unwrap();
    world.clock.advance(2 * HOUR);
    let reports = world.other("after the restart").await.end_due().await.unwrap();

    assert_eq!(given.report.result, ChangeResult::Confirmed);
    assert_eq!(changed(&before, &during).0.len(), 1);
    assert!(early.is_empty());
    assert!(
        matches!(&reports[0].outcome, EndOutcome::Taken(report) if report.result == ChangeResult::Confirmed)
    );
    assert_eq!((world.workspace.direct(), world.workspace.writes()), (before, 2));
    assert_eq!(world.states().await, [AccessEndState::Ended]);
    assert!(world.worker().end_due().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn access_that_was_there_before_stays_and_access_with_an_end_gets_another() {
    let world = World::start(options()).await;
    let (entitlement, principal) = world.free();
    world.workspace.apply(&grant(&entitlement, &principal)).await.unwrap();

    let there = world.grant_for(HOUR).await;
    world.workspace.apply(&revoke(&entitlement, &principal)).await.unwrap();
    let first = world.grant_for(HOUR).await;
    let later = world.grant_for(3 * HOUR).await;
    world.clock.advance(HOUR);
    let early = world.worker().end_due().await.unwrap();

    assert_eq!((there.report.result, there.end), (ChangeResult::Already, None));
    assert_eq!((later.report.result, world.workspace.writes()), (ChangeResult::Already, 3));
    assert_eq!(later.end.as_ref().unwrap().id, first.end.unwrap().id);
    assert!(early.is_empty());
    world.clock.advance(2 * HOUR);
    assert_eq!(world.worker().end_due().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn access_that_is_taken_by_hand_and_given_for_good_has_no_end_any_more() {
    let world = World::start(options()).await;
    let (entitlement, principal) = world.free();
    world.grant_for(HOUR).await;

    world.workspace.apply(&revoke(&entitlement, &principal)).await.unwrap();
    world.workspace.apply(&grant(&entitlement, &principal)).await.unwrap();
    world.clock.advance(2 * HOUR);
    let reports = world.worker().end_due().await.unwrap();

    assert_eq!(world.states().await, [AccessEndState::Ended]);
    assert!(reports.is_empty());
    assert_eq!(world.workspace.writes(), 3);
}

impl World {
    /// Takes access as somebody does of whom this store knows nothing.
    async fn take_elsewhere(&mut self) {
        let (entitlement, principal) = self.free();
        let (folder, own) = (tempfile::tempdir().unwrap(), self.workspace.store.clone());
        self.workspace.store = crate::workspace::store(folder.path()).await;
        self.workspace.apply(&revoke(&entitlement, &principal)).await.unwrap();
        self.workspace.store = own;
    }
}

// What was given first may only not be shown yet.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_stays_when_giving_the_access_once_more_fails() {
    let mut world = World::start(options()).await;
    let first = world.grant_for(HOUR).await.end.unwrap();
    world.take_elsewhere().await;
    let path = format!("/users/{}/permissions", world.free().1.id);
    let fails = FaultRule { times: u64::MAX, ..FaultRule::first("POST", &path, Fault::Rate429Bare) };
    world.workspace.sandbox.set_rules(vec![fails]);

    let again = world.grant_for(3 * HOUR).await;

    assert_eq!((again.report.result, again.end), (ChangeResult::Failed, None));
    let left = world.store().access_end_find(&first.id).await.unwrap().unwrap();
    assert_eq!((left.state, left.due_at), (AccessEndState::Open, first.due_at));
}

#[tokio::test(flavor = "multi_thread")]
async fn access_that_was_given_for_good_by_an_attempt_that_got_lost_has_no_end_any_more() {
    let mut world = World::start(options()).await;
    world.grant_for(HOUR).await;
    world.take_elsewhere().await;
    let (entitlement, principal) = world.free();
    let reads = Some(format!("/users/{}", principal.id));
    let (lost, unread) = (
        FaultRule::first("POST", &format!("/users/{}/permissions", principal.id), Fault::ResetAfter),
        FaultRule { method: Some("GET".to_owned()), path: reads, skip: 1, times: 40, fault: Fault::Rate500 },
    );
    world.workspace.sandbox.set_rules(vec![lost, unread]);
    let for_good = grant(&entitlement, &principal);
    let sent = world.workspace.apply(&for_good).await.unwrap();
    world.workspace.sandbox.set_rules(Vec::new());

    let again = world.workspace.apply(&for_good).await.unwrap();
    world.clock.advance(2 * HOUR);
    let reports = world.worker().end_due().await.unwrap();

    assert_eq!((sent.result, again.result), (ChangeResult::Unknown, ChangeResult::Already));
    assert_eq!(world.states().await, [AccessEndState::Void]);
    assert!(reports.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_whose_access_was_never_given_takes_nothing_from_who_holds_it_otherwise() {
    let world = World::start(options()).await;
    let (entitlement, principal) = world.free();
    // Noted, and killed before anything was sent; then somebody gives the same access elsewhere.
    let access = HeldAccess {
        entitlement: entitlement.clone(),
        principal_kind: principal.kind.clone(),
        principal_id: principal.id.clone(),
    };
    let run = RunId::new(&RandomIds);
    let due_at = world.clock.now() + HOUR;
    let new =
        NewAccessEnd { connection: &segment(), access: &access, run: &run, due_at, actor: Actor::system() };
    world.store().access_end_put(&new).await.unwrap();
    let (folder, own) = (tempfile::tempdir().unwrap(), world.workspace.store.clone());
    let mut world = world;
    world.workspace.store = crate::workspace::store(folder.path()).await;
    world.workspace.apply(&grant(&entitlement, &principal)).await.unwrap();
    world.workspace.store = own;
    let direct = world.workspace.direct();

    world.clock.advance(HOUR);
    let reports = world.worker().end_due().await.unwrap();

    assert_eq!(reports[0].outcome, EndOutcome::NothingGiven);
    assert_eq!((world.workspace.writes(), world.workspace.direct()), (1, direct));
    assert_eq!(world.states().await, [AccessEndState::Void]);
}

#[tokio::test(flavor = "multi_thread")]
async fn access_that_cannot_be_taken_now_is_taken_later_and_told_meanwhile() {
    let world = World::start(options()).await;
    world.grant_for(HOUR).await;
    let way = (world.workspace.connector.clone(), "1".to_owned());
    world.line.set(Err("the secret `access_token` is missing".to_owned()));
    world.clock.advance(HOUR);

    let first = world.worker().end_due().await.unwrap();
    let at_once = world.worker().end_due().await.unwrap();
    world.clock.advance(Duration::from_mins(1));
    let second = world.worker().end_due().await.unwrap();
    world.line.set(Ok(way));
    world.clock.advance(Duration::from_mins(2));
    let third = world.worker().end_due().await.unwrap();

    let stays = |reports: &[governance::worker::EndReport]| match &reports[0].outcome {
        EndOutcome::Stays { reason, next_at } => (reason.clone(), *next_at),
        other => panic!("{other:?}"),
    };
    assert_eq!(stays(&first).0, "the secret `access_token` is missing");
    assert!(at_once.is_empty() && stays(&second).1 > stays(&first).1);
    assert!(matches!(third[0].outcome, EndOutcome::Taken(_)), "{third:?}");
    assert_eq!(world.states().await, [AccessEndState::Ended]);
    let told = world.store().message_list(store::MessageFilter::default(), Window::ALL).await.unwrap();
    assert_eq!((told.total, told.items[0].kind), (1, store::MessageKind::AccessStays));
}

// rule: governance CON-25
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_a_person_puts_ends_off_and_going_on_brings_them() {
    let world = World::start(options()).await;
    world.worker().work_off().await.unwrap();
    world.grant_for(HOUR).await;
    let pat = || Actor::person("pat");
    world.store().connection_sync_pause(&segment(), "maintenance", pat()).await.unwrap();
    world.clock.advance(HOUR);

    let paused = world.worker().end_due().await.unwrap();
    world.store().connection_sync_resume(&segment(), pat()).await.unwrap();
    let resumed = world.worker().end_due().await.unwrap();

    assert!(matches!(&paused[0].outcome, EndOutcome::Stays { reason, .. } if reason.contains("maintenance")));
    assert!(matches!(resumed[0].outcome, EndOutcome::Taken(_)), "{resumed:?}");
}

// rule: governance CON-25
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_a_connection_that_is_read_elsewhere_puts_ends_off_too() {
    let world = World::start(options()).await;
    world.grant_for(HOUR).await;
    let (store, pat) = (world.store(), || Actor::person("pat"));
    let id = BatonConnectorId::parse(&"0".repeat(27)).unwrap();
    store.baton_connector_register(&id, &segment(), pat()).await.unwrap();
    store.baton_connector_pause(&id, "maintenance", pat()).await.unwrap();
    world.clock.advance(HOUR);

    let paused = world.worker().end_due().await.unwrap();
    let writes = world.workspace.writes();
    store.baton_connector_resume(&id, pat()).await.unwrap();
    let resumed = world.worker().end_due().await.unwrap();

    assert!(matches!(&paused[0].outcome, EndOutcome::Stays { reason, .. } if reason.contains("maintenance")));
    assert_eq!(writes, 1, "the grant alone");
    assert!(matches!(resumed[0].outcome, EndOutcome::Taken(_)), "{resumed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_whose_process_was_killed_is_carried_out_by_another_with_one_write() {
    let world = World::start(options()).await;
    world.grant_for(HOUR).await;
    world.clock.advance(HOUR);
    world.store().access_end_claim("dead", LEASE).await.unwrap().unwrap();

    let other = world.other("other").await;
    let early = other.end_due().await.unwrap();
    world.clock.advance(LEASE);
    let (one, two) = (world.worker(), other);
    let (first, second) = tokio::join!(one.end_due(), two.end_due());

    assert!(early.is_empty());
    assert_eq!(first.unwrap().len() + second.unwrap().len(), 1);
    assert_eq!(world.workspace.writes(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_give_the_same_for_a_time_neither_leaves_it_without_an_end() {
    let world = World::start(options()).await;
    let before = world.workspace.direct();

    let (one, other) = tokio::join!(world.grant_for(HOUR), world.grant_for(2 * HOUR));
    let (given, states) = (world.workspace.writes(), world.states().await);
    world.clock.advance(2 * HOUR);
    let reports = world.worker().end_due().await.unwrap();

    let mut results = [one.report.result.as_str(), other.report.result.as_str()];
    results.sort_unstable();
    assert_eq!((results, given), (["already", "confirmed"], 1));
    assert_eq!(one.end.unwrap().id, other.end.unwrap().id);
    assert_eq!(states, [AccessEndState::Open]);
    assert_eq!(reports.len(), 1);
    assert_eq!((world.workspace.direct(), world.workspace.writes()), (before, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn access_that_gets_another_time_while_it_is_being_taken_stays_until_then() {
    let world = World::start(options()).await;
    world.grant_for(HOUR).await;
    world.clock.advance(HOUR);
    let taken = world.store().access_end_claim("slow", LEASE).await.unwrap().unwrap();

    let later = world.grant_for(2 * HOUR).await;
    let changes = world.changes();
    let put_off = Box::pin(changes.end(&taken.end, &Actor::system())).await.unwrap();
    let next_at = world.clock.now() + Duration::from_mins(1);
    let retry = AccessEndRetry { error: "it failed meanwhile", next_at, is_told: false };
    let fenced = world.store().access_end_retry(&taken.lease, &retry).await;
    world.clock.advance(Duration::from_mins(1));
    let early = world.worker().end_due().await.unwrap();
    world.clock.advance(2 * HOUR);
    let done = world.worker().end_due().await.unwrap();

    assert_eq!((later.report.result, put_off), (ChangeResult::Already, TimedEnd::PutOff));
    assert!(
        matches!(fenced, Err(StoreError::Fenced { .. })),
        "its new time is nobody else's to change: {fenced:?}"
    );
    assert!(early.is_empty(), "{early:?}");
    assert!(matches!(&done[0].outcome, EndOutcome::Taken(_)), "{done:?}");
    assert_eq!(world.workspace.writes(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_failed_by_a_clock_that_was_ahead_is_tried_again_by_the_right_one() {
    let world = World::start(options()).await;
    let way = (world.workspace.connector.clone(), "1".to_owned());
    world.grant_for(HOUR).await;
    let due = world.clock.now() + HOUR;
    world.line.set(Err("the secret `access_token` is missing".to_owned()));
    world.clock.advance(Duration::from_hours(24 * 365));
    let ahead = world.worker().end_due().await.unwrap();
    world.line.set(Ok(way));
    world.clock.set(due);

    let before = world.worker().end_due().await.unwrap();
    world.worker().work_off().await.unwrap();
    let after = world.worker().end_due().await.unwrap();

    assert!(matches!(ahead[0].outcome, EndOutcome::Stays { .. }), "{ahead:?}");
    assert!(before.is_empty());
    assert!(matches!(after[0].outcome, EndOutcome::Taken(_)), "{after:?}");
    assert_eq!(world.states().await, [AccessEndState::Ended]);
}
