//! Syncs of who has access (acceptance 5): killed by a real `SIGKILL` at the N-th page, before it is kept and
//! after, for every N. The same command then ends the sync, with the file that one without interruption writes,
//! byte for byte, and asks for no page that was kept: what it asks for is exactly what was left.
//!
//! The short sweep takes some of the pages. `cargo xtask sweep` takes every page.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use sandbox::segment::{SegmentOptions, SegmentSandbox, WorkspaceOptions};
use serde_json::Value;
use tokio::runtime::Handle;

use super::cases::{runtime, step};
use crate::program::{Program, Ran};
use crate::segment;

const CONNECTOR: &str = include_str!("../../../../../connectors/segment/connector.yml");
const SYNC: [&str; 6] = ["governance", "sync", "--connection", "segment", "-f", "sync.c1z"];
/// Cases at once: most of their time they wait for a lease to end.
const WORKERS: usize = 8;
/// Cases of the short sweep for each point.
const SHORT: usize = 7;

/// Where a sync is killed.
#[derive(Debug, Clone, Copy)]
enum Point {
    /// A page was read and mapped, and is not kept yet.
    BeforePage,
    /// It is kept.
    Page,
}

/// Where, and the how-many-th time that it comes by there.
#[derive(Debug, Clone, Copy)]
struct Kill {
    point: Point,
    passing: usize,
}

/// A workspace that is read with pages of three entries.
struct Small {
    sandbox: SegmentSandbox,
    program: Program,
}

/// What a sync without interruption comes to.
struct Whole {
    file: Vec<u8>,
    /// Target of a call → how often it was made.
    calls: BTreeMap<String, usize>,
}

impl Kill {
    fn name(self) -> String {
        let point = match self.point {
            Point::BeforePage => "sync.before_page",
            Point::Page => "sync.page",
        };
        format!("{point}:{}", self.passing)
    }

    /// Whether so many pages can be kept by then: lists are read beside each other, so that pages of others may be
    /// kept that have not come by, or have come by and are not kept.
    fn may_keep(self, kept: usize) -> bool {
        match self.point {
            Point::BeforePage => kept < self.passing,
            Point::Page => kept >= self.passing,
        }
    }
}

impl Small {
    /// One call is in flight at a time.
    fn start(runtime: &Handle) -> Self {
        let options = SegmentOptions {
            users: 13,
            workspace: WorkspaceOptions {
                groups: Some(7),
                group_members: Some(4),
                ..WorkspaceOptions::default()
            },
            ..SegmentOptions::default()
        };
        let sandbox = runtime.block_on(segment::start(options));
        let program = Program::new().with_environment("SOURCE_DATE_EPOCH", "1767225600");
        let size = "{ name: \"pagination[count]\", value: 200 }";
        assert!(CONNECTOR.contains(size));
        program.file("connector.yml", &CONNECTOR.replace(size, "{ name: \"pagination[count]\", value: 3 }"));
        let (url, token) = (sandbox.url(), &sandbox.description().tokens.access_token);
        program.file(
            "tutela.yml",
            &format!(
                "connections:\n  - key: segment\n    connector: ./connector.yml\n    access: read\n    secrets:\n      \
                 domain: api.segmentapis.com\n      access_token: \"{token}\"\negress:\n  allow: [\"127.0.0.1/32\"]\n  \
                 routes: {{ api.segmentapis.com: \"{url}\" }}\nreading: {{ retry_wait_ms: 1, in_flight: 1 }}\n"
            ),
        );
        Self { sandbox, program }
    }

    fn run(&self) -> Ran {
        self.program.run(&SYNC)
    }

    fn file(&self) -> Vec<u8> {
        std::fs::read(self.program.folder().join("sync.c1z")).unwrap_or_default()
    }

    /// How often each call was made.
    fn calls(&self) -> BTreeMap<String, usize> {
        let log = self.sandbox.log();
        let mut calls = BTreeMap::new();
        for entry in log["calls"].as_array().unwrap() {
            let part = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
            *calls.entry(format!("{} {}?{}", part("method"), part("path"), part("query"))).or_default() += 1;
        }
        calls
    }
}

fn whole(runtime: &Handle) -> Whole {
    let small = Small::start(runtime);
    let ran = small.run();
    assert_eq!(ran.code, 0, "{ran:?}");
    let calls = small.calls();
    assert!(calls.values().all(|times| *times == 1), "{calls:?}");
    Whole { file: small.file(), calls }
}

/// What is wrong after a kill.
fn problems(runtime: &Handle, kill: Kill, whole: &Whole) -> Vec<String> {
    let (small, total) = (Small::start(runtime), whole.calls.len());
    let mut found = Vec::new();
    let mut check = |is_so: bool, what: String| {
        if !is_so {
            found.push(format!("{}: {what}", kill.name()));
        }
    };

    let killed = small.program.command(&SYNC).env("TUTELA_KILL_AT", kill.name()).output().unwrap();
    let before: usize = small.calls().values().sum();
    check(killed.status.code().is_none(), format!("it was not killed, but ended with {:?}", killed.status));
    check(small.file().is_empty(), "there is a file before the end".to_owned());
    let kept = runtime.block_on(small.program.number_in_state("SELECT COUNT(*) FROM page"));
    let kept = usize::try_from(kept).unwrap();
    let ran = small.run();

    let calls = small.calls();
    let after = calls.values().sum::<usize>() - before;
    check(ran.code == 0, format!("{ran:?}"));
    check(kill.may_keep(kept), format!("{kept} pages were kept by then"));
    check(small.file() == whole.file, "the file is another one".to_owned());
    check(calls.keys().eq(whole.calls.keys()), "other pages were asked for".to_owned());
    check(
        after + kept == total,
        format!("{after} of {total} pages were asked for after {kept} had been kept"),
    );
    let again = calls.values().filter(|times| **times > 1).count();
    let lost = before.saturating_sub(kept);
    check(again <= lost, format!("{again} pages were asked for twice, {lost} had come and were not kept"));
    found
}

/// Every `step`-th page, at both points.
fn sweep(step: impl FnOnce(usize) -> usize) {
    let runtime = runtime();
    let handle = runtime.handle();
    let whole = whole(handle);
    let pages = whole.calls.len();
    assert!(pages > 30, "{pages} pages");
    let passings: Vec<usize> = (1..=pages).step_by(step(pages).max(1)).collect();
    let kills = [Point::BeforePage, Point::Page]
        .into_iter()
        .flat_map(|point| passings.iter().map(move |passing| Kill { point, passing: *passing }));
    let (kills, found) = (Mutex::new(kills.collect::<VecDeque<_>>()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let Some(kill) = kills.lock().unwrap().pop_front() else { break };
                    let problems = problems(handle, kill, &whole);
                    found.lock().unwrap().extend(problems);
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

// acceptance 5
// rule: baton T-8
#[test]
fn a_sync_that_is_killed_at_a_page_asks_for_no_kept_page_again() {
    // A step that is odd comes by pages of every list.
    sweep(|pages| (pages / SHORT) | 1);
}

// acceptance 5
#[test]
#[ignore = "minutes; `cargo xtask sweep` runs it"]
fn long_sweep_of_every_page_of_a_sync() {
    sweep(|_pages| step());
}
