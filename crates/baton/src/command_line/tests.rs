use std::fs;
use std::time::Duration;

use rstest::rstest;
use testkit::Canary;

use super::*;
use crate::flag::tests::file;
use crate::log::{LogFormat, LogLevel};

mod modes;
mod sources;
mod subcommands;

const PARAMS: &str = "    - name: domain\n      default_value: api.example.com\n      type: endpoint\n      \
     allowed_values: [api.example.com, eu.example.com]\n    - name: access_token\n      sensitive: true\n    \
     - name: space_id\n      required_for: privacy\n    - name: region\n      required: false\n      options: [eu, us]\n";

const NOW: &str = "2026-11-26T12:00:00Z";

fn fields() -> ConnectorFields {
    ConnectorFields::of(&file(PARAMS, "segment")).unwrap()
}

/// A command line, with a folder that goes with it.
struct Line {
    folder: tempfile::TempDir,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    stdout: Stdout,
}

impl Line {
    fn new(arguments: &[&str]) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            environment: Vec::new(),
            stdout: Stdout::Elsewhere,
        }
    }

    /// The same with what is needed for a sync.
    fn with_token(arguments: &[&str]) -> Self {
        Self::new(arguments).variable("BATON_TOKEN", "t")
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    fn config(self, text: &str) -> Self {
        fs::write(self.folder.path().join(".baton.yaml"), text).unwrap();
        self
    }

    fn inputs(&self) -> Inputs {
        Inputs {
            program: "baton-segment".to_owned(),
            arguments: self.arguments.iter().map(OsString::from).collect(),
            environment: self.environment.clone(),
            folder: self.folder.path().to_owned(),
            stdout: self.stdout,
            now: NOW.parse().unwrap(),
        }
    }

    fn read(&self) -> Result<Invocation, CommandLineError> {
        Invocation::read(&fields(), &self.inputs())
    }

    fn settings(&self) -> Box<Settings> {
        match self.read() {
            Ok(Invocation::Run(settings)) => settings,
            other => panic!("{other:?}"),
        }
    }

    fn error(&self) -> String {
        self.read().unwrap_err().to_string()
    }
}

fn texts(settings: &Settings) -> Vec<(&str, String)> {
    settings
        .connector
        .values
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap().to_owned()))
        .collect()
}

// rule: baton §12.2
#[test]
fn defaults_are_those_of_the_contract() {
    let settings = Line::with_token(&[]).settings();

    assert!(matches!(settings.mode, Mode::Sync));
    assert!(settings.file.ends_with("sync.c1z"));
    assert_eq!((settings.log.level, settings.log.format), (LogLevel::Info, LogFormat::Json));
    assert!(settings.log.paths.is_empty() && settings.log.debug_until.is_none());
    assert_eq!((settings.sync.depth, settings.sync.workers), (SyncDepth::Everything, Workers::One));
    assert!(settings.sync.storage.is_none() && settings.sync.external.is_none());
    assert_eq!(settings.http_timeout, Duration::from_mins(5));
    assert_eq!(settings.session_store_bytes, 15 << 20);
    assert!(settings.health.is_none() && settings.telemetry.is_none());
    assert_eq!(
        texts(&settings),
        [("access_token", "t".to_owned()), ("domain", "api.example.com".to_owned())]
    );
}

// rule: baton §12.2, log-format
#[test]
fn logs_are_for_people_on_a_terminal() {
    let line = Line { stdout: Stdout::Terminal, ..Line::with_token(&[]) };
    let told = Line { stdout: Stdout::Terminal, ..Line::with_token(&["--log-format=json"]) };

    assert_eq!(line.settings().log.format, LogFormat::Console);
    assert_eq!(told.settings().log.format, LogFormat::Json);
}

// rule: baton §12.2, log-path
#[test]
fn streams_among_the_log_paths_stay_what_they_are_and_files_are_in_the_working_directory() {
    let line = Line::with_token(&["--log-path", "stderr,logs/stdout"]);

    let paths = line.settings().log.paths.clone();

    assert_eq!(paths, [PathBuf::from("stderr"), line.folder.path().join("logs/stdout")]);
}

