//! Events of use, kept beside the inventory: what is read on, what is missing, and what follows from it.

use std::sync::Arc;
use std::time::Duration;

use connector::Connector;
use engine::{Concurrency, Limits};
use governance::activity::{ActivityLog, ActivityOutcome, KeepActivityError, KeptActivity};
use governance::inventory::{
    ActivityStanding, At, Inventory, UnusedAccounts, UnusedGrants, UnusedQuery, Usage, UseEvidence,
    UseSource, UseWindow, find_state, forget,
};
use jiff::{SignedDuration, Timestamp};
use model::Clock as _;
use sandbox::{Fault, FaultRule};
use serde_json::json;
use store::{ActivityState, SyncLogLevel, Window};

use super::{World, segment};
use crate::change::options;
use crate::planted::changed;
use crate::workspace::{FILE, HOST, connect};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

impl World {
    async fn keep(&self, since: Option<Timestamp>) -> Result<KeptActivity, KeepActivityError> {
        self.keep_by(&self.workspace.connector, since).await
    }

    async fn keep_by(
        &self,
        connector: &Connector,
        since: Option<Timestamp>,
    ) -> Result<KeptActivity, KeepActivityError> {
        let bound = Concurrency::new(Limits::default());
        let log = ActivityLog::new(connector.clone(), bound, Arc::new(self.clock.clone())).unwrap();
        log.keep(self.store(), since).await
    }

    /// Time passes, here and there.
    fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.workspace.sandbox.advance(time);
    }

    fn days_ago(&self, days: i64) -> Timestamp {
        self.clock.now() - SignedDuration::from_hours(24 * days)
    }

    async fn activity(&self) -> Option<ActivityState> {
        self.store().activity_find(&segment()).await.unwrap()
    }

    /// No list of events is answered any more.
    fn break_events(&self) {
        let rule = FaultRule::first("GET", "/audit-events", Fault::Rate500);
        self.workspace.sandbox.set_rules(vec![FaultRule { times: u64::MAX, ..rule }]);
    }

    /// The inventory that is in force, what is known of use, and the days before it was true.
    async fn used(&self, days: u64) -> (Inventory, Usage, UseWindow) {
        let state = find_state(self.store(), &segment(), &At::Now).await.unwrap().unwrap();
        let inventory = Inventory::open(self.store(), &state).await.unwrap();
        let usage = Usage::load(self.store(), &segment(), &inventory).await.unwrap();
        (inventory, usage, UseWindow::before(state.head.seen_at, Duration::from_hours(24 * days)).unwrap())
    }

    async fn says(&self, level: SyncLogLevel, text: &str) -> bool {
        let log = self.store().connection_sync_log_list(&segment(), None, Window::ALL).await.unwrap();
        log.items.iter().any(|line| line.level == level && line.line.contains(text))
    }
}

