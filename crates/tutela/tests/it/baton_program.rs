//! Baton connectors of somebody else as connections: our own `baton-segment` is one (decision 054).

mod change;
mod office;
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use protos::c1::connector::v2::{Entitlement, Grant, Resource};
use sandbox::segment::SegmentSandbox;
use serde_json::Value;

use self::office::{RUN, connector, options, user};
use crate::program::{Program, Ran};
use crate::segment;

fn project(program: &Program, sandbox: &SegmentSandbox, sha256: &str) {
    let user = user(program);
    let (token, url) = (&sandbox.description().tokens.access_token, sandbox.url());
    program.file(
        "tutela.yml",
        &format!(
            "connections:\n  - key: segment\n    connector: segment\n    secrets: {{ domain: api.segmentapis.com, \
             access_token: \"{token}\" }}\n  - key: office\n    baton:\n      program: ./connector/baton-office\n      \
             sha256: {sha256}\n      user: \"{user}\"\n      settings: {{ workers: 2 }}\n    secrets: {{ token: \"{token}\" }}\n  \
             - key: kept\n    baton: {{ file: ./kept.c1z }}\negress:\n  allow: [\"127.0.0.1/32\"]\n  \
             routes: {{ api.segmentapis.com: \"{url}\" }}\nreading: {{ retry_wait_ms: 1 }}\n"
        ),
    );
}

fn sync(program: &Program, connection: &str, more: &[&str]) -> Ran {
    program.run(&[&["governance", "sync", "--connection", connection, "--format", "json"], more].concat())
}

/// Everything that a file says, by id.
fn rows(path: &Path) -> BTreeMap<String, String> {
    let reader = c1z::Reader::open(path, None, &c1z::Limits::default()).unwrap();
    let (run, all) = (reader.runs().last().unwrap(), c1z::Filter::default());
    let mut rows = BTreeMap::new();
    for row in reader.rows::<Resource>(run, &all) {
        let row = row.unwrap();
        let id = row.id.clone().unwrap();
        rows.insert(format!("resource {}:{}", id.resource_type, id.resource), format!("{row:?}"));
    }
    for row in reader.rows::<Entitlement>(run, &all) {
        let row = row.unwrap();
        rows.insert(format!("entitlement {}", row.id), format!("{row:?}"));
    }
    for row in reader.rows::<Grant>(run, &all) {
        let row = row.unwrap();
        rows.insert(format!("grant {}", row.id), format!("{row:?}"));
    }
    rows
}

fn reply(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

// rule: baton T-2; decision 054
#[tokio::test(flavor = "multi_thread")]
async fn a_program_and_a_file_of_it_tell_what_the_connector_file_tells() {
    let sandbox = segment::start(options(60)).await;
    let program = Program::new();
    let sha256 = connector(&program, &sandbox, RUN);
    project(&program, &sandbox, &sha256);

    let direct = reply(&sync(&program, "segment", &["-f", "direct.c1z"]).expect(0));
    let found = reply(&sync(&program, "office", &["-f", "office.c1z"]).expect(0));
    fs::copy(program.folder().join("office.c1z"), program.folder().join("kept.c1z")).unwrap();
    let kept = reply(&sync(&program, "kept", &[]).expect(0));

    let of = |name: &str| rows(&program.folder().join(name));
    assert_eq!(of("office.c1z"), of("direct.c1z"));
    let counts = |reply: &Value| -> BTreeMap<String, Value> {
        let kinds = reply["kinds"].as_array().unwrap().iter().filter(|kind| kind["status"] == "complete");
        kinds
            .map(|kind| {
                let counts = ["resources", "entitlements", "grants"].map(|what| kind[what].clone());
                (kind["kind"].as_str().unwrap().to_owned(), counts.into_iter().collect())
            })
            .collect()
    };
    assert_eq!(counts(&found), counts(&direct));
    assert_eq!(counts(&kept), counts(&direct));
    assert_eq!((&found["outcome"], &found["sync_id"]), (&Value::from("complete"), &kept["sync_id"]));
    assert!(found["inventory"]["held"].is_null() && found["inventory"]["state"].is_string(), "{found}");
    // The same again changes nothing.
    let again = reply(&sync(&program, "kept", &[]).expect(0));
    assert_eq!(again["inventory"]["changed_parts"], 0);
    // Other commands know what such a connection is not.
    let listed = program.run(&["connection", "list", "--format", "json"]).expect(0);
    assert!(listed.stdout.contains("Baton program") && listed.stdout.contains("Baton file"), "{listed:?}");
    program.run(&["connection", "test", "office"]).expect(2).complains(&["Baton connector of somebody else"]);
}

// rule: architecture laws 4, 8; decision 054
#[tokio::test(flavor = "multi_thread")]
async fn programs_and_files_that_mean_no_good_change_nothing_and_show_no_secret() {
    let sandbox = segment::start(options(60)).await;
    let small = segment::start(options(12)).await;
    let program = Program::new().with_environment("RUST_LOG", "info");
    let token = sandbox.description().tokens.access_token.clone();
    let sha256 = connector(&program, &sandbox, RUN);
    project(&program, &sandbox, &sha256);
    let whole = reply(&sync(&program, "office", &["-f", "whole.c1z"]).expect(0));
    let state = &whole["inventory"]["state"];

    // Another program than the configured.
    let other = connector(&program, &sandbox, "echo \"bad token $BATON_TOKEN\" >&2; exit 1");
    sync(&program, "office", &["-f", "no.c1z"]).expect(4).complains(&["it was not started", &sha256]);
    // One that fails, with a secret in its log.
    project(&program, &sandbox, &other);
    let failed = sync(&program, "office", &["-f", "no.c1z"]).expect(1);
    failed.complains(&["ended with status 1"]);
    assert!(!failed.stdout.contains(&token) && !failed.stderr.contains(&token), "{failed:?}");
    // One that writes half a file, and one that writes none.
    for (lines, says) in [
        (
            "\"$CONNECTOR\" && head -c 2000 \"$BATON_FILE\" > cut && mv cut \"$BATON_FILE\"",
            "damaged or cut off",
        ),
        ("printf 'C1Z3\\0\\0\\0\\0\\0' > \"$BATON_FILE\"", "version 3"),
        ("exit 0", "wrote no file"),
    ] {
        project(&program, &sandbox, &connector(&program, &sandbox, lines));
        sync(&program, "office", &["-f", "no.c1z"]).expect(1).complains(&[says]);
    }
    assert!(!program.folder().join("no.c1z").exists());
    // One that has lost most of it.
    project(&program, &small, &connector(&program, &small, RUN));
    let held = reply(&sync(&program, "office", &[]).expect(4));
    assert!(held["inventory"]["held"].is_string() && held["inventory"]["state"] != *state, "{held}");
    sync(&program, "office", &["--accept-shrink"]).expect(0);
}