// rule: baton §12.2
#[test]
fn values_become_what_they_mean() {
    let line = Line::with_token(&[
        "-f",
        "out.c1z",
        "--log-level",
        "debug",
        "--log-path",
        "a.log,b.log",
        "--log-path=c.log",
        "--log-level-debug-expires-at",
        "2026-12-01T00:00:00Z",
        "--sync-resources",
        r#"bid:r:user/u1,"bid:r:group/a,b""#,
        "--sync-resource-types",
        "user,group",
        "--skip-grants",
        "--workers",
        "-1",
        "--storage-engine",
        "pebble",
        "--external-resource-c1z",
        "okta.c1z",
        "--external-resource-traits",
        "user",
        "--http-timeout-seconds",
        "5",
        "--otel-collector-endpoint",
        "http://127.0.0.1:4317",
        "--otel-logging-disabled",
        "--region",
        "eu",
        "--otel-collector-endpoint-tls-insecure",
    ]);

    let settings = line.settings();

    assert!(settings.file.ends_with("out.c1z"));
    assert_eq!(settings.log.level, LogLevel::Debug);
    assert_eq!(settings.log.debug_until, Some("2026-12-01T00:00:00Z".parse().unwrap()));
    let names: Vec<_> =
        settings.log.paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["a.log", "b.log", "c.log"]);
    let bids: Vec<String> = settings.sync.resources.iter().map(ToString::to_string).collect();
    assert_eq!(bids, ["bid:r:user/u1", "bid:r:group/a,b"]);
    assert_eq!(settings.sync.resource_types, ["user", "group"]);
    assert_eq!((settings.sync.depth, settings.sync.workers), (SyncDepth::WithoutGrants, Workers::OfMachine));
    assert_eq!(settings.sync.storage, Some(StorageEngine::Pebble));
    let external = settings.sync.external.as_ref().unwrap();
    assert_eq!((external.traits.as_slice(), &external.entitlement), (&["user".to_owned()][..], &None));
    assert_eq!(settings.http_timeout, Duration::from_secs(5));
    let telemetry = settings.telemetry.as_ref().unwrap();
    assert_eq!((telemetry.traces, telemetry.logs), (Permission::Allowed, Permission::Refused));
    assert_eq!(telemetry.tls, TelemetryTls::Off);
    assert!(texts(&settings).contains(&("region", "eu".to_owned())));
}

// rule: baton S-13
// rule: baton S-24
#[rstest]
#[case(&["--workers=0"], Workers::One, SyncDepth::Everything)]
#[case(&["--workers=1", "--parallel-sync"], Workers::One, SyncDepth::Everything)]
#[case(&["--workers=8", "--skip-entitlements-and-grants"], Workers::Count(8), SyncDepth::ResourcesOnly)]
#[case(&["--parallel-sync", "--skip-full-sync"], Workers::OfMachine, SyncDepth::Nothing)]
#[case(&["--parallel-sync=false"], Workers::One, SyncDepth::Everything)]
fn depth_and_workers_are_chosen(
    #[case] arguments: &[&str],
    #[case] workers: Workers,
    #[case] depth: SyncDepth,
) {
    let settings = Line::with_token(arguments).settings();

    assert_eq!((settings.sync.workers, settings.sync.depth), (workers, depth));
}

