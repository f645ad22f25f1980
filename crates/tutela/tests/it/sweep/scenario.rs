//! One erasure from plan to certificate, disturbed once, and gone on with as a person would.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use sandbox::{Fault, FaultRule};
use serde_json::Value;

use crate::sweep::check::{self, End, Planned, Violation};
use crate::sweep::world::{Ended, Outside, World};

/// The commands of an erasure that do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Plan,
    Apply,
    /// The same command again, which looks at jobs.
    Again,
    Verify,
}

/// All phases, the one with most at stake first.
pub(crate) const PHASES: [Phase; 4] = [Phase::Apply, Phase::Again, Phase::Plan, Phase::Verify];

/// What goes wrong.
#[derive(Debug, Clone)]
pub(crate) struct Disturbance {
    pub(crate) phase: Phase,
    pub(crate) kind: Kind,
    pub(crate) contacts: Vec<FaultRule>,
    pub(crate) segment: Vec<FaultRule>,
    /// Planted in every command (`TUTELA_DEFECT`).
    pub(crate) defect: Option<&'static str>,
}

/// How the process is stopped, if it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is not.
    Nothing,
    /// By itself, the n-th time it comes by this point.
    AtPoint(String, u64),
    /// While an application holds its call back.
    WhileHeld,
}

impl Disturbance {
    /// None at all.
    pub(crate) fn none() -> Self {
        let (contacts, segment) = (Vec::new(), Vec::new());
        Self { phase: Phase::Apply, kind: Kind::Nothing, contacts, segment, defect: None }
    }

    /// Killed at a point.
    pub(crate) fn at(phase: Phase, point: &str, passing: u64) -> Self {
        Self { phase, kind: Kind::AtPoint(point.to_owned(), passing), ..Self::none() }
    }

    /// A fault of one write; a held call ends with the process being killed.
    pub(crate) fn of_write(write: &WriteCall, fault: Fault) -> Self {
        let held = matches!(fault, Fault::HoldBefore | Fault::HoldAfter);
        let kind = if held { Kind::WhileHeld } else { Kind::Nothing };
        Self { kind, ..Self::none() }.with_fault(write, fault)
    }

    /// With a fault of one write.
    pub(crate) fn with_fault(mut self, write: &WriteCall, fault: Fault) -> Self {
        let rules = if write.connection == "segment" { &mut self.segment } else { &mut self.contacts };
        rules.push(FaultRule::first(&write.method, &write.path, fault));
        self
    }

    /// With a planted defect.
    pub(crate) fn with_defect(self, defect: &'static str) -> Self {
        Self { defect: Some(defect), ..self }
    }

    fn environment(&self, phase: Phase) -> Vec<(&'static str, String)> {
        let mut environment: Vec<_> =
            self.defect.iter().map(|defect| ("TUTELA_DEFECT", (*defect).to_owned())).collect();
        if let Kind::AtPoint(point, passing) = &self.kind
            && phase == self.phase
        {
            environment.push(("TUTELA_KILL_AT", format!("{point}:{passing}")));
        }
        environment
    }
}

/// A write of the plan that an application takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WriteCall {
    pub(crate) connection: String,
    pub(crate) method: String,
    pub(crate) path: String,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Whether the process was stopped at all.
    pub(crate) was_stopped: bool,
    pub(crate) violations: Vec<Violation>,
    /// What was said, for a failing test.
    pub(crate) words: Vec<String>,
    /// Longest time from the end of a process to the moment when the next one held its task.
    pub(crate) took_over: Duration,
}

/// The world with the end that every disturbed run must reach.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) expected: End,
    /// How often each phase comes by each point.
    pub(crate) passings: BTreeMap<(Phase, String), u64>,
}

