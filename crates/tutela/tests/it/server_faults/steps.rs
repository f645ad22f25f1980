//! A server is killed, by a real `SIGKILL`, at every point that carrying out a request comes by.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use sandbox::segment::SegmentSandbox;

use crate::fleet::Caller;
use crate::program::Program;
use crate::running::Running;
use crate::segment_office::{self as office, Wish};

/// Cases at once: most of their time they wait for a lease to end.
const AT_ONCE: usize = 4;
const LIMIT: Duration = Duration::from_mins(2);
/// Points that it comes by several times, each at another step.
const EACH_TIME: &[&str] = &["request.step", "request.begun"];

/// An installation with the simulator connected, its server ended.
struct Stage {
    vendor: SegmentSandbox,
    program: Program,
}

impl Stage {
    async fn new() -> Self {
        let vendor = office::vendor().await;
        let program = office::program(&vendor);
        let running = Running::start(&program, &[]);
        office::set_up(&Caller::of_server(&running).await, &vendor).await;
        running.end().expect(0);
        Self { vendor, program }
    }

    /// A server with this in its environment.
    fn server(&self, name: &str, value: &str) -> Running {
        let arguments = ["--format", "json", "serve", "--listen", "127.0.0.1:0", "--data", "data"];
        Running::of(self.program.command(&arguments).env(name, value))
    }

    /// Lets a request be carried out without a word; how often it came by which point.
    async fn undisturbed(&self) -> BTreeMap<String, usize> {
        let log = self.program.folder().join("passed.log");
        let running = self.server("TUTELA_KILL_LOG", log.to_str().unwrap());
        let caller = Caller::of_server(&running).await;
        office::ask(&caller, [Wish::Both].into_iter()).await;
        office::settled(&caller, &self.vendor, LIMIT).await;
        running.end().expect(0);
        let mut passed = BTreeMap::new();
        for line in std::fs::read_to_string(log).unwrap().lines() {
            *passed.entry(line.to_owned()).or_default() += 1;
        }
        passed
    }

    /// Has a server killed there, and another go on; what is wrong afterwards.
    async fn killed_at(&self, point: &str) -> Vec<String> {
        let running = self.server("TUTELA_KILL_AT", point);
        let caller = Caller::of_server(&running).await;
        // What Segment works on for days is looked at again when somebody asks for it.
        let advancing = async {
            let asked = office::ask(&caller, [Wish::Both].into_iter()).await;
            let requeue = format!("POST /api/v1/privacy-request/{}/requeue", asked.first().unwrap().id);
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                self.vendor.advance(Duration::from_hours(5));
                caller.call_once(&requeue, None).await;
            }
        };
        let killed = tokio::task::spawn_blocking(move || running.wait_for_kill());
        let killed = tokio::select! {
            killed = tokio::time::timeout(LIMIT, killed) => killed,
            () = advancing => unreachable!("it never ends"),
        };
        if !matches!(killed, Ok(Ok(Ok(())))) {
            return vec![format!("{point}: it was not killed: {killed:?}")];
        }
        let running = Running::start(&self.program, &[]);
        let caller = Caller::of_server(&running).await;
        // By the same key nothing is made a second time; it may have been killed before it could answer.
        let asked = office::ask(&caller, [Wish::Both].into_iter()).await;
        office::settled(&caller, &self.vendor, LIMIT).await;
        let mut wrongs = office::wrongs_of(&self.vendor, &asked);
        wrongs.extend(office::wrong_with(&caller, &self.program, asked.first().unwrap()).await);
        running.end().expect(0);
        wrongs.into_iter().map(|wrong| format!("{point}: {wrong}")).collect()
    }
}

#[test]
fn a_server_that_is_killed_at_any_step_goes_on_when_it_is_started_again() {
    let runtime = crate::sweep::runtime();
    let passed = runtime.block_on(async { Stage::new().await.undisturbed().await });
    let mut cases = VecDeque::new();
    for (point, times) in &passed {
        let times = if EACH_TIME.contains(&point.as_str()) { *times } else { 1 };
        cases.extend((1..=times).map(|time| format!("{point}:{time}")));
    }
    assert!(cases.len() > 15, "{passed:?}");
    let (cases, wrongs) = (Mutex::new(cases), Mutex::new(Vec::new()));

    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(point) = cases.lock().unwrap().pop_front() else { break };
                    let found = runtime.block_on(async { Stage::new().await.killed_at(&point).await });
                    wrongs.lock().unwrap().extend(found);
                }
            });
        }
    });

    assert_eq!(wrongs.into_inner().unwrap(), Vec::<String>::new());
}
