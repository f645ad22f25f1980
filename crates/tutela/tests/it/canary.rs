//! Canaries in every input: all that is printed or written is searched for them.

mod planted;

use std::sync::mpsc::{Receiver, channel};

use rstest::rstest;
use testkit::{Answer, Delivery, FakeSaas};

use self::planted::{leaks, left_over, person};
use crate::program::{Program, Ran};
use crate::shop;

const BEARER: &str = "{ strategy: bearer, configuration: { token: <token> } }";

fn identity() -> String {
    format!("email={}", person("e-mail"))
}

fn program() -> Program {
    let program =
        Program::new().with_environment("RUST_LOG", "trace").with_environment("RUST_BACKTRACE", "full");
    let tmp = program.folder().join("tmp").display().to_string();
    program.with_environment("TMPDIR", &tmp)
}

#[rstest]
#[case::bearer(BEARER)]
#[case::basic("{ strategy: basic, configuration: { username: <user>, password: <password> } }")]
#[case::header(
    "{ strategy: api_key, configuration: { headers: [{ name: X-Key, value: \"Key <api_key>\" }] } }"
)]
#[case::query(
    "{ strategy: api_key, configuration: { query_params: [{ name: account, value: <api_key> }] } }"
)]
#[case::body("{ strategy: api_key, configuration: { body: '{\"a\": {\"b\": \"<api_key>\"}}' } }")]
#[case::query_param("{ strategy: query_param, configuration: { name: k, value: <api_key> } }")]
#[case::client_credentials(
    "{ strategy: oauth2_client_credentials, configuration: { token_request: { method: POST, path: /token, body: \
     '{\"client_id\": \"<client_id>\", \"client_secret\": \"<client_secret>\"}' } } }"
)]
#[case::authorization_code(
    "{ strategy: oauth2_authorization_code, configuration: { authorization_request: { method: GET, path: /a }, \
     token_request: { method: POST, path: /never }, refresh_request: { method: POST, path: /token, query_params: \
     [{ name: t, value: <refresh_token> }], body: '{\"client_secret\": \"<client_secret>\"}' } } }"
)]
#[tokio::test(flavor = "multi_thread")]
async fn secrets_and_persons_come_out_nowhere_but_in_the_package(#[case] authentication: &str) {
    let saas = planted::open().await;
    let program = program();
    planted::project(&program, &saas, authentication);
    let identity = identity();
    let access = ["privacy", "access", "--identity", &identity, "--out", "out"];

    let quiet = program.run(&access).expect(0);
    let loud = program.run(&[&access[..], &["-vvv", "--format", "json"]].concat()).expect(0);
    let tested = program.run(&["connection", "test", "vault", "-vv"]).expect(0);
    let listed = program.run(&["connection", "list", "-vv"]).expect(0);
    let recorded = program
        .run(&["connector", "record", "vault", "--identity", &identity, "--out", "cassettes/one.json"])
        .expect(0);
    let replayed = program.run(&["connector", "test", ".", "-vv"]).expect(0);

    let rans = [&quiet, &loud, &tested, &listed, &recorded, &replayed];
    assert_eq!(leaks(&program, &rans), Vec::<String>::new());
    assert_eq!(left_over(&program), 0);
    assert!(loud.stderr.contains(" DEBUG "), "nothing was logged, so nothing was searched");
    for (name, value) in planted::PERSONS.iter().filter(|(name, _)| *name != "cursor") {
        assert!(program.read("out/access.json").contains(value), "the {name} was not in use");
    }
    let sent: Vec<String> =
        saas.calls().iter().map(|call| format!("{call:?}{:?}{:?}", call.headers, call.body)).collect();
    assert!(
        planted::SECRETS.iter().any(|(_, value)| testkit::holds(sent.concat().as_bytes(), value)),
        "no secret was in use"
    );
}