impl Stage {
    /// Makes the plan, runs everything once without interruption, and keeps the state after planning.
    pub(crate) fn new(mut world: World) -> Self {
        world.renew();
        let log = world.program.folder().join("passed");
        let recorded = |phase: Phase| vec![("TUTELA_KILL_LOG", passed_file(&log, phase))];
        let planned = world.make_plan(&recorded(Phase::Plan));
        assert_eq!(planned.code, Some(0), "plan: {}{}", planned.stdout, planned.stderr);
        let mode = world.program.folder().join("plan.json").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(changes_of(&world.outside()), 0, "planning changed something");
        world.save();
        let mut run = Run::new(&world, Disturbance::none());
        let applied = world.apply(&recorded(Phase::Apply));
        assert_eq!(applied.code, Some(3), "the job goes on: {}{}", applied.stdout, applied.stderr);
        let outside = world.outside();
        let planned = Planned::of(&world.plan);
        assert_eq!(check::sent(&outside), planned.http(), "what is sent is the plan");
        let end = run.finish(&recorded(Phase::Again), &recorded(Phase::Verify));
        assert_eq!(run.violations, [], "{}", run.words.join("\n"));
        assert_eq!(end.codes, (Some(0), Some(0)), "{}", run.words.join("\n"));
        assert_eq!(end.status["verification"]["state"], "gone", "{}", run.words.join("\n"));
        let mut passings = BTreeMap::new();
        for phase in PHASES {
            let text = std::fs::read_to_string(passed_file(&log, phase)).unwrap_or_default();
            for point in text.lines() {
                *passings.entry((phase, point.to_owned())).or_default() += 1;
            }
        }
        Self { world, expected: end, passings }
    }

    /// The writes that applications take.
    pub(crate) fn writes(&self) -> Vec<WriteCall> {
        let operations = self.world.plan["operations"].as_array().unwrap().iter();
        let write = |operation: &Value| {
            let url = url::Url::parse(operation["url"].as_str()?).unwrap();
            Some(WriteCall {
                connection: operation["connection"].as_str()?.to_owned(),
                method: operation["method"].as_str()?.to_owned(),
                path: url.path().to_owned(),
            })
        };
        operations.filter_map(write).collect()
    }

    /// Stops a process between an operation's durable intent and the wire, has a second one take its
    /// task over and do everything, and lets the first one go on: it must notice that the task is no
    /// longer its own. Nothing here waits for a time: each step waits for the end of the one before.
    pub(crate) fn run_overtaken(&mut self, order: u64, defect: Option<&'static str>) -> Outcome {
        self.world.restore();
        let disturbance = Disturbance { defect, ..Disturbance::none() };
        let woken = self.world.program.folder().join("woken");
        if woken.exists() {
            std::fs::remove_file(&woken).unwrap();
        }
        let mut environment = disturbance.environment(Phase::Apply);
        // The ledger counts from 0.
        environment.push(("TUTELA_STOP_AT", format!("write.intent#{}", order - 1)));
        environment.push(("TUTELA_STOP_UNTIL", woken.display().to_string()));
        let mut sleeper = self.world.start_apply(&environment);
        let tasks = format!("/proc/{}/task", sleeper.id());
        self.world.wait_for(&mut sleeper, "it was not stopped", |_| are_stopped(&tasks));
        let mut run = Run::new(&self.world, disturbance);
        assert!(!run.planned.has_happened(order, &self.world.outside()), "it was stopped after it had sent");
        // The sleeping process counts as one interruption: what may be repeated may happen once more.
        run.stopped = 1;
        run.apply_to_the_end();
        assert!(run.planned.has_happened(order, &self.world.outside()), "{}", run.words.join("\n"));
        std::fs::write(&woken, "").unwrap();
        let told = std::process::Command::new("kill").args(["-CONT", &sleeper.id().to_string()]).status();
        assert!(told.unwrap().success());
        let ended = sleeper.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        run.words.push(format!("the sleeper: {:?}: {said}", ended.status));
        let end = run.finish(&[], &[]);
        run.outcome(&end, &self.expected)
    }

