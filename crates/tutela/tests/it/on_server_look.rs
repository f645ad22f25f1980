//! Looking at policies, connectors and the audit log of a running server.

use serde_json::{Value, json};
use testkit::{Answer, FakeSaas};

use crate::on_server::on;
use crate::program::{Program, Ran};
use crate::workers::{Office, Vendor, program};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Waits until something was entered and signed. Each command asks for a token, so that something always waits.
async fn signed(program: &Program, office: &Office) -> Ran {
    let begun = std::time::Instant::now();
    loop {
        let ran = on(program, office, &["--format", "json", "audit", "verify"]);
        if ran.code == 0 && ran.json().get("entries").and_then(Value::as_u64) > Some(9) {
            return ran;
        }
        assert!(begun.elapsed().as_secs() < 60, "{ran:?}");
        // Each look is an entry: looking all the time would push the others off the end of a list.
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_of_a_server_are_checked_against_its_datasets() {
    let (program, vendor) = (program(), Vendor::start(1).await);
    let office = Office::open(&program, &vendor, &[]).await;

    let json = on(&program, &office, &["--format", "json", "policy", "check"]).expect(0).json();
    let table = on(&program, &office, &["policy", "check"]).expect(0);

    let rules = json["rules"].as_array().unwrap();
    let erasure = rules.iter().find(|rule| rule["policy"] == "default_erasure_policy").unwrap();
    assert_eq!(
        keys(erasure),
        ["policy", "rule", "action", "targets", "masking", "collections"],
        "as without a server"
    );
    assert_eq!((&erasure["action"], &erasure["masking"]), (&json!("erasure"), &json!("hmac")));
    assert_eq!(erasure["collections"]["vendor:people"], json!(["email", "name"]), "{erasure}");
    assert!(table.stdout.contains("vendor:notes: text"), "{}", table.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_log_of_a_server_is_listed_exported_and_verified_here() {
    // Each command here asks for a token of its own.
    let program = program().with_environment("TUTELA_SECURITY_AUTH_RATE_LIMIT", "100/minute");
    let vendor = Vendor::start(1).await;
    let office = Office::open(&program, &vendor, &[]).await;
    let first = signed(&program, &office).await;

    let kept = on(&program, &office, &["audit", "export", "--checkpoint", "--out", "kept.json"]).expect(0);
    let listed =
        on(&program, &office, &["--format", "json", "audit", "list", "--last", "3"]).expect(0).json();
    let table = on(&program, &office, &["audit", "list"]).expect(0);
    on(&program, &office, &["audit", "export", "--out", "audit.jsonl"]).expect(0);
    let printed = on(&program, &office, &["audit", "export"]).expect(0);
    let against = on(&program, &office, &["audit", "verify", "--against", "kept.json"]).expect(0);
    let of_file = on(&program, &office, &["audit", "verify", "--log", "audit.jsonl"]).expect(0);
    // The same bytes without the server, and with the key that lies in its data folder.
    let key = "data/signing-key.pub";
    program
        .run(&["audit", "verify", "--log", "audit.jsonl", "--key", key, "--against", "kept.json"])
        .expect(0);
    program.run(&["audit", "export", "--data", "data", "--out", "own.jsonl"]).expect(0);
    let changed = program.read("audit.jsonl").replacen("\"action\":\"", "\"action\":\"not_", 1);
    program.file("changed.jsonl", &changed);
    let tampered = on(&program, &office, &["audit", "verify", "--log", "changed.jsonl"]);

    let entries = first.json()["entries"].as_u64().unwrap();
    assert_eq!(keys(&first.json()), ["entries", "checkpoints", "unsigned", "waiting"]);
    assert!(kept.stdout.is_empty());
    let numbers: Vec<u64> =
        listed["entries"].as_array().unwrap().iter().map(|one| one["number"].as_u64().unwrap()).collect();
    let last = *numbers.last().unwrap();
    assert_eq!(numbers, [last - 2, last - 1, last], "{listed}");
    assert!(last + 1 >= entries, "{listed}");
    assert!(table.stdout.contains("connection."), "{}", table.stdout);
    assert!(against.stdout.contains("as it was signed") && of_file.stdout.contains("as it was signed"));
    assert!(program.read("own.jsonl").starts_with(program.read("audit.jsonl").lines().next().unwrap()));
    assert_eq!(printed.stdout.lines().next(), program.read("audit.jsonl").lines().next());
    tampered.expect(1).complains(&["not those that were signed"]);
    for text in [&program.read("audit.jsonl"), &table.stdout, &listed.to_string()] {
        assert!(!text.contains("@example.com") && !text.contains("canary"), "{text}");
    }
}

/// A log that a server has signed and whose end does not arrive: nothing half-written stays.
#[tokio::test(flavor = "multi_thread")]
async fn torn_export_leaves_what_was_there_and_nothing_beside_it() {
    let server = FakeSaas::start().await;
    let version = json!({"version": env!("CARGO_PKG_VERSION")});
    server.on("GET", "/health").then(Answer::json(200, &version));
    server.on("POST", "/api/v1/oauth/token").then(Answer::json(200, &json!({"access_token": "t"})));
    let key = crypto_key(&program());
    let standing = json!({"entries": 2, "waiting": 0, "signed": 2, "public_key": key});
    server.on("GET", "/api/v1/audit-log/state").then(Answer::json(200, &standing));
    let line = json!({"number": 0, "entry": {"id": "aud_1"}}).to_string();
    server.on("GET", "/api/v1/audit-log/export").then(Answer::text(200, format!("{line}\n")));
    let program = program();
    program.file("audit.jsonl", "what was there before\n");
    let before = std::fs::read_dir(program.folder()).unwrap().count();

    let url = server.base_url();
    let export = program.run(&["audit", "export", "--out", "audit.jsonl", "--server", &url]);
    let printed = program.run(&["audit", "export", "--server", &url]);
    let verify = program.run(&["audit", "verify", "--server", &url]);

    export.expect(1).complains(&["did not arrive whole"]);
    let printed = printed.expect(1);
    assert!(printed.stdout.is_empty(), "{}", printed.stdout);
    verify.expect(1).complains(&["did not arrive whole"]);
    assert_eq!(program.read("audit.jsonl"), "what was there before\n");
    assert_eq!(std::fs::read_dir(program.folder()).unwrap().count(), before);
    assert_eq!(server.calls_to("/api/v1/audit-log/export").len(), 9, "each is tried three times");
}

/// A public key in its form.
fn crypto_key(program: &Program) -> String {
    crate::running::Running::start(program, &[]).end().expect(0);
    program.read("data/signing-key.pub").trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_the_audit_log_is_told_the_scope_and_gets_no_file() {
    let (program, vendor) = (program(), Vendor::start(1).await);
    let office = Office::open(&program, &vendor, &[]).await;
    let made = office.send("POST /api/v1/oauth/client", &json!(["policy:read"])).await;
    let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    let other = Program::new()
        .with_environment("TUTELA_CLIENT_ID", id)
        .with_environment("TUTELA_CLIENT_SECRET", secret);

    for command in ["list", "verify", "export"] {
        on(&other, &office, &["audit", command]).expect(4).complains(&["audit-log:read", "give the scope"]);
    }
    on(&other, &office, &["audit", "export", "--out", "audit.jsonl"]).expect(4);

    assert_eq!(std::fs::read_dir(other.folder()).unwrap().count(), 0);
    assert!(vendor.saas.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn connectors_of_a_server_are_listed_shown_and_a_file_is_checked_by_it() {
    let (program, vendor) = (program(), Vendor::start(1).await);
    let office = Office::open(&program, &vendor, &[]).await;
    let scaffold = ["connector", "new", "acme", "--out", "acme"];
    program.run(&scaffold).expect(0);
    program.file("wrong.yml", &program.read("acme/connector.yml").replace("version:", "vresion:"));

    let here = program.run(&["--format", "json", "connector", "list"]).expect(0).json();
    let there = on(&program, &office, &["--format", "json", "connector", "list"]).expect(0).json();
    let shown = on(&program, &office, &["--format", "json", "connector", "show", "stripe"]).expect(0).json();
    let own = program.run(&["--format", "json", "connector", "show", "stripe"]).expect(0).json();
    let absent = on(&program, &office, &["connector", "show", "nowhere"]);
    let fits = on(&program, &office, &["--format", "json", "connector", "check", "acme"]).expect(0).json();
    let table = on(&program, &office, &["connector", "check", "acme"]).expect(0);
    let wrong =
        on(&program, &office, &["--format", "json", "connector", "check", "wrong.yml"]).expect(2).json();

    let names = |list: &Value| -> std::collections::BTreeSet<String> {
        list["connectors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(keys(&here["connectors"][0]), keys(&there["connectors"][0]));
    assert_eq!(names(&here), names(&there), "nobody brought one");
    assert_eq!(shown, own);
    absent.expect(2).complains(&["offers no connector `nowhere`", "stripe"]);
    assert_eq!(fits["files"][0]["server"]["accepted"], true, "{fits}");
    assert!(table.stdout.contains("the server would take"), "{}", table.stdout);
    assert!(!wrong["diagnostics"].as_array().unwrap().is_empty());
    assert_eq!(wrong["files"][0].get("server"), None, "it is refused here, and nobody is asked");
}
