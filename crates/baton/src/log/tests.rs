use std::fs;
use std::path::Path;

use rstest::rstest;
use serde_json::Value;
use testkit::{Canary, TestClock};
use tracing::{debug, error, info, info_span, warn};
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;

fn settings(level: LogLevel, format: LogFormat, path: &Path) -> LogSettings {
    LogSettings { level, format, paths: vec![path.to_owned()], debug_until: None }
}

/// What is in the file after `work` logged by `settings`.
fn logged(settings: &LogSettings, clock: &TestClock, work: impl FnOnce()) -> Vec<String> {
    let layer = settings.layer(Arc::new(clock.clone())).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    let text = fs::read_to_string(settings.paths.first().unwrap()).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("connector.log");
    (folder, path)
}

// rule: baton C-16
#[test]
fn json_records_have_level_time_caller_message_then_fields() {
    let (_folder, path) = file();
    let clock = TestClock::at("2026-11-26T12:00:00.25Z".parse().unwrap());

    let lines = logged(&settings(LogLevel::Info, LogFormat::Json, &path), &clock, || {
        let _span = info_span!("task", task = "2abc", pages = 9).entered();
        info!(pages = 3_u64, done = true, share = 0.5, level = "high", name = %"a\"b", "page\nread");
    });

    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let record: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
    let names: Vec<&str> = record.keys().map(String::as_str).collect();
    assert_eq!(names, ["level", "ts", "caller", "msg", "pages", "done", "share", "level_", "name", "task"]);
    assert_eq!((record["level"].as_str(), record["msg"].as_str()), (Some("info"), Some("page\nread")));
    assert_eq!(record["ts"].to_string(), "1795694400.25");
    assert!(record["caller"].as_str().unwrap().starts_with("baton/log/tests.rs:"), "{line}");
    assert_eq!((&record["pages"], &record["task"]), (&Value::from(3), &Value::from("2abc")));
}

// rule: baton C-16
#[test]
fn console_records_have_tabs_and_one_line() {
    let (_folder, path) = file();
    let clock = TestClock::at("2026-11-26T12:00:00.25Z".parse().unwrap());

    let lines = logged(&settings(LogLevel::Info, LogFormat::Console, &path), &clock, || {
        warn!(pages = 3, "page\tread\nlate");
        error!("gone");
    });

    let [first, second] = lines.as_slice() else { panic!("{lines:?}") };
    let parts: Vec<&str> = first.split('\t').collect();
    let [time, level, caller, message, fields] = parts.as_slice() else { panic!("{first}") };
    assert_eq!((*time, *level, *message), ("2026-11-26T12:00:00.250Z", "warn", "page read late"));
    assert!(caller.starts_with("baton/log/tests.rs:"), "{caller}");
    assert_eq!(*fields, "{\"pages\":3}");
    assert_eq!(second.split('\t').count(), 4);
}

// rule: baton §12.2, log-level
#[rstest]
#[case(LogLevel::Debug, &["error", "warn", "info", "debug"])]
#[case(LogLevel::Info, &["error", "warn", "info"])]
#[case(LogLevel::Warn, &["error", "warn"])]
#[case(LogLevel::Error, &["error"])]
fn level_holds_for_everything_less_grave(#[case] level: LogLevel, #[case] expected: &[&str]) {
    let (_folder, path) = file();

    let lines = logged(&settings(level, LogFormat::Json, &path), &TestClock::new(), || {
        error!("error");
        warn!("warn");
        info!("info");
        debug!("debug");
        tracing::trace!("trace");
    });

    let said =
        |line: &String| serde_json::from_str::<Value>(line).unwrap()["msg"].as_str().unwrap().to_owned();
    assert_eq!(lines.iter().map(said).collect::<Vec<_>>(), expected);
}

// rule: baton §12.2, log-level-debug-expires-at
#[test]
fn debug_becomes_info_at_its_time() {
    let (_folder, path) = file();
    let clock = TestClock::new();
    let until = clock.now() + jiff::SignedDuration::from_secs(60);
    let limited =
        LogSettings { debug_until: Some(until), ..settings(LogLevel::Debug, LogFormat::Json, &path) };

    let lines = logged(&limited, &clock, || {
        debug!("before");
        clock.advance(std::time::Duration::from_mins(1));
        debug!("after");
        info!("still");
    });

    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains("before") && lines[1].contains("still"), "{lines:?}");
}

// rule: architecture §13.21
#[test]
fn foreign_crates_never_log_below_info_nor_hand_their_spans_on() {
    let canary = Canary::new("log");
    let (_folder, path) = file();
    let secret = canary.secret.as_str();

    let lines = logged(&settings(LogLevel::Debug, LogFormat::Json, &path), &TestClock::new(), || {
        let _span = tracing::debug_span!(target: "hyper_util::client", "send", header = secret).entered();
        debug!(target: "rustls::client::hs", token = secret, "connecting");
        debug!(target: "baton_lookalike", token = secret, "connecting");
        info!(target: "hyper_util::client", "pool idle");
        debug!("ours");
    });

    assert_eq!(lines.len(), 2, "{lines:?}");
    canary.assert_absent(&lines);
}

#[test]
fn log_file_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none").join("connector.log");

    let error =
        settings(LogLevel::Info, LogFormat::Json, &path).layer(Arc::new(TestClock::new())).unwrap_err();

    assert!(
        error.to_string().contains("none/connector.log") && error.to_string().contains("log-path"),
        "{error}"
    );
}

#[test]
fn records_of_a_later_start_stand_behind_those_of_an_earlier() {
    let (_folder, path) = file();
    let settings = settings(LogLevel::Info, LogFormat::Json, &path);

    logged(&settings, &TestClock::new(), || info!("one"));
    let lines = logged(&settings, &TestClock::new(), || info!("two"));

    assert_eq!(lines.len(), 2);
}

#[test]
fn a_file_that_is_called_like_a_stream_is_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stderr");

    let lines = logged(&settings(LogLevel::Info, LogFormat::Json, &path), &TestClock::new(), || info!("one"));

    assert_eq!(lines.len(), 1);
}