    /// The number of an operation in the plan, by a part of its URL.
    pub(crate) fn order_of(&self, path: &str) -> u64 {
        let operations = self.world.plan["operations"].as_array().unwrap();
        let found = operations
            .iter()
            .find(|operation| operation["url"].as_str().is_some_and(|url| url.contains(path)));
        found.unwrap()["order"].as_u64().unwrap()
    }

    /// Runs everything once with this disturbance.
    pub(crate) fn run(&mut self, disturbance: &Disturbance) -> Outcome {
        let mut stopped = 0;
        if disturbance.phase == Phase::Plan {
            self.world.renew();
            let environment = disturbance.environment(Phase::Plan);
            let mut ended = self.world.make_plan(&environment);
            while ended.was_killed() {
                stopped += 1;
                ended = self.world.make_plan(&[]);
            }
            assert_eq!(ended.code, Some(0), "plan again: {}{}", ended.stdout, ended.stderr);
            assert_eq!(changes_of(&self.world.outside()), 0, "planning changed something");
        } else {
            self.world.restore();
        }
        self.world.contacts.set_rules(disturbance.contacts.clone());
        self.world.segment.set_rules(disturbance.segment.clone());
        let mut run = Run::new(&self.world, disturbance.clone());
        run.stopped = stopped;
        // Of a write that meets a fault nobody knows the end.
        run.unknown = (disturbance.contacts.len() + disturbance.segment.len()) as u64;
        run.apply_to_the_end();
        let end = run.finish(&disturbance.environment(Phase::Again), &disturbance.environment(Phase::Verify));
        run.outcome(&end, &self.expected)
    }
}

/// Whether every thread of a process is stopped.
fn are_stopped(tasks: &str) -> bool {
    let Ok(tasks) = std::fs::read_dir(tasks) else { return false };
    tasks.flatten().all(|task| {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
    })
}

fn passed_file(log: &std::path::Path, phase: Phase) -> String {
    log.with_extension(format!("{phase:?}")).display().to_string()
}

fn changes_of(outside: &Outside) -> usize {
    outside.changes.len() + outside.calls.iter().filter(|call| call["effect"] != "read").count()
}

/// Applying, until nothing is open any more.
struct Run<'a> {
    world: &'a World,
    planned: Planned,
    disturbance: Disturbance,
    stopped: u64,
    /// How often the program could not know what became of a write.
    unknown: u64,
    violations: Vec<Violation>,
    words: Vec<String>,
    took_over: Duration,
}

/// How often a person tries before giving up.
const PATIENCE: u32 = 12;

impl<'a> Run<'a> {
    fn new(world: &'a World, disturbance: Disturbance) -> Self {
        Self {
            planned: Planned::of(&world.plan),
            world,
            disturbance,
            stopped: 0,
            unknown: 0,
            violations: Vec::new(),
            words: Vec::new(),
            took_over: Duration::ZERO,
        }
    }

    fn say(&mut self, what: &str, ended: &Ended) {
        self.words.push(format!("{what}: {:?}\n{}{}", ended.code, ended.stdout, ended.stderr));
    }

    /// Looks at what is said and at what is so; returns what is said.
    fn look(&mut self) -> Value {
        let status = self.world.status();
        let outside = self.world.outside();
        self.violations.extend(check::claims(&self.planned, &status, &outside));
        self.violations.extend(check::effects(&self.planned, &outside, self.stopped + self.unknown));
        self.violations.extend(self.world.others.harm(&outside));
        status
    }

