//! Jobs of programs that mean no good, as scripts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use engine::Canceller;
use governance::change::ResourceName;
use governance::source::SourceErrorKind;
use model::{RandomIds, SystemClock};

use super::*;
use crate::program::OsUser;

struct Bench {
    folder: tempfile::TempDir,
    limits: ProgramLimits,
}

impl Bench {
    fn new() -> Self {
        let limits = ProgramLimits { time: Duration::from_secs(20), ..ProgramLimits::default() };
        Self { folder: tempfile::tempdir().unwrap(), limits }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program of these lines, which has the file `$SEEN` to tell things to the test.
    fn connector(&self, lines: &str) -> ForeignConnector {
        let path = self.path("baton-office");
        fs::write(&path, format!("#!/bin/sh\nSEEN={}\n{lines}\n", self.path("seen").display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let program = Program {
            sha256: crypto::sha256(&fs::read(&path).unwrap()),
            path,
            user: OsUser::find(&rustix::process::geteuid().as_raw().to_string()).unwrap(),
            settings: Vec::new(),
            secrets: Vec::new(),
        };
        self.of(ForeignSource::Program(program))
    }

    fn of(&self, source: ForeignSource) -> ForeignConnector {
        ForeignConnector {
            key: "office".parse().unwrap(),
            basis: "basis".to_owned(),
            source,
            access: ForeignAccess::Write { delete: vec!["user".to_owned()] },
            parts: ForeignParts {
                folder: self.folder.path().to_owned(),
                limits: self.limits,
                late: Duration::ZERO,
                clock: Arc::new(SystemClock),
                ids: Arc::new(RandomIds),
            },
        }
    }

    /// Asks for a change, and says how it ended.
    async fn change(&self, connector: &ForeignConnector, stop: Cancellation) -> JobEnd {
        let known = self.path("known.c1z");
        fs::write(&known, "known").unwrap();
        let job = Job::Delete { resource: ResourceName::new("user", "u1") };
        let run = RunId::new(&RandomIds);
        connector.provision().unwrap().carry_out(&job, &known, (&run, stop)).await
    }

    fn seen(&self) -> String {
        fs::read_to_string(self.path("seen")).unwrap_or_default()
    }

    fn is_tidy(&self) -> bool {
        let names = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter_map(|name| name.into_string().ok()).all(|name| !name.starts_with("baton-p"))
    }
}

/// One that has ended and that nobody has fetched is not alive.
fn is_alive(process: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = status.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

// rule: baton C-8
#[tokio::test]
async fn a_job_is_told_what_to_do_and_its_file_says_nothing_about_its_end() {
    let bench = Bench::new();
    let connector = bench.connector("echo \"$BATON_DELETE_RESOURCE_TYPE|$BATON_DELETE_RESOURCE|$(cat \"$BATON_FILE\")\" >> \"$SEEN\"; rm \"$BATON_FILE\"");

    let end = bench.change(&connector, Cancellation::never()).await;

    assert!(matches!(end, JobEnd::Done), "{end:?}");
    assert_eq!(bench.seen(), "user|u1|known\n");
    assert!(bench.is_tidy());
    let hand = connector.provision().unwrap();
    assert_eq!((hand.named().0, hand.named().1.len()), ("baton-office", 64));
    assert_eq!((hand.may_delete("user"), hand.may_delete("group")), (true, false));
}

// rule: architecture law 3
#[tokio::test]
async fn a_job_that_hangs_fails_or_is_stopped_may_have_been_done() {
    let mut bench = Bench::new();
    for (lines, word) in [("exit 14", "exit_14"), ("kill -9 $$", "signal")] {
        let end = bench.change(&bench.connector(lines), Cancellation::never()).await;

        let JobEnd::Unknown { detail } = end else { panic!("{lines}: {end:?}") };
        assert_eq!(detail, word);
    }
    bench.limits.time = Duration::from_millis(500);
    bench.limits.grace = Duration::from_millis(200);
    let waits = "trap '' TERM; echo $$ > \"$SEEN\"; sleep 1000";

    let hung = bench.change(&bench.connector(waits), Cancellation::never()).await;

    assert!(matches!(&hung, JobEnd::Unknown { detail } if detail == "timed_out"), "{hung:?}");
    assert!(!is_alive(bench.seen().trim()) && bench.is_tidy());
    let (canceller, stop) = Canceller::new();
    canceller.cancel();
    let stopped = bench.change(&bench.connector(waits), stop).await;
    assert!(matches!(&stopped, JobEnd::Unknown { detail } if detail == "stopped"), "{stopped:?}");
}

// rule: architecture law 3
#[tokio::test]
async fn a_job_that_was_not_begun_was_not_done() {
    let bench = Bench::new();
    let connector = bench.connector("echo done > \"$SEEN\"");
    fs::write(bench.path("baton-office"), "#!/bin/sh\necho other > \"$SEEN\"\n").unwrap();

    let end = bench.change(&connector, Cancellation::never()).await;

    let JobEnd::NotBegun(error) = end else { panic!("{end:?}") };
    assert_eq!(error.kind, SourceErrorKind::Refused);
    assert_eq!(bench.seen(), "");
    let read = connector.read(Cancellation::never()).await.unwrap_err();
    assert_eq!(read.kind, SourceErrorKind::Refused);
}

#[tokio::test]
async fn a_file_and_a_program_for_reading_change_nothing() {
    let bench = Bench::new();
    let file = bench.of(ForeignSource::File(bench.path("none.c1z")));
    let reading = ForeignConnector { access: ForeignAccess::Read, ..bench.connector("exit 0") };

    assert!(file.provision().unwrap_err().contains("only tells"));
    assert!(reading.provision().unwrap_err().contains("access: write"));
    let missing = file.read(Cancellation::never()).await.unwrap_err();
    assert_eq!(missing.kind, SourceErrorKind::BadInput);
}

// rule: architecture law 3
#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_is_left_of_a_run_is_found_by_its_name_and_nothing_else_is() {
    let (bench, run, other) = (Bench::new(), RunId::new(&RandomIds), RunId::new(&RandomIds));
    let connector = bench.connector("exit 0");
    let mut left = std::process::Command::new("sleep")
        .arg("1000")
        .env("TUTELA_PROGRAM_RUN", run.as_str())
        .spawn()
        .unwrap();
    let id = left.id().to_string();
    while !fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default().starts_with("sleep") {
        SystemClock.sleep(Duration::from_millis(2)).await;
    }

    connector.provision().unwrap().end_left_behind(&other);
    let stays = is_alive(&id);
    connector.provision().unwrap().end_left_behind(&run);

    left.wait().unwrap();
    assert!(stays && !is_alive(&id));
}