// rule: baton C-4
#[rstest]
#[case(&["--task-concurrency", "0"], None)]
#[case(&["--http-timeout-seconds", "1801"], Some("field `http-timeout-seconds` (from --http-timeout-seconds): must be a whole number from 1 to 1800"))]
#[case(&["--http-timeout-seconds=soon"], Some("must be a whole number from 1 to 1800"))]
#[case(&["--workers=-2"], Some("field `workers` (from --workers): must be a whole number from -1 to 1024"))]
#[case(&["--log-level", "loud"], Some("field `log-level` (from --log-level): must be one of debug, info, warn, error"))]
#[case(&["--log-format", "xml"], Some("must be one of console, json"))]
#[case(&["--storage-engine", "v3"], Some("must be one of sqlite, pebble"))]
#[case(&["--skip-full-sync=maybe"], Some("field `skip-full-sync` (from --skip-full-sync): must be true or false"))]
#[case(&["--log-level-debug-expires-at", "tomorrow"], Some("must be an instant like"))]
#[case(&["--c1z-temp-dir", "/nowhere/at/all"], Some("field `c1z-temp-dir` (from --c1z-temp-dir): must be a folder that exists"))]
#[case(&["--sync-resources", "user/u1"], Some("field `sync-resources` (from --sync-resources): this names no resource"))]
#[case(&["--health-check-port", "70000"], Some("must be a whole number from 1 to 65535"))]
#[case(&["--health-check-bind-address", "everywhere"], Some("must be an address of this machine"))]
#[case(&["--region", "asia"], Some("field `region` (from --region): must be of eu, us"))]
#[case(&["--domain", "evil.example.com"], Some("field `domain` (from --domain): must be a host of api.example.com, eu.example.com"))]
#[case(&["--session-store-maximum-size=-1"], Some("must be a whole number of at least 0"))]
fn broken_rule_is_named_with_its_field_and_who_said_it(
    #[case] arguments: &[&str],
    #[case] says: Option<&str>,
) {
    let read = Line::with_token(arguments).read();

    match says {
        // Only service mode has tasks.
        None => assert!(matches!(read, Ok(Invocation::Run(_)))),
        Some(says) => {
            let error = read.unwrap_err();
            assert_eq!(error.exit().number(), 3);
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}

// rule: baton C-4
#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let error = Line::new(&["--log-level=x", "--workers=y", "--grant-entitlement=e", "--region=z"]).error();

    for says in
        ["`log-level`", "`workers`", "`grant-principal` is missing", "`region`", "`access-token` is required"]
    {
        assert!(error.contains(says), "{says} in {error}");
    }
}

// rule: baton SG-3
#[test]
fn missing_field_is_named_with_every_way_to_give_it_and_others_are_not_asked_for() {
    let error = Line::new(&[]).error();

    assert_eq!(
        error,
        "field `access-token` is required: give it as --access-token or BATON_ACCESS_TOKEN or BATON_TOKEN"
    );
}

// rule: baton C-5
#[rstest]
#[case(&["--grant-entitlement", "e"], "fields `grant-entitlement`, `grant-principal` go together; `grant-principal` is missing")]
#[case(&["--grant-principal", "u"], "`grant-entitlement` is missing")]
#[case(&["--client-id", "o@a/x"], "fields `client-id`, `client-secret` go together; `client-secret` is missing")]
#[case(&["--client-secret", "s"], "`client-id` is missing")]
#[case(&["--create-ticket"], "`ticket-template-path` is missing")]
#[case(&["--bulk-create-ticket"], "`bulk-ticket-template-path` is missing")]
#[case(&["--get-ticket"], "`ticket-id` is missing")]
#[case(&["--diff-syncs", "--base-sync-id", "b"], "go together; `applied-sync-id` is missing")]
#[case(&["--compact-syncs"], "`compact-output-path`, `compact-file-paths`, `compact-sync-ids` are missing")]
#[case(&["--skip-grants"], "field `skip-grants` needs field `sync-resources`")]
#[case(&["--external-resource-traits", "user"], "needs field `external-resource-c1z`")]
#[case(&["--external-resource-entitlement-id-filter", "e"], "needs field `external-resource-c1z`")]
#[case(&["--revoke-grant", "g", "--delete-resource", "d"], "fields `revoke-grant`, `delete-resource` exclude each other")]
#[case(&["--revoke-grant", "g", "--create-account-login", "l"], "exclude each other")]
#[case(&["--create-account-email", "a@example.com", "--diff-syncs"], "fields `create-account-email`, `diff-syncs` exclude each other")]
#[case(&["--event-feed=true", "--list-ticket-schemas"], "fields `event-feed`, `list-ticket-schemas` exclude each other")]
fn relation_that_does_not_hold_is_named(#[case] arguments: &[&str], #[case] says: &str) {
    let read = Line::with_token(arguments).read();

    // What connector files cannot do at all is said in place of its relations.
    if let Err(CommandLineError::Unsupported(task)) = &read {
        assert!(arguments.iter().any(|argument| task.to_string().contains(argument.trim_start_matches('-'))));
        return;
    }
    let error = read.unwrap_err().to_string();
    assert!(error.contains(says), "{error}");
}

// rule: baton C-5
#[test]
fn switches_that_are_off_and_empty_texts_relate_to_nothing() {
    let line = Line::with_token(&["--diff-syncs=false", "--grant-entitlement=", "--event-feed", "false"])
        .variable("BATON_CREATE_TICKET", "0")
        .variable("BATON_REVOKE_GRANT", "");

    assert!(matches!(line.settings().mode, Mode::Sync));
}

// rule: baton C-4
// rule: architecture law 8
#[test]
fn no_error_and_no_debug_form_shows_a_value() {
    let canary = Canary::new("line");
    let secret = canary.secret.as_str();
    let lines = [
        Line::new(&[secret]),
        Line::new(&["--access-token", "", secret]),
        Line::new(&["--no-such-flag", secret]),
        Line::new(&[&format!("--no-such-flag={secret}")]),
        Line::new(&[&format!("-x{secret}")]),
        Line::new(&["capabilities", secret]),
        Line::with_token(&["--client-id", "o@a/x", "--client-secret", secret]),
        Line::with_token(&["--client-id", secret, "--client-secret", secret]),
        Line::with_token(&[&format!("--domain={secret}")]),
        Line::with_token(&[&format!("--log-level={secret}")]),
        Line::with_token(&[&format!("--provisioning={secret}"), "--client-id=o@a/x", "--client-secret=s"]),
        Line::with_token(&["--create-account-profile", secret]),
        Line::new(&[]).config(&format!("access-token: [{secret}]\n")),
        Line::new(&[]).config(&format!("access-token: {secret}: {secret}\n")),
    ];
    for line in lines {
        let error = line.read().unwrap_err();
        canary.assert_absent([error.to_string(), format!("{error:?}"), format!("{:?}", line.inputs())]);
    }
    let good = Line::new(&["--access-token", secret, "--create-account-email", &canary.personal]).settings();
    canary.assert_absent([format!("{good:?}")]);
}
