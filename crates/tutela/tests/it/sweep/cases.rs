//! The sweep itself.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sandbox::Fault;

use crate::sweep::points;
use crate::sweep::scenario::{Disturbance, PHASES, Phase, Stage};
use crate::sweep::world::World;
use crate::sweep_database::Flavour;

/// Cases at once: most of their time they wait for a lease to end.
const WORKERS: usize = 4;
/// Cases between two words about how far it is.
const TELL_EVERY: usize = 50;
/// A process that is gone is taken over from within this time.
const TAKE_OVER: Duration = Duration::from_secs(5);

/// What goes wrong with a write besides the process.
const FAULTS: [Fault; 8] = [
    Fault::HoldBefore,
    Fault::HoldAfter,
    Fault::ResetBefore,
    Fault::ResetAfter,
    Fault::Rate500,
    Fault::ErrorAfter,
    Fault::Rate429,
    Fault::Malformed,
];

/// Sets up a stage on a runtime that lives as long as the test.
fn stage(runtime: &tokio::runtime::Runtime, flavour: Flavour) -> Option<Stage> {
    runtime.block_on(World::new(flavour)).map(Stage::new)
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Says how far the long sweep is.
#[expect(clippy::print_stderr, reason = "nobody waits for hours without a word")]
fn tell(text: &str) {
    eprintln!("{text}");
}

/// Runs all cases, several at once, and fails with all that is wrong.
fn sweep(flavour: Flavour, cases: impl FnOnce(&Stage) -> Vec<Disturbance>) {
    let runtime = runtime();
    let Some(first) = stage(&runtime, flavour) else { return };
    let cases = Mutex::new(VecDeque::from(cases(&first)));
    let (total, wrong) = (cases.lock().unwrap().len(), Mutex::new(Vec::new()));
    let done = AtomicUsize::new(0);
    let work = |mut stage: Stage| {
        loop {
            let Some(case) = cases.lock().unwrap().pop_front() else { break };
            let result = stage.run(&case);
            let mut problems: Vec<String> =
                result.violations.iter().map(|violation| format!("{violation:?}")).collect();
            if case.kind != crate::sweep::scenario::Kind::Nothing && !result.was_stopped {
                problems.push("the process was not stopped".to_owned());
            }
            if result.took_over > TAKE_OVER {
                problems.push(format!("taking over took {:?}", result.took_over));
            }
            if !problems.is_empty() {
                let report = format!("{case:?}\n  {problems:?}\n{}", result.words.join("\n"));
                tell(&report);
                wrong.lock().unwrap().push(report);
            }
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            if done.is_multiple_of(TELL_EVERY) || done == total {
                tell(&format!("{done} of {total} cases, {} wrong", wrong.lock().unwrap().len()));
            }
        }
        stage.world.close();
    };
    std::thread::scope(|scope| {
        for _ in 1..WORKERS.min(total) {
            scope.spawn(|| work(stage(&runtime, flavour).unwrap()));
        }
        work(first);
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {total} cases:\n{}", wrong.len(), wrong.join("\n\n"));
}

/// Every point that sources name, once, in the first phase that comes by it.
fn every_point_once(stage: &Stage) -> Vec<Disturbance> {
    let named = points::all();
    let passed: BTreeSet<String> = stage.passings.keys().map(|(_, point)| point.clone()).collect();
    let missed: Vec<&String> = named.difference(&passed).collect();
    assert!(missed.is_empty(), "no phase comes by {missed:?}");
    assert!(named.len() > 10, "{named:?}");
    let case = |point: &String| {
        let phase = PHASES.into_iter().find(|phase| stage.passings.contains_key(&(*phase, point.clone())))?;
        Some(Disturbance::at(phase, point, 1))
    };
    named.iter().filter_map(case).collect()
}

/// Every write of the plan under every fault.
fn every_write_under_every_fault(stage: &Stage) -> Vec<Disturbance> {
    let mut seen = BTreeSet::new();
    // One of each kind: five notes are deleted in the same way.
    let kind = |path: &str| path.split('/').nth(1).unwrap_or_default().to_owned();
    let writes = stage.writes();
    let writes: Vec<_> = writes.into_iter().filter(|write| seen.insert(kind(&write.path))).collect();
    assert_eq!(writes.len(), 4, "people, notes, subscriptions, regulations: {writes:?}");
    writes.iter().flat_map(|write| FAULTS.map(|fault| Disturbance::of_write(write, fault))).collect()
}

/// Every `step`-th passing of every point in every phase, alone and beside each fault of each write.
fn everything(stage: &Stage, step: usize) -> Vec<Disturbance> {
    let mut cases = every_write_under_every_fault(stage);
    let faults = [Fault::ResetBefore, Fault::ResetAfter, Fault::ErrorAfter];
    for ((phase, point), passings) in &stage.passings {
        for passing in (1..=*passings).step_by(step) {
            let case = Disturbance::at(*phase, point, passing);
            for write in stage.writes() {
                cases.extend(faults.map(|fault| case.clone().with_fault(&write, fault)));
            }
            cases.push(case);
        }
    }
    cases
}

/// Of how many passings one is taken, as `cargo xtask sweep` says it.
pub(super) fn step() -> usize {
    std::env::var("TUTELA_SWEEP_STEP").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

#[test]
fn every_point_once_on_sqlite() {
    sweep(Flavour::Sqlite, every_point_once);
}

/// What one case leaves behind is not what the next one begins with, or it would fail for that.
#[test]
fn a_case_of_planning_leaves_nothing_to_the_next_case() {
    let runtime = runtime();
    let mut stage = stage(&runtime, Flavour::Sqlite).expect("SQLite needs no server");
    let (phase, point) = stage.passings.keys().find(|(phase, _)| *phase == Phase::Plan).cloned().unwrap();

    let planning = stage.run(&Disturbance::at(phase, &point, 1));
    let next = stage.run(&Disturbance::none());

    stage.world.close();
    assert!(planning.was_stopped && planning.violations.is_empty(), "{planning:?}");
    assert_eq!(next.violations, []);
}

#[test]
fn every_point_once_on_postgresql() {
    sweep(Flavour::PostgreSql, every_point_once);
}

#[test]
fn every_write_under_every_fault_on_sqlite() {
    sweep(Flavour::Sqlite, every_write_under_every_fault);
}

#[test]
fn every_write_under_every_fault_on_postgresql() {
    sweep(Flavour::PostgreSql, every_write_under_every_fault);
}

#[test]
#[ignore = "hours; `cargo xtask sweep` runs it"]
fn long_sweep_on_sqlite() {
    sweep(Flavour::Sqlite, |stage| everything(stage, step()));
}

#[test]
#[ignore = "hours; `cargo xtask sweep` runs it"]
fn long_sweep_on_postgresql() {
    sweep(Flavour::PostgreSql, |stage| everything(stage, step()));
}