fn failures() -> Vec<(&'static str, Answer)> {
    let planted = planted::PERSONS.iter().chain(planted::SECRETS);
    let everything = planted.map(|(_, value)| *value).collect::<Vec<_>>().join(" ");
    let value = serde_json::json!({ "error": everything, "error_description": everything });
    let elsewhere = format!("http://{}.example.org/{}", "other", person("id in a path"));
    vec![
        ("status", Answer::json(500, &value)),
        ("refused", Answer::json(403, &value)),
        ("no key", Answer::json(200, &value)),
        ("no rows", Answer::json(200, &serde_json::json!({ "people": everything }))),
        ("html", Answer::html(200, everything.clone())),
        ("cut", Answer::json(200, &value).delivered(Delivery::CutAt(60))),
        ("reset", Answer::reset()),
        ("unpackable", Answer::text(200, everything).header("content-encoding", "gzip")),
        ("redirect", Answer::status(302).header("location", elsewhere)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_do_not_tell_them_either() {
    for (failure, answer) in failures() {
        let saas = planted::open().await;
        let program = program();
        planted::project(&program, &saas, BEARER);
        let identity = identity();
        saas.on("GET", "/people").then(answer.clone());
        saas.on("GET", "/me").then(answer);

        let access = program.run(&["privacy", "access", "--identity", &identity, "--out", "out"]).expect(3);
        let tested = program.run(&["connection", "test", "vault", "--format", "json"]);
        let recorded = program.run(&[
            "connector",
            "record",
            "vault",
            "--identity",
            &identity,
            "--out",
            "cassettes/one.json",
        ]);

        assert_eq!(leaks(&program, &[&access, &tested, &recorded]), Vec::<String>::new(), "{failure}");
        assert_eq!(left_over(&program), 0, "{failure}");
    }
}

#[rstest]
#[case::refused(
    "{ strategy: oauth2_client_credentials, configuration: { token_request: { method: POST, path: /token, body: \
     '{\"client_id\": \"<client_id>\", \"client_secret\": \"<client_secret>\"}' } } }"
)]
#[case::private_key("{ strategy: google_cloud_service_account, configuration: { scopes: [read] } }")]
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_given_does_not_tell_them_either(#[case] authentication: &str) {
    let saas = planted::open().await;
    let program = program();
    planted::project(&program, &saas, authentication);
    // A service can repeat what it was sent, and no more.
    let sent = planted::SECRETS.iter().filter(|(name, _)| !name.contains(' ') && *name != "private_key");
    let everything = sent.map(|(_, value)| *value).collect::<Vec<_>>().join(" ");
    let refusal = serde_json::json!({"error": "invalid_client", "error_description": everything});
    saas.on("POST", "/token").then(Answer::json(401, &refusal));

    let access = program.run(&["privacy", "access", "--identity", &identity(), "--out", "out"]);
    let tested = program.run(&["connection", "test", "vault"]).expect(1);

    assert_ne!(access.code, 0);
    assert_eq!(leaks(&program, &[&access, &tested]), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_with_mistakes_does_not_tell_them_whoever_reads_it() {
    let saas = planted::open().await;
    let mistakes = [
        ("access: read", "acess: read"),
        ("    secrets:\n", "    secrets:\n    # canary-token-71d0aa\n"),
        ("    secrets:\n", "    sercets:\n"),
        ("      domain: ", "    domain: "),
        ("      domain: api", "      domain: \"api"),
        ("      domain: ", "      domian: "),
        ("egress:", "egres:"),
        ("connections:", "conections:"),
    ];
    for (right, wrong) in mistakes {
        let program = program();
        planted::project(&program, &saas, BEARER);
        let text = program.read("tutela.yml");
        assert!(text.contains(right), "{right:?}");
        program.file("tutela.yml", &text.replace(right, wrong));

        let rans: Vec<Ran> = [
            &["connector", "check", "tutela.yml"][..],
            &["connector", "check", "tutela.yml", "--format", "json"],
            &["connector", "check", "connector.yml", "--dataset", "tutela.yml"],
            &["connector", "show", "./tutela.yml"],
            &["connection", "list", "-vv"],
            &["connection", "test", "vault", "-vv"],
            &["privacy", "access", "--identity", &identity(), "--out", "out", "-vv"],
        ]
        .into_iter()
        .map(|arguments| program.run(arguments))
        .collect();

        assert_eq!(rans[0].code, 2, "{wrong:?}");
        assert_eq!(leaks(&program, &rans.iter().collect::<Vec<_>>()), Vec::<String>::new(), "{wrong:?}");
    }
}

/// A vault whose second page of notes never ends, and the news that it was asked for.
async fn endless() -> (FakeSaas, Receiver<()>) {
    let saas = planted::open().await;
    let (asked, news) = channel();
    saas.on("GET", "/people/*/notes").with(move |call| {
        if call.query.contains("after") {
            // Nobody listens any more once the test has what it needs.
            let _ = asked.send(());
            return Answer::text(200, " ").delivered(Delivery::Endless(std::time::Duration::from_millis(5)));
        }
        Answer::json(200, &serde_json::json!({"notes": [{"text": person("name")}], "next": person("cursor")}))
    });
    (saas, news)
}

#[cfg(unix)]
#[rstest]
#[case::killed("KILL", 1)]
#[case::interrupted("INT", 0)]
#[case::asked_to_end("TERM", 0)]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_stopped_run_leaves_behind_tells_nothing(#[case] signal: &str, #[case] folders: usize) {
    for command in ["access", "record"] {
        let (saas, asked) = endless().await;
        let program = program();
        planted::project(&program, &saas, BEARER);
        let identity = identity();
        let arguments = match command {
            "access" => ["privacy", "access", "--identity", &identity, "--out", "out"].to_vec(),
            _ => ["connector", "record", "vault", "--identity", &identity, "--out", "one.json"].to_vec(),
        };
        let child = program.start(&arguments);
        asked.recv_timeout(std::time::Duration::from_mins(1)).unwrap();

        let kill = format!("kill -{signal} {}", child.id());
        assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();

        let said = Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        assert_eq!(leaks(&program, &[&said]), Vec::<String>::new(), "{command}");
        assert_eq!(left_over(&program), folders, "{command}");
        let expected = match (signal, command) {
            ("KILL", _) => -1,
            (_, "access") => 3,
            (_, _) => 1,
        };
        assert_eq!(said.code, expected, "{command}: {}", said.stderr);
    }
}

/// The search itself: what is planted where it may not be is found.
#[tokio::test(flavor = "multi_thread")]
async fn a_leak_is_found_wherever_it_is() {
    let saas = planted::open().await;
    let program = program();
    planted::project(&program, &saas, BEARER);
    let clean = || Ran { code: 0, stdout: String::new(), stderr: String::new() };
    let token = planted::SECRETS[0].1;

    assert_eq!(leaks(&program, &[&clean()]), Vec::<String>::new());
    let printed =
        Ran { stderr: format!("GET /people?email={}", person("e-mail").replace('@', "%40")), ..clean() };
    assert_eq!(leaks(&program, &[&printed]), ["e-mail in standard error"]);
    for place in ["out/report.json", "cassettes/one.json", "tmp/tutela-1/rows-1/0.pages"] {
        let path = program.file(place, &format!("{{\"detail\": \"{}\"}}", person("telephone")));
        assert_eq!(leaks(&program, &[]), [format!("telephone in {place}")]);
        std::fs::remove_file(path).unwrap();
    }
    program.file("out/access.json", person("name"));
    assert_eq!(leaks(&program, &[]), Vec::<String>::new(), "the package is for the person");
    program.file("out/access.json", token);
    assert_eq!(leaks(&program, &[]), ["token in out/access.json"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_crates_stay_quiet_below_info() {
    let saas = shop::open().await;
    let program = Program::new().with_environment("RUST_LOG", "trace");
    shop::project(&program, &saas);

    let ran = program.run(shop::ACCESS).expect(0);

    let ours = [
        "connector",
        "crypto",
        "datastore",
        "egress",
        "engine",
        "graph",
        "model",
        "privacy",
        "sandbox",
        "spec",
        "store",
        "tutela",
    ];
    for line in ran.stderr.lines().filter(|line| line.contains(" DEBUG ") || line.contains(" TRACE ")) {
        let target = line.split_whitespace().nth(2).unwrap_or_default();
        assert!(ours.iter().any(|name| target.starts_with(name)), "{line}");
    }
}