    fn apply_to_the_end(&mut self) {
        let mut environment = self.disturbance.environment(Phase::Apply);
        let mut gone = None;
        if self.disturbance.kind == Kind::WhileHeld {
            let mut child = self.world.start_apply(&environment);
            self.world.wait_for_held_call(&mut child);
            child.kill().unwrap();
            child.wait().unwrap();
            self.stopped += 1;
            gone = Some(Instant::now());
        }
        for _ in 0..PATIENCE {
            let child = self.world.start_apply_logged(&environment);
            let ended = self.wait_for_end(child, gone.take());
            self.say("apply", &ended);
            environment.retain(|(name, _)| *name != "TUTELA_KILL_AT");
            if ended.was_killed() {
                self.stopped += 1;
                gone = Some(Instant::now());
                continue;
            }
            let status = self.look();
            let open = self.resolve(&status);
            if open == 0 {
                return;
            }
        }
        self.violations.push(Violation::OtherEnd("it never came to its end".to_owned()));
    }

    /// Waits for the end of a command. While it waits for the task of a process that is gone, what that
    /// one left behind is looked at.
    fn wait_for_end(&mut self, mut child: Child, gone: Option<Instant>) -> Ended {
        if let Some(gone) = gone {
            self.look();
            while !self.world.has_passed("apply.held") && child.try_wait().unwrap().is_none() {
                std::thread::park_timeout(Duration::from_millis(5));
            }
            self.took_over = self.took_over.max(gone.elapsed());
        }
        Ended::of(&child.wait_with_output().unwrap())
    }

    /// A person settles what the program cannot know, and knows it from the other side. Returns how
    /// many operations are still to be done.
    fn resolve(&mut self, status: &Value) -> usize {
        let operations = status["operations"].as_array().unwrap();
        let is = |operation: &&Value, outcome: &str| operation["outcome"] == outcome;
        let unknown: Vec<u64> = operations
            .iter()
            .filter(|operation| is(operation, "unknown"))
            .map(|operation| operation["order"].as_u64().unwrap())
            .collect();
        for order in &unknown {
            self.unknown += 1;
            let has_happened = self.planned.has_happened(*order, &self.world.outside());
            let how = if has_happened { "--took-effect" } else { "--did-not" };
            let order = order.to_string();
            let ended = self.world.run(&["privacy", "resolve", &self.world.run, &order, how], &[]);
            self.say("resolve", &ended);
        }
        let done = ["erased", "masked", "suppressed", "already_absent", "accepted", "not_found"];
        operations.iter().filter(|operation| !done.iter().any(|outcome| is(operation, outcome))).count()
    }

    /// Jobs end, the end is verified, and everything is applied once more, which changes nothing.
    fn finish(&mut self, of_again: &[(&'static str, String)], of_verify: &[(&'static str, String)]) -> End {
        self.world.segment.advance(Duration::from_hours(48));
        let mut again = self.world.apply(of_again);
        while again.was_killed() {
            self.stopped += 1;
            again = self.world.apply(&[]);
        }
        self.say("apply again", &again);
        self.look();
        let certificate = format!("{}.certificate.json", self.world.run);
        let file: PathBuf = self.world.program.folder().join(&certificate);
        if file.exists() {
            std::fs::remove_file(&file).unwrap();
        }
        let arguments = ["privacy", "verify", &self.world.run];
        let mut verified = self.world.run(&arguments, of_verify);
        while verified.was_killed() {
            self.stopped += 1;
            verified = self.world.run(&arguments, &[]);
        }
        self.say("verify", &verified);
        let checked = self.world.run(&["certificate", "verify", &certificate], &[]);
        self.say("certificate verify", &checked);
        let status = self.look();
        let outside = self.world.outside();
        let lost = check::losses(&self.planned, &outside);
        if verified.code == Some(0) && !lost.is_empty() {
            self.violations.push(Violation::FalselyProven);
        }
        self.violations.extend(lost);
        End { outside, status, codes: (verified.code, checked.code) }
    }

    /// Everything that was wrong, once each.
    fn outcome(mut self, end: &End, expected: &End) -> Outcome {
        self.violations.extend(check::same_end(end, expected));
        self.violations.sort();
        self.violations.dedup();
        Outcome {
            was_stopped: self.stopped > 0,
            violations: self.violations,
            words: self.words,
            took_over: self.took_over,
        }
    }
}