// rule: governance AUT-2
#[tokio::test(flavor = "multi_thread")]
async fn events_are_read_on_from_where_they_ended() {
    let world = World::start(options()).await;
    let minute = SignedDuration::from_mins(1);

    let first = world.keep(None).await.unwrap();
    let begun = world.clock.now();
    world.pass(5 * HOUR);
    let second = world.keep(None).await.unwrap();
    let again = world.keep(Some(world.days_ago(365))).await.unwrap();

    assert_eq!(first.report.outcome, ActivityOutcome::Complete, "{first:?}");
    assert!(first.report.events > 0);
    let span = first.state.span.unwrap();
    assert_eq!((span.from, span.until), (begun - SignedDuration::from_hours(90 * 24) + minute, begun));
    assert_eq!(second.report.since, begun - SignedDuration::from_hours(1), "late events are read once more");
    assert_eq!(second.report.events, 0, "nothing happened");
    let span = second.state.span.unwrap();
    assert_eq!((span.from, span.until), (first.state.span.unwrap().from, world.clock.now()));
    assert_eq!(again.report.outcome, ActivityOutcome::Complete, "what is forgotten is not asked for");
    assert_eq!(again.state.span, second.state.span);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_failed_stands_with_what_was_read_before_and_is_made_up_for() {
    let world = World::start(options()).await;
    let first = world.keep(None).await.unwrap().state;
    world.pass(DAY);
    world.break_events();

    let failed = world.keep(None).await.unwrap_err();
    let known = world.activity().await.unwrap();
    world.workspace.sandbox.set_rules(Vec::new());
    let made_up = world.keep(None).await.unwrap();

    assert!(matches!(failed, KeepActivityError::Activity(_)), "{failed}");
    assert_eq!((known.span, known.tried_at), (first.span, world.clock.now()));
    assert!(known.reason.as_deref().unwrap().contains("500"), "{known:?}");
    assert_eq!(made_up.state.reason, None);
    let span = made_up.state.span.unwrap();
    assert_eq!((span.from, span.until), (first.span.unwrap().from, world.clock.now()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_not_understood_leaves_a_gap_and_the_others_count() {
    let world = World::start(options()).await;
    let not_added = "action: 'item.type == \"User Added To User Group\" ? null : item.type'";
    let file = changed("action: item.type", not_added);
    let url = world.workspace.sandbox.url();
    let token = world.workspace.sandbox.description().tokens.access_token.clone();
    let secrets = vec![("domain".to_owned(), json!(HOST)), ("access_token".to_owned(), json!(token))];
    let connector = connect("segment", &file, (HOST, &url), secrets);
    let whole = world.keep(None).await.unwrap().report;
    world.worker().work_off().await.unwrap();
    let other = World::start(options()).await;

    let kept = other.keep_by(&connector, None).await.unwrap();

    assert!(kept.report.not_understood > 0 && kept.report.events > 0, "{kept:?}");
    assert_eq!(kept.report.events + kept.report.not_understood, whole.events);
    assert_eq!((kept.report.outcome, kept.state.span), (ActivityOutcome::Incomplete, None));
    assert!(kept.state.reason.as_deref().unwrap().contains("`action`"), "{kept:?}");
    let (inventory, usage, window) = world.used(80).await;
    assert_eq!(usage.evidence(&window).standing, ActivityStanding::Complete);
    let partly = Usage::load(other.store(), &segment(), &inventory).await.unwrap();
    let seen = inventory.accounts().filter(|account| partly.last_event(*account).is_some()).count();
    assert_eq!(seen, 1, "what was read counts");
    assert_eq!(partly.evidence(&window).standing, ActivityStanding::Incomplete);
}

// rule: governance AUT-2, AUT-7
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_reads_the_events_and_what_they_do_not_tell_of_is_unused() {
    let world = World::start(options()).await;

    world.worker().work_off().await.unwrap();

    let (inventory, usage, window) = world.used(80).await;
    assert_eq!(usage.evidence(&window).standing, ActivityStanding::Complete);
    assert!(world.says(SyncLogLevel::Info, "events of use were read").await);
    let query = UnusedQuery { window, by: UseSource::All, then: None };
    let accounts = UnusedAccounts::find(&inventory, &usage, &query);
    let all = inventory.accounts().filter(|account| inventory.account(*account).is_some());
    let actors: Vec<_> = all.filter(|account| usage.last_event(*account).is_some()).collect();
    assert_eq!(actors.len(), 1, "one did everything");
    assert_eq!(accounts.used, 1);
    assert!(accounts.get(actors[0]).is_none() && !accounts.unused.is_empty());
    assert!(accounts.unused.iter().all(|one| one.by == UseEvidence::Activity));
    let grants = UnusedGrants::find(&inventory, &usage, &query);
    assert!(!grants.unused.is_empty());
    assert!(grants.unused.iter().all(|one| one.grant.principal != actors[0]), "events tell of no thing");
}

// rule: governance AUT-2
#[tokio::test(flavor = "multi_thread")]
async fn events_that_cannot_be_read_fail_no_sync_and_make_nobody_unused() {
    let world = World::start(options()).await;
    world.worker().work_off().await.unwrap();
    world.pass(DAY);
    world.break_events();

    let done = world.worker().work_off().await.unwrap();

    let status = world.status().await;
    assert_eq!((done, status.failures, status.last_error), (1, 0, None));
    assert!(world.says(SyncLogLevel::Warning, "events of use were not read").await);
    let (inventory, usage, window) = world.used(80).await;
    let evidence = usage.evidence(&window);
    assert_eq!(evidence.standing, ActivityStanding::Incomplete);
    assert!(evidence.reason.as_deref().unwrap().contains("500"), "{evidence:?}");
    let query = UnusedQuery { window, by: UseSource::All, then: None };
    let accounts = UnusedAccounts::find(&inventory, &usage, &query);
    assert_eq!((accounts.unused.len(), accounts.used), (0, 1));
    assert_eq!(accounts.unknown.len() + 1, inventory.accounts().count());
    assert_eq!(UnusedGrants::find(&inventory, &usage, &query).unused, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_without_events_is_not_asked_for_any() {
    let world = World::start(options()).await;
    let without = FILE.split("\n  activity:").next().unwrap();
    let url = world.workspace.sandbox.url();
    let token = world.workspace.sandbox.description().tokens.access_token.clone();
    let secrets = vec![("domain".to_owned(), json!(HOST)), ("access_token".to_owned(), json!(token))];
    world.line.set(Ok((connect("segment", without, (HOST, &url), secrets), "2".to_owned())));

    world.worker().work_off().await.unwrap();

    assert_eq!(world.status().await.last_error, None);
    assert_eq!(world.activity().await, None);
    let (_, usage, window) = world.used(80).await;
    assert_eq!(usage.evidence(&window).standing, ActivityStanding::None);
}

// rule: architecture §13.7
#[tokio::test(flavor = "multi_thread")]
async fn what_was_used_longer_ago_than_it_is_kept_is_not_taken_for_unused() {
    let world = World::start(options()).await;
    world.worker().work_off().await.unwrap();
    let (inventory, usage, window) = world.used(80).await;
    assert_eq!(usage.evidence(&window).standing, ActivityStanding::Complete);

    forget(world.store(), world.days_ago(30)).await.unwrap();

    let usage = Usage::load(world.store(), &segment(), &inventory).await.unwrap();
    assert_eq!(usage.evidence(&window).standing, ActivityStanding::Incomplete);
    let short = UseWindow::before(window.until, 29 * DAY).unwrap();
    assert_eq!(usage.evidence(&short).standing, ActivityStanding::Complete);
}
