//! Programs that mean no good, as scripts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use engine::Canceller;
use model::{RandomIds, SystemClock};

use super::*;

/// A secret that is searched for in everything.
const CANARY: &str = "canary-4f1c\"8a";

struct Bench {
    folder: tempfile::TempDir,
    limits: ProgramLimits,
    log: ProgramLog,
}

impl Bench {
    fn new() -> Self {
        let limits = ProgramLimits { time: Duration::from_secs(20), ..ProgramLimits::default() };
        Self { folder: tempfile::tempdir().unwrap(), limits, log: ProgramLog::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program of these lines, which has the file `$SEEN` to tell things to the test.
    fn program(&self, lines: &str) -> Program {
        let path = self.path("baton-office");
        fs::write(&path, format!("#!/bin/sh\nSEEN={}\n{lines}\n", self.path("seen").display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Program {
            sha256: crypto::sha256(&fs::read(&path).unwrap()),
            path,
            user: OsUser::find(&rustix::process::geteuid().as_raw().to_string()).unwrap(),
            settings: vec![("page-size".to_owned(), "50".to_owned())],
            secrets: vec![("token".to_owned(), Secret::new(CANARY.to_owned()))],
        }
    }

    fn parts(&self, cancellation: Cancellation) -> ProgramParts {
        ProgramParts {
            folder: self.folder.path().to_owned(),
            limits: self.limits,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            cancellation,
        }
    }

    async fn run(&mut self, lines: &str) -> Result<SyncedFile, ProgramError> {
        let (program, parts) = (self.program(lines), self.parts(Cancellation::never()));
        program.run(&ProgramJob::Sync, &parts, &mut self.log).await
    }

    /// Processes that the program told of and that are still there.
    fn left(&self) -> Vec<String> {
        let seen = fs::read_to_string(self.path("seen")).unwrap_or_default();
        seen.lines().filter(|process| is_alive(process)).map(str::to_owned).collect()
    }

    /// Whether everything of the runs is gone but what the test put there.
    fn is_tidy(&self) -> bool {
        let names = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter_map(|name| name.into_string().ok()).all(|name| !name.starts_with("baton-program-"))
    }
}

/// One that has ended and that nobody has fetched is not alive.
fn is_alive(process: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = status.rsplit_once(')').map(|(_, rest)| rest.trim_start().chars().next());
    state.flatten().is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

// rule: baton C-1, C-2, C-6
#[tokio::test]
async fn a_program_gets_its_settings_and_nothing_else_and_its_file_is_private() {
    let mut bench = Bench::new();

    let file =
        bench.run("env > \"$SEEN\"; echo \"$0 $*\" >> \"$SEEN\"; echo done > \"$BATON_FILE\"").await.unwrap();

    assert_eq!(fs::read_to_string(file.path()).unwrap(), "done\n");
    assert_eq!(mode(file.folder()), 0o700);
    // Not where the program's user may put another in its place.
    assert_eq!(file.path().parent(), Some(file.folder()));
    let seen = fs::read_to_string(bench.path("seen")).unwrap();
    let mut names: Vec<&str> =
        seen.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    names.sort_unstable();
    // The shell makes the last four by itself.
    names.retain(|name| !["OLDPWD", "PWD", "SHLVL", "_"].contains(name));
    assert_eq!(
        names,
        [
            "BATON_FILE",
            "BATON_LOG_FORMAT",
            "BATON_PAGE_SIZE",
            "BATON_STORAGE_ENGINE",
            "BATON_TOKEN",
            "HOME",
            "TMPDIR",
            "TUTELA_PROGRAM_RUN",
            "TZ"
        ]
    );
    assert!(seen.contains(&format!("BATON_TOKEN={CANARY}")));
    // Its name is the one that it has, and no argument says what it does.
    let started = seen.lines().last().unwrap();
    assert!(started.ends_with("/program/baton-office "), "{started}");
    drop(file);
    assert!(bench.is_tidy());
}

#[tokio::test]
async fn another_program_than_the_configured_is_not_started() {
    let bench = Bench::new();
    let program = bench.program("echo started > \"$SEEN\"; echo done > \"$BATON_FILE\"");
    let mut log = ProgramLog::default();
    let parts = bench.parts(Cancellation::never());
    // Replaced behind the configuration's back.
    fs::write(&program.path, "#!/bin/sh\necho other > \"$BATON_FILE\"\n").unwrap();

    let refused = program.run(&ProgramJob::Sync, &parts, &mut log).await;

    assert!(matches!(refused, Err(ProgramError::Digest { .. })), "{refused:?}");
    assert!(!bench.path("seen").exists() && bench.is_tidy());
    fs::remove_file(&program.path).unwrap();
    let missing = program.run(&ProgramJob::Sync, &parts, &mut log).await;
    assert!(matches!(missing, Err(ProgramError::Unreadable { .. })), "{missing:?}");
}

// rule: architecture laws 8, 10
#[tokio::test]
async fn what_a_failing_program_prints_is_kept_without_secrets_and_not_in_the_error() {
    let mut bench = Bench::new();

    let failed =
        bench.run("echo \"level=error token=$BATON_TOKEN refused\" >&2; echo \"$BATON_TOKEN\"; exit 1").await;

    let error = failed.unwrap_err();
    assert!(matches!(error, ProgramError::Failed { code: Some(1) }), "{error}");
    assert_eq!(bench.log.lines().collect::<Vec<_>>(), ["level=error token=*** refused"]);
    assert!(!format!("{error} {error:?} {:?}", bench.log).contains("4f1c"));
    assert!(bench.is_tidy());
}

#[tokio::test]
async fn a_program_that_hangs_is_stopped_with_everything_that_it_started() {
    let mut bench = Bench::new();
    bench.limits.time = Duration::from_millis(700);

    let stopped = bench
        .run("trap '' TERM; echo $$ > \"$SEEN\"; sleep 1000 & echo $! >> \"$SEEN\"; setsid sleep 1000 & echo $! >> \"$SEEN\"; wait")
        .await;

    assert!(matches!(stopped, Err(ProgramError::TimedOut { .. })), "{stopped:?}");
    assert_eq!(fs::read_to_string(bench.path("seen")).unwrap().lines().count(), 3);
    assert_eq!(bench.left(), Vec::<String>::new());
    assert!(bench.is_tidy());
}

#[tokio::test]
async fn children_that_outlive_a_program_are_killed_and_hold_up_nothing() {
    let mut bench = Bench::new();

    // They hold its outputs open.
    let file = bench
        .run("sleep 1000 & echo $! >> \"$SEEN\"; setsid sleep 1000 & echo $! >> \"$SEEN\"; echo done > \"$BATON_FILE\"")
        .await;

    assert!(file.is_ok(), "{file:?}");
    assert_eq!(bench.left(), Vec::<String>::new());
}

#[tokio::test]
async fn a_program_that_prints_without_end_is_stopped() {
    let mut bench = Bench::new();
    bench.limits.output_bytes = 1 << 20;

    for output in ["", " >&2"] {
        let stopped = bench
            .run(&format!(
                "echo $$ > \"$SEEN\"; while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done{output}"
            ))
            .await;

        assert!(matches!(stopped, Err(ProgramError::TooMuchOutput { .. })), "{stopped:?}");
        assert_eq!(bench.left(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_program_is_asked_to_end_when_somebody_cancels_and_is_killed_if_it_does_not() {
    let mut bench = Bench::new();
    bench.limits.grace = Duration::from_millis(300);
    for lines in
        ["echo $$ > \"$SEEN\"; sleep 1000", "trap '' TERM; echo $$ > \"$SEEN\"; sleep 1000; sleep 1000"]
    {
        let (program, (canceller, cancellation)) = (bench.program(lines), Canceller::new());
        let parts = bench.parts(cancellation);
        let mut log = ProgramLog::default();
        let seen = bench.path("seen");
        let cancel = async {
            while fs::read_to_string(&seen).unwrap_or_default().is_empty() {
                SystemClock.sleep(Duration::from_millis(5)).await;
            }
            canceller.cancel();
        };

        let (stopped, ()) = tokio::join!(program.run(&ProgramJob::Sync, &parts, &mut log), cancel);

        assert!(matches!(stopped, Err(ProgramError::Cancelled)), "{stopped:?}");
        assert_eq!(bench.left(), Vec::<String>::new());
        fs::remove_file(&seen).unwrap();
    }
}

#[tokio::test]
async fn dropping_a_run_kills_the_program() {
    let bench = Bench::new();
    let program = bench.program("echo $$ > \"$SEEN\"; sleep 1000");
    let (parts, mut log, seen) =
        (bench.parts(Cancellation::never()), ProgramLog::default(), bench.path("seen"));
    let begun = async {
        while fs::read_to_string(&seen).unwrap_or_default().is_empty() {
            SystemClock.sleep(Duration::from_millis(5)).await;
        }
    };

    tokio::select! {
        ended = program.run(&ProgramJob::Sync, &parts, &mut log) => panic!("{ended:?}"),
        () = begun => {}
    }

    assert_eq!(bench.left(), Vec::<String>::new());
    assert!(bench.is_tidy());
}

// rule: architecture law 8
#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_a_killed_process_left_of_a_run_is_ended_and_removed_by_the_next_one() {
    use std::os::unix::process::ExitStatusExt as _;

    let mut bench = Bench::new();
    // Killed, it lets go of its folder and ends nothing.
    let left = bench.path("baton-program-left");
    fs::create_dir_all(left.join("work")).unwrap();
    fs::write(left.join("work/sync.c1z"), "names").unwrap();
    let mut stray =
        std::process::Command::new("sleep").arg("60").env("HOME", left.join("work")).spawn().unwrap();
    let line = format!("/proc/{}/cmdline", stray.id());
    while !fs::read_to_string(&line).unwrap_or_default().starts_with("sleep") {
        SystemClock.sleep(Duration::from_millis(2)).await;
    }

    let file = bench.run("echo done > \"$BATON_FILE\"").await.unwrap();

    assert_eq!(stray.wait().unwrap().signal(), Some(9));
    assert!(!left.exists() && file.path().exists());
}

#[tokio::test]
async fn nothing_a_link_or_somebody_elses_file_is_not_taken_for_a_result() {
    let mut bench = Bench::new();
    fs::write(bench.path("other"), "secret of somebody else").unwrap();
    let other = bench.path("other");

    for (lines, is_foreign) in [
        ("exit 0".to_owned(), false),
        (": > \"$BATON_FILE\"".to_owned(), false),
        (format!("ln -s {} \"$BATON_FILE\"", other.display()), true),
        (format!("ln {} \"$BATON_FILE\"", other.display()), true),
        ("mkdir \"$BATON_FILE\"".to_owned(), true),
    ] {
        let refused = bench.run(&lines).await.unwrap_err();

        match refused {
            ProgramError::NoFile => assert!(!is_foreign, "{lines}"),
            ProgramError::ForeignFile { .. } => assert!(is_foreign, "{lines}"),
            other => panic!("{lines}: {other}"),
        }
    }
}

// rule: baton C-8, C-9, C-10
#[tokio::test]
async fn a_change_is_told_what_to_change_and_in_which_file_it_is() {
    let bench = Bench::new();
    let lines = "echo \"$BATON_GRANT_ENTITLEMENT|$BATON_GRANT_PRINCIPAL|$BATON_GRANT_PRINCIPAL_TYPE|$BATON_REVOKE_GRANT|$(cat \"$BATON_FILE\")\" >> \"$SEEN\"";
    let (program, parts, mut log) =
        (bench.program(lines), bench.parts(Cancellation::never()), ProgramLog::default());
    let file = bench.path("known.c1z");
    fs::write(&file, "known").unwrap();
    let principal = governance::change::ResourceName::new("user", "u 1");
    let grant = ProgramJob::Grant { file: &file, entitlement: "group:g:member", principal: &principal };

    program.run(&grant, &parts, &mut log).await.unwrap();
    program.run(&ProgramJob::Revoke { file: &file, grant: "a grant" }, &parts, &mut log).await.unwrap();

    assert_eq!(
        fs::read_to_string(bench.path("seen")).unwrap(),
        "group:g:member|u 1|user||known\n|||a grant|known\n"
    );
}

#[tokio::test]
async fn settings_that_say_what_a_program_does_are_refused() {
    let bench = Bench::new();
    let mut program = bench.program("echo done > \"$BATON_FILE\"");
    let mut log = ProgramLog::default();
    for (name, value) in [("file", "/etc/passwd"), ("LD_PRELOAD", "x"), ("token", "a\0b")] {
        program.settings = vec![(name.to_owned(), value.to_owned())];

        let refused = program.run(&ProgramJob::Sync, &bench.parts(Cancellation::never()), &mut log).await;

        assert!(matches!(refused, Err(ProgramError::Setting(_))), "{name}: {refused:?}");
    }
}
