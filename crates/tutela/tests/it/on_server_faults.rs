//! Commands on a server when something is in the way.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use testkit::{Answer, FakeSaas};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::on_server::{giving, on};
use crate::program::{Program, Ran};
use crate::running::Running;
use crate::workers::{Office, Vendor, program};

const ANA: [&str; 2] = ["--identity", "email=person-0@example.com"];

/// Where nobody listens.
const NOBODY: &str = "http://127.0.0.1:9";

#[rstest]
#[case::limits_of_a_request(&["privacy", "plan", "--run", "pri_0199b9c2-7a31-7c3e-9d52-6f0f5d1c2b3a", "--max-writes", "7"], "make another")]
#[case::share(&["privacy", "plan", "--policy", "p", "--max-share-of-table", "7", ANA[0], ANA[1]], "from 0 to 1")]
#[case::correction(&["privacy", "plan", "--policy", "p", "--rectify", "a.b", ANA[0], ANA[1]], "FIELD=VALUE")]
#[case::schema(&["connector", "schema"], "this program's own")]
#[case::new(&["connector", "new", "acme", "--out", "acme"], "tutela project push")]
#[case::recordings(&["connector", "test", "stripe"], "tutela connection test")]
#[case::record(&["connector", "record", "vendor", "--out", "r.json", ANA[0], ANA[1]], "tutela project pull")]
#[case::file(&["connector", "show", "./connector.yml"], "without `--server`")]
#[case::form(&["privacy", "access", "--package", "csv", "--out", "out", ANA[0], ANA[1]], "storage destination")]
#[case::run(&["privacy", "access", "--run", "run_0199b9c2-7a31-7c3e-9d52-6f0f5d1c2b3a", "--out", "out"], "pri_")]
#[case::status(&["privacy", "status", "run_0199b9c2-7a31-7c3e-9d52-6f0f5d1c2b3a"], "pri_")]
#[case::quiet(&["privacy", "verify", "pri_0199b9c2-7a31-7c3e-9d52-6f0f5d1c2b3a", "--quiet-period", "1m"], "verify_after")]
#[case::packages(&["privacy", "packages"], "tutela privacy access --run")]
#[case::policy_of_a_request(&["privacy", "access", "--run", "pri_0199b9c2-7a31-7c3e-9d52-6f0f5d1c2b3a", "--policy", "p", "--out", "out"], "leave `--policy` out")]
#[case::two_addresses(&["privacy", "access", "--out", "out", ANA[0], ANA[1], ANA[0], "email=b@example.com"], "one request for each")]
fn what_a_server_cannot_do_is_refused_before_anything_is_sent(
    #[case] arguments: &[&str],
    #[case] says: &str,
) {
    let program = program();
    let mut all = arguments.to_vec();
    all.extend(["--server", NOBODY]);

    let ran = program.run(&all);

    ran.expect(2).complains(&[says]);
}

#[test]
fn person_of_many_whom_a_server_does_not_take_is_named_before_anything_is_sent() {
    let program = program();
    let people =
        "{\"email\": \"a@canary.example\"}\n{\"email\": [\"b@canary.example\", \"c@canary.example\"]}\n";
    program.file("people.jsonl", people);

    let many = ["privacy", "access", "--subjects", "people.jsonl", "--out", "out", "--server", NOBODY];
    let ran = program.run(&many).expect(2);

    ran.complains(&["people.jsonl:2:1", "one request for each"]);
    assert!(!ran.stderr.contains("canary"), "{}", ran.stderr);
}

