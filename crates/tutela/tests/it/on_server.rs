//! Commands that a running server carries out.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use testkit::Delivery;

use crate::program::{Program, Ran};
use crate::workers::{Office, Vendor, address, program};

/// A server that gives packages out.
pub(crate) fn giving() -> Program {
    program().with_environment("TUTELA_SECURITY_SUBJECT_REQUEST_DOWNLOAD_UI_ENABLED", "true")
}

/// Runs a command that the office's server carries out.
pub(crate) fn on(program: &Program, office: &Office, arguments: &[&str]) -> Ran {
    let mut all = arguments.to_vec();
    all.extend(["--server", &office.running.url]);
    program.run(&all)
}

/// The number of the request that a command announced.
pub(crate) fn number(ran: &Ran) -> String {
    let line = ran.stderr.lines().find_map(|line| line.strip_prefix("request: "));
    line.unwrap_or_else(|| panic!("no request:\n{}\n{}", ran.stdout, ran.stderr)).to_owned()
}

fn mode(program: &Program, name: &str) -> u32 {
    std::fs::metadata(program.folder().join(name)).unwrap().permissions().mode() & 0o777
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Nothing that was said names a person or lets anybody in.
fn assert_discreet(ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        for secret in ["@example.com", "canary-root-secret", "token=", "Bearer"] {
            assert!(!text.contains(secret), "{secret} in:\n{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn package_is_fetched_whole_and_only_its_owner_may_read_it() {
    let (program, vendor) = (giving(), Vendor::start(2).await);
    let office = Office::open(&program, &vendor, &["-vv"]).await;

    let ran = on(
        &program,
        &office,
        &[
            "-vv",
            "--format",
            "json",
            "privacy",
            "access",
            "--identity",
            "email=person-0@example.com",
            "--out",
            "out",
        ],
    )
    .expect(0);
    let table = on(
        &program,
        &office,
        &[
            "privacy",
            "access",
            "--policy",
            "default_access_policy",
            "--identity",
            "email=person-1@example.com",
            "--out",
            "more",
        ],
    )
    .expect(0);
    let again =
        on(&program, &office, &["privacy", "access", "--run", &number(&ran), "--out", "again"]).expect(0);
    let server = office.running.end().expect(0);

    let shown = ran.json();
    assert_eq!(keys(&shown), ["outcome", "package", "collections"], "as without a server");
    assert_eq!(shown["package"], "out/package.zip");
    assert_eq!(shown["collections"]["vendor:notes"]["rows"], 2, "{shown}");
    assert_eq!((mode(&program, "out"), mode(&program, "out/package.zip")), (0o700, 0o600));
    assert_eq!(mode(&program, "out/report.json"), 0o600);
    let package = std::fs::read(program.folder().join("out/package.zip")).unwrap();
    assert!(package.starts_with(b"PK"));
    assert_eq!(std::fs::read_dir(program.folder().join("out")).unwrap().count(), 2, "no draft stays");
    assert!(table.stdout.contains("vendor:people") && table.stdout.contains("package: more/package.zip"));
    for ran in [&ran, &table, &again, &server] {
        assert_discreet(ran);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_people_are_asked_about_on_a_server_and_each_has_a_folder() {
    let (program, vendor) = (giving(), Vendor::start(3).await);
    let office = Office::open(&program, &vendor, &[]).await;
    let people: Vec<String> =
        (0..3).map(|number| format!("{{\"email\": \"{}\"}}", address(number))).collect();
    program.file("people.jsonl", &people.join("\n"));

    let ran = on(
        &program,
        &office,
        &["--format", "json", "privacy", "access", "--subjects", "people.jsonl", "--out", "all"],
    )
    .expect(0);

    let totals = ran.json();
    assert_eq!((totals["people"].as_u64(), totals["complete"].as_u64()), (Some(3), Some(3)), "{totals}");
    for line in 1..=3 {
        assert!(program.folder().join(format!("all/subject-000{line}/package.zip")).is_file());
    }
    assert_discreet(&ran);
}

#[tokio::test(flavor = "multi_thread")]
async fn erasure_is_planned_approved_carried_out_and_proven_by_a_server() {
    let (program, vendor) = (program(), Vendor::start(2).await);
    let office = Office::open(&program, &vendor, &[]).await;
    let identity = ["--identity", "email=person-0@example.com"];

    let plan = [
        "privacy",
        "plan",
        "--policy",
        "default_erasure_policy",
        identity[0],
        identity[1],
        "--out",
        "plan.json",
    ];
    let planned = on(&program, &office, &plan).expect(0);
    let id = number(&planned);
    let written = vendor.with(|held| held.writes.len());
    let waiting = on(&program, &office, &["privacy", "status", &id]).expect(0);
    let file = program.json("plan.json");
    let digest = file["digest"].as_str().unwrap().to_owned();
    let apply = |digest: &str, program: &Program| {
        on(
            program,
            &office,
            &["--format", "json", "privacy", "apply", "plan.json", "--approve", digest, "--request", &id],
        )
    };
    let wrong = apply(&format!("sha256:{}", "0".repeat(64)), &program);
    let applied = apply(&digest, &program).expect(0);
    let twice = apply(&digest, &program).expect(0);
    let status = on(&program, &office, &["--format", "json", "privacy", "status", &id]).expect(0);
    let verified = on(&program, &office, &["--format", "json", "privacy", "verify", &id, "--out", "proof"]);
    let fetched = on(&program, &office, &["privacy", "certificate", &id, "--out", "proof2"]);

    assert_eq!(written, 0, "the policy is automatic, and a plan is a plan");
    assert_eq!(mode(&program, "plan.json"), 0o600);
    assert!(
        planned.stderr.contains(&format!("--request {id} --server {}", office.running.url)),
        "{}",
        planned.stderr
    );
    assert!(waiting.stdout.contains("requires input"), "{}", waiting.stdout);
    wrong.expect(4);
    assert_eq!(applied.json()["operations"].as_array().unwrap().len(), 3, "one person and two notes");
    assert_eq!(twice.json()["operations"], applied.json()["operations"]);
    assert_eq!(keys(&status.json()), keys(&applied.json()));
    vendor.with(|held| {
        assert_eq!(held.writes.len(), 3, "{:?}", held.writes);
        assert!(held.writes.values().all(|times| *times == 1), "{:?}", held.writes);
        assert_eq!(held.people[&1]["email"], address(1), "nobody else");
    });
    assert_eq!(verified.code, 0, "{verified:?}");
    assert_eq!(verified.json()["proven"], verified.code == 0);
    assert_eq!(fetched.code, verified.code, "{fetched:?}");
    let certificate = format!("{id}.certificate.json");
    assert_eq!(program.read(&format!("proof/{certificate}")), program.read(&format!("proof2/{certificate}")));
    program.run(&["certificate", "verify", &format!("proof/{certificate}"), "--data", "data"]).expect(0);
    for ran in [&planned, &waiting, &applied, &status, &verified, &fetched] {
        assert_discreet(ran);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn request_is_decided_and_stopped_from_the_command_line() {
    let program = giving().with_environment("TUTELA_EXECUTION_REQUIRE_MANUAL_REQUEST_APPROVAL", "true");
    let vendor = Vendor::start(1).await;
    let office = Office::open(&program, &vendor, &[]).await;
    let access = ["privacy", "access", "--identity", "email=person-0@example.com", "--out", "out"];

    let waiting = on(&program, &office, &access).expect(3);
    let id = number(&waiting);
    let approved = on(&program, &office, &["privacy", "approve", &id]).expect(0);
    let fetched = on(&program, &office, &["privacy", "access", "--run", &id, "--out", "out"]).expect(0);
    let second = number(&on(&program, &office, &access).expect(3));
    let cancelled =
        on(&program, &office, &["--format", "json", "privacy", "cancel", &second, "--reason", "twice"]);
    let again = on(&program, &office, &["privacy", "cancel", &second]);
    let gone = on(&program, &office, &["privacy", "access", "--run", &second, "--out", "none"]);

    waiting.complains(&["waits: pending", &format!("tutela privacy approve {id}")]);
    assert!(approved.stdout.contains(&id));
    assert!(fetched.stdout.contains("package: out/package.zip"));
    assert_eq!(cancelled.expect(0).json()["status"], "canceled");
    again.expect(4).complains(&[&second]);
    gone.expect(4).complains(&["canceled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_write_is_settled_from_the_command_line_and_the_server_goes_on() {
    let (program, vendor) = (program(), Vendor::start(1).await);
    let held = std::sync::Arc::clone(&vendor.held);
    // It takes effect, and nobody hears of it.
    vendor
        .saas
        .on("PUT", "/people/0")
        .with(move |call| held.lock().unwrap().answer(call).delivered(Delivery::Reset));
    let office = Office::open(&program, &vendor, &[]).await;
    let plan = [
        "privacy",
        "plan",
        "--policy",
        "default_erasure_policy",
        "--identity",
        "email=person-0@example.com",
        "--out",
        "plan.json",
    ];
    let id = number(&on(&program, &office, &plan).expect(0));
    let digest = program.json("plan.json")["digest"].as_str().unwrap().to_owned();
    let apply = ["--format", "json", "privacy", "apply", "plan.json", "--approve", &digest, "--request", &id];

    let unknown = on(&program, &office, &apply).expect(3).json();
    let operations = unknown["operations"].as_array().unwrap();
    let order = operations.iter().find(|one| one["outcome"] == "unknown").unwrap()["order"].to_string();
    let other = operations.iter().find(|one| one["outcome"] != "unknown").unwrap()["order"].to_string();
    let known = on(&program, &office, &["privacy", "resolve", &id, &other, "--took-effect"]);
    let settled = on(&program, &office, &["privacy", "resolve", &id, &order, "--took-effect"]).expect(0);
    let after = on(&program, &office, &apply);

    known.expect(4).complains(&["nothing to decide"]);
    assert!(settled.stdout.contains("masked") || settled.stdout.contains("erased"), "{}", settled.stdout);
    assert_eq!(after.code, 0, "{after:?}");
    vendor.with(|held| assert!(held.writes.values().all(|times| *times == 1), "{:?}", held.writes));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_a_server_are_listed_and_tried() {
    let (program, vendor) = (program(), Vendor::start(1).await);
    let office = Office::open(&program, &vendor, &[]).await;

    let listed = on(&program, &office, &["--format", "json", "connection", "list"]).expect(0);
    let works = on(&program, &office, &["--format", "json", "connection", "test", "vendor"]).expect(0);
    vendor.saas.on("GET", "/people").then(testkit::Answer::status(401));
    let broken = on(&program, &office, &["--format", "json", "connection", "test", "vendor"]).expect(1);
    let absent = on(&program, &office, &["connection", "test", "nowhere"]);

    let entry = &listed.json()["connections"][0];
    assert_eq!(
        keys(entry),
        ["key", "connector", "application", "masking_strict", "access", "hosts", "secrets"]
    );
    assert_eq!((&entry["key"], &entry["access"]), (&Value::from("vendor"), &Value::from("write")));
    assert_eq!(entry["secrets"], serde_json::json!(["domain"]));
    assert_eq!(
        (works.json()["passed"].as_bool(), broken.json()["passed"].as_bool()),
        (Some(true), Some(false))
    );
    absent.expect(2).complains(&["no connection `nowhere`", "vendor"]);
}
