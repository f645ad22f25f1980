//! Two servers and two workers on PostgreSQL that are killed every second, with a mix of requests about
//! people of the simulated Segment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sandbox::segment::SegmentSandbox;
use sandbox::{Fault, FaultRule};

use crate::fleet::{Fleet, Kind};
use crate::segment_office::{self as office, Asked, Wish};
use crate::sweep_database::Place;

/// In the ordinary suite; `TUTELA_TEST_REQUESTS` names another number.
const REQUESTS: usize = 60;
/// Between two kills.
const KILL_EVERY: Duration = Duration::from_secs(1);
/// Longest wait for the end, and for each request besides.
const LIMIT: Duration = Duration::from_mins(2);
const LIMIT_EACH: Duration = Duration::from_secs(1);

/// Regulations that meet a fault: taken, or not, and never answered, so that whoever sent them is
/// killed before they know.
fn unanswered() -> Vec<FaultRule> {
    let rule = |skip, fault| FaultRule { skip, ..FaultRule::first("POST", "/regulations", fault) };
    let taken = [0, 5, 9, 14].map(|skip| rule(skip, Fault::HoldAfter));
    let lost = [3, 11].map(|skip| rule(skip, Fault::HoldBefore));
    [&taken[..], &lost].concat()
}

/// What came of a run.
struct Run {
    /// What is wrong on Segment's side.
    outside: Vec<String>,
    /// What is wrong as those who asked see it.
    inside: Vec<String>,
    kills: usize,
}

/// Makes the requests and lets them be worked off while processes are killed; `None` without a server.
async fn run((requests, wishes): (usize, &[Wish]), defect: Option<&str>) -> Option<Run> {
    let place = Place::on_server("four")?;
    place.renew().await;
    let vendor = office::vendor().await;
    let mut program = office::program(&vendor);
    let mut rules = unanswered();
    if let Some(defect) = defect {
        // Nobody hears of the first writes: they are still waited for when their process is killed.
        let taken = FaultRule::first("POST", "/regulations", Fault::HoldAfter);
        rules = (0..4).map(|skip| FaultRule { skip, ..taken.clone() }).collect();
        program = program.with_environment("TUTELA_DEFECT", defect);
        program = program.with_environment("TUTELA_EGRESS_READ_TIMEOUT_MS", "20000");
    }
    let program = Arc::new(program);
    let kinds = [Kind::Serve, Kind::Serve, Kind::Worker, Kind::Worker];
    let mut fleet = Fleet::start(Arc::clone(&program), &kinds, &["--state", &place.url()]).await;
    let caller = fleet.caller().await;
    office::set_up(&caller, &vendor).await;
    vendor.set_rules(rules);

    let over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&over);
    let killing = tokio::spawn(async move {
        while !told.load(Ordering::Relaxed) {
            tokio::time::sleep(KILL_EVERY).await;
            fleet.kill_one();
        }
        fleet
    });
    let asked = office::ask(&caller, wishes.iter().copied().cycle().take(requests)).await;
    let limit = LIMIT + LIMIT_EACH * u32::try_from(requests).unwrap();
    let statuses = if defect.is_some() {
        twice(&vendor, &asked).await;
        BTreeMap::new()
    } else {
        office::settled(&caller, &vendor, limit).await
    };
    over.store(true, Ordering::Relaxed);
    let fleet = killing.await.unwrap();

    let mut inside = Vec::new();
    if statuses.len() != requests {
        inside.push(format!("{requests} were asked for, and there are {}", statuses.len()));
    }
    for one in asked.iter().filter(|_| defect.is_none()) {
        inside.extend(office::wrong_with(&caller, &program, one).await);
    }
    inside.extend(caller.troubles().into_keys().filter(|trouble| trouble.starts_with("500")));
    if !inside.is_empty() {
        inside.push(fleet.said());
    }
    let run = Run { outside: office::wrongs_of(&vendor, &asked), inside, kills: fleet.kills };
    drop(fleet);
    place.drop_all().await;
    assert_eq!(
        asked.iter().map(|Asked { id, .. }| id).collect::<std::collections::HashSet<_>>().len(),
        requests
    );
    Some(run)
}

/// Waits until something was written twice; not for ever.
async fn twice(vendor: &SegmentSandbox, asked: &[Asked]) {
    let begun = Instant::now();
    let is_there = || office::wrongs_of(vendor, asked).iter().any(|wrong| wrong.contains("2 × "));
    while !is_there() && begun.elapsed() < LIMIT {
        tokio::time::sleep(KILL_EVERY).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_are_killed_every_second_lose_nothing_and_send_nothing_twice() {
    let number = std::env::var("TUTELA_TEST_REQUESTS").ok().and_then(|text| text.parse().ok());

    let Some(run) = run((number.unwrap_or(REQUESTS), &Wish::MIX), None).await else { return };

    assert_eq!(run.outside, Vec::<String>::new());
    assert_eq!(run.inside, Vec::<String>::new());
    assert!(run.kills > 5, "only {} were killed", run.kills);
}

/// The same test finds what it is there to find: with writes that are sent before they are noted, whoever
/// comes after a killed process knows nothing of them.
#[cfg(feature = "planted-defects")]
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_sent_before_it_is_noted_is_found() {
    let Some(run) = run((4, &[Wish::Erasure]), Some("send_before_intent")).await else { return };

    assert!(run.outside.iter().any(|wrong| wrong.contains("2 × ")), "{:?}", run.outside);
}
