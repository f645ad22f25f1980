//! One project with everything around it, set back to its start for each case.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use model::{Clock as _, SystemClock};
use sandbox::contacts::ContactsSandbox;
use sandbox::segment::{SegmentOptions, SegmentSandbox};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::program::Program;
use crate::sweep::others::Others;
use crate::sweep::project::{self, Addresses};
use crate::sweep::shop::{CHANGES, DUMP, statements};
use crate::sweep_database::{Flavour, Place};

/// Longest wait for anything.
const LIMIT: Duration = Duration::from_mins(1);
const DATA: &str = "data";

/// The project, its applications and databases.
#[derive(Debug)]
pub(crate) struct World {
    runtime: Handle,
    pub(crate) flavour: Flavour,
    pub(crate) program: Program,
    pub(crate) segment: SegmentSandbox,
    pub(crate) contacts: ContactsSandbox,
    pub(crate) shop: Place,
    state: Option<Place>,
    /// What belongs to other people.
    pub(crate) others: Others,
    pub(crate) plan: Value,
    pub(crate) digest: String,
    pub(crate) run: String,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None`: it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn of(output: &Output) -> Self {
        assert!(
            output.status.code().is_some() || output.status.signal() == Some(9),
            "{:?}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub(crate) fn was_killed(&self) -> bool {
        self.code.is_none()
    }
}

/// What is true outside, whatever the program says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outside {
    /// Calls of both applications in the order of each, with what they changed.
    pub(crate) calls: Vec<Value>,
    /// Changes of rows of the shop.
    pub(crate) changes: Vec<String>,
    /// Rows of the shop.
    pub(crate) rows: Vec<String>,
    /// What the contacts have now.
    pub(crate) contacts: Value,
    /// What was asked of Segment, without ids.
    pub(crate) segment: Value,
}

impl World {
    /// Sets everything up; `None`, with the reason printed, if there is no server for it here.
    pub(crate) async fn new(flavour: Flavour) -> Option<Self> {
        let program = Program::new();
        let key = base64::engine::general_purpose::STANDARD.encode([7; 32]);
        let program = program.with_environment("TUTELA_KEY", &key);
        let home = program.folder().display().to_string();
        let mut program = program.with_environment("HOME", &home);
        let (shop, state) = match flavour {
            Flavour::Sqlite => (Place::File(program.folder().join("shop.db")), None),
            Flavour::PostgreSql => (Place::on_server("shop")?, Some(Place::on_server("state")?)),
        };
        if let Some(state) = &state {
            program = program.with_environment("TUTELA_STATE", &state.url());
        }
        let contacts = ContactsSandbox::start(2).await.unwrap();
        let options = SegmentOptions::default();
        let segment = SegmentSandbox::start(options).await.unwrap();
        program.file("contacts.yml", project::CONTACTS);
        program.file("contacts_dataset.yml", project::CONTACTS_DATASET);
        program.file("shop_dataset.yml", project::SHOP_DATASET);
        let addresses = Addresses {
            flavour,
            shop: shop.url(),
            contacts: (contacts.url(), contacts.token().to_owned()),
            segment: (segment.url(), segment.description().tokens.access_token.clone()),
        };
        program.file("tutela.yml", &project::text(&addresses));
        let world = Self {
            runtime: Handle::current(),
            flavour,
            program,
            segment,
            contacts,
            shop,
            state,
            others: Others::default(),
            plan: Value::Null,
            digest: String::new(),
            run: String::new(),
        };
        Some(world)
    }

    /// The same with one call in flight at a time, so that nothing else is half done when one is.
    pub(crate) async fn one_by_one(flavour: Flavour) -> Option<Self> {
        let world = Self::new(flavour).await?;
        let text = world.program.read("tutela.yml");
        world.program.file("tutela.yml", &text.replace("reading: {", "reading: { in_flight: 1,"));
        Some(world)
    }

    /// As it was before anything happened: no state, the shop full.
    pub(crate) fn renew(&mut self) {
        self.reset_applications();
        self.runtime.block_on(async {
            self.shop.renew().await;
            self.shop.run(&statements(self.flavour)).await;
            if let Some(state) = &self.state {
                state.renew().await;
            }
        });
        remove_folder(&self.data());
        let plan = self.program.folder().join("plan.json");
        if plan.exists() {
            std::fs::remove_file(plan).unwrap();
        }
        self.others = Others::of(&self.outside());
    }

    /// Keeps what is there after a plan was made.
    pub(crate) fn save(&self) {
        self.runtime.block_on(async {
            self.shop.save().await;
            if let Some(state) = &self.state {
                state.save().await;
            }
        });
        copy_folder(&self.data(), &self.data().with_extension("saved"));
        std::fs::copy(self.program.folder().join("plan.json"), self.program.folder().join("plan.saved"))
            .unwrap();
    }

    /// Back to what [`World::save`] kept.
    pub(crate) fn restore(&mut self) {
        self.reset_applications();
        self.runtime.block_on(async {
            self.shop.restore().await;
            if let Some(state) = &self.state {
                state.restore().await;
            }
        });
        remove_folder(&self.data());
        copy_folder(&self.data().with_extension("saved"), &self.data());
        // Another plan may have been made meanwhile; the state knows this one.
        std::fs::copy(self.program.folder().join("plan.saved"), self.program.folder().join("plan.json"))
            .unwrap();
        self.read_plan();
    }

    fn reset_applications(&self) {
        self.contacts.reset();
        self.segment.reset();
        // A regulation's time is compared with the clock of the program.
        let start: jiff::Timestamp = self.segment.state()["now"].as_str().unwrap().parse().unwrap();
        let now = SystemClock.now();
        self.segment
            .advance(Duration::from_secs(now.duration_since(start).as_secs().try_into().unwrap_or_default()));
    }

    fn data(&self) -> PathBuf {
        self.program.folder().join(DATA)
    }

    /// Makes the plan and remembers what it is.
    pub(crate) fn make_plan(&mut self, environment: &[(&str, String)]) -> Ended {
        let ended = self.run(
            &[
                "privacy",
                "plan",
                "--policy",
                "erase_customer",
                "--identity",
                "email=ana@example.com",
                "--out",
                "plan.json",
            ],
            environment,
        );
        if ended.code == Some(0) {
            self.read_plan();
        }
        ended
    }

    fn read_plan(&mut self) {
        self.plan = self.program.json("plan.json");
        self.digest = self.plan["digest"].as_str().unwrap().to_owned();
        self.run = self.plan["run"].as_str().unwrap().to_owned();
    }

    /// `privacy apply` of the plan.
    pub(crate) fn apply(&self, environment: &[(&str, String)]) -> Ended {
        Ended::of(&self.start_apply(environment).wait_with_output().unwrap())
    }

    /// The same, not waited for.
    pub(crate) fn start_apply(&self, environment: &[(&str, String)]) -> Child {
        self.start(&["privacy", "apply", "plan.json", "--approve", &self.digest], environment)
    }

    /// The same, and [`World::has_passed`] says by which points it came.
    pub(crate) fn start_apply_logged(&self, environment: &[(&'static str, String)]) -> Child {
        let log = self.passed_file();
        if log.exists() {
            std::fs::remove_file(&log).unwrap();
        }
        let log = ("TUTELA_KILL_LOG", log.display().to_string());
        self.start_apply(&[environment, &[log]].concat())
    }

    /// Whether the last logged process came by this point.
    pub(crate) fn has_passed(&self, point: &str) -> bool {
        let text = std::fs::read_to_string(self.passed_file()).unwrap_or_default();
        text.lines().any(|line| line == point)
    }

    fn passed_file(&self) -> PathBuf {
        self.program.folder().join("passed.now")
    }

    /// `privacy status`, as JSON; it may end with any code.
    pub(crate) fn status(&self) -> Value {
        let ended = self.run(&["privacy", "status", &self.run, "--format", "json"], &[]);
        serde_json::from_str(&ended.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", ended.stdout, ended.stderr))
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str], environment: &[(&str, String)]) -> Ended {
        Ended::of(&self.start(arguments, environment).wait_with_output().unwrap())
    }

    fn start(&self, arguments: &[&str], environment: &[(&str, String)]) -> Child {
        let data = self.data().display().to_string();
        let mut command = self.program.command(arguments);
        command.env("TUTELA_DATA", &data).envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// What happened and what there is, as the others know it.
    pub(crate) fn outside(&self) -> Outside {
        let mut calls = Vec::new();
        for (connection, log) in [("contacts", self.contacts.log()), ("segment", self.segment.log())] {
            for call in log["calls"].as_array().unwrap() {
                let mut call = call.clone();
                call["connection"] = connection.into();
                calls.push(call);
            }
        }
        let (changes, rows) =
            self.runtime.block_on(async { (self.shop.texts(CHANGES).await, self.shop.texts(DUMP).await) });
        let mut contacts = self.contacts.state();
        contacts.as_object_mut().unwrap().remove("effects");
        let state = self.segment.state();
        let regulations: Vec<Value> = state["regulations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|found| serde_json::json!([found["regulationType"], found["subjects"]]))
            .collect();
        let segment = serde_json::json!({
            "regulations": regulations, "deleted": state["deleted"], "suppressed": state["suppressed"],
        });
        Outside { calls, changes, rows, contacts, segment }
    }

    /// Waits until both applications hold a call back that they will never answer.
    pub(crate) fn wait_for_held_call(&self, child: &mut Child) {
        self.wait_for(child, "no call was held", |world| {
            world
                .outside_calls()
                .iter()
                .any(|call| matches!(call["fault"].as_str(), Some("hold_before" | "hold_after")))
        });
    }

    fn outside_calls(&self) -> Vec<Value> {
        let (contacts, segment) = (self.contacts.log(), self.segment.log());
        [contacts, segment].iter().flat_map(|log| log["calls"].as_array().unwrap().clone()).collect()
    }

    /// Waits until something is so while the process runs.
    pub(crate) fn wait_for(&self, child: &mut Child, otherwise: &str, is_so: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !is_so(self) {
            if let Some(status) = child.try_wait().unwrap() {
                let mut text = String::new();
                std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut text).unwrap();
                panic!("{otherwise}; the program ended with {status}: {text}");
            }
            assert!(started.elapsed() < LIMIT, "{otherwise}");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Takes its databases off the server.
    pub(crate) fn close(&self) {
        self.runtime.block_on(async {
            self.shop.drop_all().await;
            if let Some(state) = &self.state {
                state.drop_all().await;
            }
        });
    }
}

fn remove_folder(folder: &Path) {
    if folder.exists() {
        std::fs::remove_dir_all(folder).unwrap();
    }
}

fn copy_folder(from: &Path, to: &Path) {
    remove_folder(to);
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