#[test]
fn number_of_a_request_without_its_server_is_refused() {
    let program = Program::new();
    let id = "pri_0199b9c2-7a31-7c3e-9d52-6f0f5d1c2b3a";

    for command in ["status", "verify"] {
        program.run(&["privacy", command, id]).expect(2).complains(&["--server"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_answers_and_is_no_server_of_this_version_is_told_apart() {
    let other = FakeSaas::start().await;
    other.on("POST", "/api/v1/oauth/token").then(Answer::json(200, &json!({"access_token": "t"})));
    let status = ["privacy", "status", "pri_0199b9c2-7a31-7c3e-9d52-6f0f5d1c2b3a", "--server"];
    let ask = |url: &str| program().run(&[&status[..], &[url]].concat());

    let nobody = ask(NOBODY);
    let no_tls = ask(&format!("https://{}", other.host_port()));
    let in_the_clear = ask("http://tutela.example.com");
    let no_server = ask(&other.base_url());
    other.on("GET", "/health").then(Answer::json(200, &json!({"version": "99.1.0"})));
    let newer = ask(&other.base_url());

    nobody.expect(1).complains(&["cannot be connected to", "check the address"]);
    no_tls.expect(1).complains(&["no certificate that is trusted here", "SSL_CERT_FILE"]);
    in_the_clear.expect(2).complains(&["`https://` is needed"]);
    no_server.expect(1).complains(&["is no Tutela server", "404"]);
    newer.expect(1).complains(&["is version 99.1.0", "use the program of the server's version"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_do_it_is_told_which_scope_and_which_variables() {
    let (program, vendor) = (giving(), Vendor::start(1).await);
    let office = Office::open(&program, &vendor, &[]).await;
    let made = office
        .send("POST /api/v1/oauth/client", &json!(["policy:read", "privacy-request-access-results:read"]))
        .await;
    let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
    let url = office.running.url.clone();
    let access = ["privacy", "access", ANA[0], ANA[1], "--out", "out", "--server", &url];

    let lacks = Program::new()
        .with_environment("TUTELA_CLIENT_ID", id)
        .with_environment("TUTELA_CLIENT_SECRET", secret)
        .run(&access);
    let stranger = Program::new().with_environment("TUTELA_TOKEN", "canary-of-nobody").run(&access);
    let nobody = Program::new().run(&access);
    let absent = on(&program, &office, &["privacy", "status", "pri_0199b9c2-7a31-7c3e-9d52-6f0f5d1c2b3a"]);
    let policy =
        on(&program, &office, &["privacy", "access", "--policy", "nope", ANA[0], ANA[1], "--out", "out"]);
    let erases = on(
        &program,
        &office,
        &["privacy", "access", "--policy", "default_erasure_policy", ANA[0], ANA[1], "--out", "out"],
    );

    let lacks = lacks.expect(4);
    lacks.complains(&["privacy-request:create", "give the scope"]);
    let stranger = stranger.expect(4);
    stranger.complains(&["TUTELA_TOKEN", "TUTELA_CLIENT_SECRET"]);
    nobody.expect(2).complains(&["TUTELA_TOKEN", "TUTELA_CLIENT_ID"]);
    absent.expect(2).complains(&["no request pri_"]);
    policy.expect(2).complains(&["no policy `nope`", "default_access_policy"]);
    erases.expect(2).complains(&["would be carried out as well"]);
    for ran in [&lacks, &stranger] {
        assert!(
            !ran.stderr.contains(secret)
                && !ran.stderr.contains("canary")
                && !ran.stderr.contains("person-0")
        );
    }
    let calls = vendor.saas.calls();
    assert!(calls.is_empty(), "nothing was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn server_that_gives_no_packages_out_says_so_before_a_request_is_made() {
    let (program, vendor) = (program(), Vendor::start(1).await);
    let office = Office::open(&program, &vendor, &[]).await;

    let ran = on(&program, &office, &["privacy", "access", ANA[0], ANA[1], "--out", "out"]);

    ran.expect(4).complains(&["subject_request_download_ui_enabled"]);
    assert!(vendor.saas.calls().is_empty(), "no request was made");
}

/// A way to the server that can be cut: whatever goes through it breaks, and new calls go through again.
struct Way {
    url: String,
    cut: watch::Sender<u32>,
}

impl Way {
    async fn to(running: &Running) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = running.url.strip_prefix("http://").unwrap().to_owned();
        let (cut, _) = watch::channel(0);
        let cutter = cut.clone();
        tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                let (server, mut cuts) = (server.clone(), cutter.subscribe());
                tokio::spawn(async move {
                    let mut to = TcpStream::connect(server).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut from, &mut to) => {}
                        _ = cuts.changed() => {}
                    }
                });
            }
        });
        Self { url, cut }
    }
}

/// An application that holds its answers back until it is told not to.
fn held_back(vendor: &Vendor) -> Arc<std::sync::RwLock<bool>> {
    let held_back = Arc::new(std::sync::RwLock::new(true));
    let (held, look) = (Arc::clone(&vendor.held), Arc::clone(&held_back));
    vendor.saas.on("GET", "/people").with(move |call| {
        if *look.read().unwrap() {
            // Tried again after a moment.
            Answer::status(503).header("retry-after", "1")
        } else {
            held.lock().unwrap().answer(call)
        }
    });
    held_back
}

/// What the program says on standard error up to and with a line that begins so.
fn lines_until(child: &mut Child, begins: &str) -> (BufReader<std::process::ChildStderr>, String) {
    let mut reader = BufReader::with_capacity(1, child.stderr.take().unwrap());
    let mut said = String::new();
    loop {
        let before = said.len();
        assert_ne!(reader.read_line(&mut said).unwrap(), 0, "{begins:?} was not said:\n{said}");
        if said.get(before..).unwrap().starts_with(begins) {
            return (reader, said);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn wait_goes_on_where_the_connection_broke() {
    let (program, vendor) = (giving(), Vendor::start(1).await);
    let office = Office::open(&program, &vendor, &[]).await;
    let held_back = held_back(&vendor);
    let way = Way::to(&office.running).await;

    let mut child =
        program.start(&["privacy", "access", ANA[0], ANA[1], "--out", "out", "--server", &way.url]);
    let (mut reader, mut said) = tokio::task::block_in_place(|| lines_until(&mut child, "request: "));
    vendor.saas.until_calls(1).await;
    let mut line = String::new();
    while !line.starts_with("the connection to the server broke off") {
        way.cut.send_modify(|cuts| *cuts += 1);
        tokio::time::sleep(Duration::from_millis(100)).await;
        line.clear();
        let read = tokio::task::block_in_place(|| reader.read_line(&mut line)).unwrap();
        said.push_str(&line);
        assert_ne!(read, 0, "it does not wait any more:\n{said}");
    }
    *held_back.write().unwrap() = false;
    reader.read_to_string(&mut said).unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap()).expect(0);

    assert!(ran.stdout.contains("package: out/package.zip"), "{}\n{said}", ran.stdout);
    assert!(program.folder().join("out/package.zip").is_file());
    let requests =
        vendor.saas.calls_to("/people").iter().filter(|call| call.query.contains("person-0")).count();
    assert!(requests >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn interruption_ends_the_wait_and_not_the_request() {
    let (program, vendor) = (giving(), Vendor::start(1).await);
    let office = Office::open(&program, &vendor, &[]).await;
    let held_back = held_back(&vendor);
    let url = office.running.url.clone();

    let mut child = program.start(&["privacy", "access", ANA[0], ANA[1], "--out", "out", "--server", &url]);
    let (mut reader, mut said) = tokio::task::block_in_place(|| lines_until(&mut child, "request: "));
    vendor.saas.until_calls(1).await;
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    tokio::task::block_in_place(|| reader.read_to_string(&mut said)).unwrap();
    let ran = Ran::of(child.wait_with_output().unwrap()).expect(3);
    *held_back.write().unwrap() = false;
    let id = said.lines().find_map(|line| line.strip_prefix("request: ")).unwrap().to_owned();
    let later = on(&program, &office, &["privacy", "access", "--run", &id, "--out", "out"]).expect(0);

    assert!(said.contains(&format!("request {id} goes on on the server")), "{said}");
    assert!(said.contains(&format!("tutela privacy access --run {id}")), "{said}");
    assert!(!ran.stdout.contains("package"), "{}", ran.stdout);
    assert!(later.stdout.contains("package: out/package.zip"));
}

/// Twin of the check of packages: one that arrives damaged does not get its name.
#[tokio::test(flavor = "multi_thread")]
async fn damaged_package_is_not_kept() {
    let (program, vendor) = (giving(), Vendor::start(1).await);
    let office = Office::open(&program, &vendor, &[]).await;
    let access = ["privacy", "access", ANA[0], ANA[1], "--out", "out"];
    let id = crate::on_server::number(&on(&program, &office, &access).expect(0));
    let uploads = program.folder().join("data/fides_uploads");
    for entry in std::fs::read_dir(uploads).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 3;
        bytes[middle..middle + 8].fill(0);
        std::fs::write(&path, bytes).unwrap();
    }

    let ran = on(&program, &office, &["privacy", "access", "--run", &id, "--out", "again"]);

    ran.expect(1).complains(&["damaged"]);
    let left = std::fs::read_dir(program.folder().join("again")).unwrap().count();
    assert_eq!(left, 0, "nothing of it stays");
}

const REQUEST: &str = "pri_0199b9c2-7a31-7c3e-9d52-6f0f5d1c2b3a";

/// What answers as a server of this version, and gives a token.
async fn made_up_server() -> FakeSaas {
    let server = FakeSaas::start().await;
    let version = json!({"version": env!("CARGO_PKG_VERSION")});
    server.on("GET", "/health").then(Answer::json(200, &version));
    server.on("POST", "/api/v1/oauth/token").then(token("canary-first")).then(token("canary-second"));
    server
}

fn token(token: &str) -> Answer {
    Answer::json(200, &json!({"access_token": token}))
}

fn unknown_token() -> Answer {
    Answer::json(403, &json!({"detail": "Not Authorized for this action"}))
}

fn at(path: &str) -> String {
    format!("/api/v1/privacy-request/{REQUEST}{path}")
}

#[rstest]
#[case::answer("/api/v1/connection", &["connection", "list"], 0)]
// What it gives then is no certificate.
#[case::bytes(&at("/certificate"), &["privacy", "certificate", REQUEST], 1)]
#[tokio::test(flavor = "multi_thread")]
async fn token_that_the_server_takes_no_more_is_got_anew_for_id_and_secret(
    #[case] path: &str,
    #[case] arguments: &[&str],
    #[case] exit: i32,
) {
    let server = made_up_server().await;
    server.on("GET", &at("")).then(Answer::json(200, &json!({"status": "complete"})));
    server.on("GET", path).with(|call| match call.bearer_token() {
        Some("canary-second") => Answer::json(200, &json!({"items": [], "total": 0})),
        _ => unknown_token(),
    });

    let ran = program().run(&[&["-vv"], arguments, &["--server", &server.base_url()]].concat()).expect(exit);

    assert_eq!(server.calls_to("/api/v1/oauth/token").len(), 2);
    assert!(!ran.stderr.contains("canary"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_call_any_more_is_told_at_once_while_waiting() {
    let server = FakeSaas::start().await;
    let version = json!({"version": env!("CARGO_PKG_VERSION")});
    server.on("GET", "/health").then(Answer::json(200, &version));
    let removed = Answer::json(401, &json!({"detail": "Authentication Failure"}));
    server.on("POST", "/api/v1/oauth/token").then(token("canary-first")).then(removed);
    server.on("GET", &at("/events")).then(unknown_token());

    let ran = program().run(&["privacy", "plan", "--run", REQUEST, "--server", &server.base_url()]);

    ran.expect(4).complains(&["TUTELA_CLIENT_ID"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn reason_of_a_failure_is_found_although_its_log_goes_on_on_another_page() {
    let server = made_up_server().await;
    server.on("GET", &at("")).then(Answer::json(200, &json!({"status": "error"})));
    server.on("GET", &at("/log")).with(|call| {
        let page: usize = call.parameters().find("page").unwrap().parse().unwrap();
        let entry = |number: usize| match number {
            99 => json!({"status": "error", "message": "the disk is full"}),
            _ => json!({"status": "complete", "message": null}),
        };
        let items: Vec<_> = (0..101).skip((page - 1) * 100).take(100).map(entry).collect();
        Answer::json(200, &json!({"items": items, "total": 101}))
    });

    let ran = program().run(&["privacy", "plan", "--run", REQUEST, "--server", &server.base_url()]);

    ran.expect(1).complains(&["went wrong: the disk is full"]);
}
