use sandbox::Faults;
use sandbox::segment::SegmentOptions;

use crate::program::{Program, shared};
use crate::segment;

const ACCESS: &[&str] = &["privacy", "access", "--identity", "email=ana@example.com", "--out"];

/// Runs of one request with different seeds; together more than 200 calls.
const RUNS: u64 = 30;

#[tokio::test(flavor = "multi_thread")]
async fn with_faults_a_package_is_the_same_or_says_that_it_is_not() {
    let program = Program::new();
    let calm = segment::start(SegmentOptions::default()).await;
    segment::project(&program, &calm, "segment_unify");
    program.run(&[ACCESS, &["calm"]].concat()).expect(0);
    let expected = program.read("calm/access.json");
    let faults: Faults = "rate_429=0.05,rate_500=0.05,reset_before=0.05,truncated=0.05".parse().unwrap();
    let (mut whole, mut calls, mut retries) = (0, 0, 0);

    for run in 0..RUNS {
        let stormy = segment::start(SegmentOptions { faults, ..SegmentOptions::default() }).await;
        // Faults are drawn call by call; every run meets others.
        for _ in 0..run {
            one_call(&stormy.url());
        }
        segment::project(&program, &stormy, "segment_unify");
        let out = format!("stormy-{run}");
        let ran = program.run(&[ACCESS, &[out.as_str()]].concat());

        let report = program.json(&format!("{out}/report.json"));
        for (_, collection) in report["collections"].as_object().unwrap() {
            calls += collection["requests"].as_u64().unwrap();
            retries += collection["retries"].as_u64().unwrap();
        }
        if ran.code == 0 {
            assert_eq!(program.read(&format!("{out}/access.json")), expected, "run {run}");
            whole += 1;
        } else {
            let ran = ran.expect(3);
            assert_eq!(report["outcome"], "incomplete");
            ran.complains(&["incomplete"]);
        }
    }

    assert!(calls >= 200, "only {calls} calls");
    assert!(retries > 0, "the faults did not strike");
    assert!(whole > RUNS / 2, "only {whole} of {RUNS} runs were whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_example_runs_unchanged() {
    let Some(file) = shared("corpus/published/segment_connector_example.yml") else { return };
    let sandbox = segment::start(SegmentOptions::default()).await;
    let program = Program::new();
    let example = program.file("example.yml", &std::fs::read_to_string(file).unwrap());
    segment::published(&program, &sandbox, example.to_str().unwrap());

    program.run(&[ACCESS, &["out"]].concat()).expect(0);
    let other = program
        .run(&["privacy", "access", "--identity", "email=nobody-at-all@example.com", "--out", "other"])
        .expect(3);

    let rows = program.json("out/access.json");
    assert_eq!(rows["segment_connector_example:segment_user"].as_array().unwrap().len(), 1);
    for collection in ["traits", "track_events", "external_ids"] {
        assert!(!rows[format!("segment_connector_example:{collection}")].as_array().unwrap().is_empty());
    }
    other.complains(&["incomplete"]);
    let report = program.json("other/report.json");
    let user = &report["collections"]["segment_connector_example:segment_user"];
    assert_eq!(
        user["completeness"]["reason"], "http_4xx",
        "a 404 that the file does not ignore is no answer"
    );
}

/// One call that only moves the simulator's sequence of faults on.
fn one_call(url: &str) {
    use std::io::{Read as _, Write as _};

    let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    // It may well end in a reset: that is what faults are for.
    let _ = stream.read_to_end(&mut Vec::new());
}
