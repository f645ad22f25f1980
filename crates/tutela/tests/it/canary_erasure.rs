//! Canaries in every input of an erasure: all that is said, written or kept is searched for them.
#![expect(clippy::indexing_slicing, reason = "helpers of tests may panic")]

mod search;
mod vault;

use rstest::rstest;
use testkit::{Answer, Delivery, FakeSaas};

use self::search::{leaks, mode};
use self::vault::{PERSONS, SECRETS, everything, planted};
use crate::program::{Program, Ran};
use crate::sweep_database::{Flavour, Place};

/// A program with everything planted, its shop and its state.
struct Erasure {
    program: Program,
    saas: FakeSaas,
    shop: Place,
    state: Option<Place>,
}

impl Erasure {
    async fn new(flavour: Flavour) -> Option<Self> {
        let program = Program::new()
            .with_environment("TUTELA_LOG", "trace")
            .with_environment("RUST_LOG", "trace")
            .with_environment("RUST_BACKTRACE", "full")
            .with_environment("TUTELA_KEY", planted(SECRETS, "master key"));
        let tmp = program.folder().join("tmp").display().to_string();
        let home = program.folder().display().to_string();
        let mut program = program.with_environment("TMPDIR", &tmp).with_environment("HOME", &home);
        let (shop, state) = match flavour {
            Flavour::Sqlite => (Place::File(program.folder().join("shop.db")), None),
            Flavour::PostgreSql => (Place::on_server("canary_shop")?, Place::on_server("canary_state")),
        };
        if let Some(state) = &state {
            state.renew().await;
            let url = vault::with_password(&state.url(), "password of the state");
            program = program.with_environment("TUTELA_STATE", &url);
        }
        let saas = vault::open().await;
        vault::project(&program, &saas, flavour, &shop).await;
        Some(Self { program, saas, shop, state })
    }

    fn plan(&self) -> (Ran, String, String) {
        let identity = format!("email={}", planted(PERSONS, "e-mail"));
        let arguments = ["privacy", "plan", "--policy", "erase_customer", "--identity", &identity];
        let mut ran = self.program.run(&[&arguments[..], &["--out", "plan.json", "-vvv"]].concat()).expect(0);
        for (name, secret) in SECRETS {
            assert!(!testkit::holds(ran.stdout.as_bytes(), secret), "{name} in the plan that is shown");
        }
        // What is shown is the plan, which is for whoever approves it.
        assert!(ran.stdout.contains(planted(PERSONS, "id of a note")), "{}", ran.stdout);
        ran.stdout.clear();
        let plan = self.program.json("plan.json");
        let text = |name: &str| plan[name].as_str().unwrap().to_owned();
        (ran, text("run"), text("digest"))
    }

    /// All commands that come after a plan.
    fn go_on(&self, run: &str, digest: &str) -> Vec<Ran> {
        let certificate = format!("{run}.certificate.json");
        [
            &["privacy", "apply", "plan.json", "--approve", "sha256:00"][..],
            &["privacy", "apply", "plan.json", "--approve", digest, "-vvv"],
            &["privacy", "apply", "plan.json", "--approve", digest, "--format", "json"],
            &["privacy", "status", run, "-vvv"],
            &["privacy", "resolve", run, "1", "--did-not", "-vvv"],
            &["privacy", "verify", run, "-vvv"],
            &["privacy", "status", run, "--format", "json"],
            &["certificate", "verify", &certificate],
            &["audit", "export", "--out", "audit.jsonl", "-vvv"],
            &["audit", "verify", "-vvv"],
            &["policy", "check", "-vvv"],
            &["privacy", "replay", "--since", "2020-01-01T00:00:00Z", "--out", "plans", "-vvv"],
        ]
        .into_iter()
        .map(|arguments| {
            let ran = self.program.run(arguments);
            // A command that was not understood tells nothing and proves nothing.
            assert_ne!(ran.code, 2, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
            ran
        })
        .collect()
    }

    async fn close(self) {
        self.shop.drop_all().await;
        if let Some(state) = &self.state {
            state.drop_all().await;
        }
    }
}

#[rstest]
#[case(Flavour::Sqlite)]
#[case(Flavour::PostgreSql)]
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_tells_nothing_but_in_plan_and_package(#[case] flavour: Flavour) {
    let Some(erasure) = Erasure::new(flavour).await else { return };

    let (planned, run, digest) = erasure.plan();
    let rest = erasure.go_on(&run, &digest);

    let rans: Vec<&Ran> = rest.iter().chain([&planned]).collect();
    assert_eq!(leaks(&erasure.program, &rans, erasure.state.as_ref()).await, Vec::<String>::new());
    assert_eq!(mode(&erasure.program, "plan.json"), 0o600);
    let plan = erasure.program.read("plan.json");
    for name in ["e-mail", "id in a path", "id of a note"] {
        assert!(plan.contains(planted(PERSONS, name)), "the plan holds what is sent: {name}");
    }
    assert!(rans.iter().any(|ran| ran.stderr.contains(" TRACE ") || ran.stderr.contains(" DEBUG ")));
    let codes: Vec<i32> = rest.iter().map(|ran| ran.code).collect();
    let said: Vec<String> = rest.iter().map(|ran| format!("{}{}", ran.stdout, ran.stderr)).collect();
    // A wrong digest is refused, and so is settling what is known; a job goes on. All else, and the proof, is well.
    assert_eq!(codes, [4, 3, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0], "{}", said.join("\n"));
    let again = std::fs::read_dir(erasure.program.folder().join("plans")).unwrap();
    let again: Vec<_> = again.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(again.len(), 1, "the erasure is planned again: {again:?}");
    assert_eq!(mode(&erasure.program, &format!("plans/{}", again[0])), 0o600);
    let sent: Vec<String> = erasure
        .saas
        .calls()
        .iter()
        .filter(|call| call.method != "GET")
        .map(|call| format!("{call:?}{:?}{:?}", call.headers, call.body))
        .collect();
    for secret in ["token", "api_key"] {
        assert!(
            testkit::holds(sent.concat().as_bytes(), planted(SECRETS, secret)),
            "{secret} was not in use"
        );
    }
    erasure.close().await;
}

fn failures() -> Vec<(&'static str, Answer)> {
    let value = serde_json::json!({ "error": everything(), "message": everything() });
    vec![
        ("status", Answer::json(500, &value)),
        ("refused", Answer::json(403, &value)),
        ("unprocessable", Answer::json(422, &value)),
        ("busy", Answer::json(429, &value).header("retry-after", "0")),
        ("html", Answer::html(200, everything())),
        ("cut", Answer::json(200, &value).delivered(Delivery::CutAt(60))),
        ("reset", Answer::reset()),
        (
            "redirect",
            Answer::status(302).header("location", format!("http://other.example.org/{}", everything())),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_writes_do_not_tell_them_either() {
    for (failure, answer) in failures() {
        let erasure = Erasure::new(Flavour::Sqlite).await.unwrap();
        let (planned, run, digest) = erasure.plan();
        for (method, path) in [("PATCH", "/people/*"), ("DELETE", "/notes/*"), ("POST", "/erasures")] {
            erasure.saas.on(method, path).then(answer.clone());
        }

        let rest = erasure.go_on(&run, &digest);

        let rans: Vec<&Ran> = [&planned].into_iter().chain(&rest).collect();
        assert_eq!(leaks(&erasure.program, &rans, None).await, Vec::<String>::new(), "{failure}");
        assert!(matches!(rest[1].code, 1 | 3), "{failure}: {}", rest[1].code);
        assert_eq!(
            (rest[5].code, rest[7].code),
            (3, 0),
            "{failure}: a valid certificate of what is not proven"
        );
    }
}

#[rstest]
#[case(Flavour::Sqlite)]
#[case(Flavour::PostgreSql)]
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_failed_does_not_put_its_words_where_they_do_not_belong(#[case] flavour: Flavour) {
    let Some(erasure) = Erasure::new(flavour).await else { return };
    let parts = serde_json::json!([{"name": "warehouse", "state": "FAILED", "message": everything()}]);
    let failed = serde_json::json!({"state": "FAILED", "parts": parts, "error": everything()});
    erasure.saas.on("GET", "/erasures/job-1").then(Answer::json(200, &failed));
    let (planned, run, digest) = erasure.plan();

    let rest = erasure.go_on(&run, &digest);

    let rans: Vec<&Ran> = rest.iter().chain([&planned]).collect();
    assert_eq!(leaks(&erasure.program, &rans, erasure.state.as_ref()).await, Vec::<String>::new());
    assert_eq!(rest[5].code, 3, "a failed part is no proof");
    erasure.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_inputs_are_named_without_their_values() {
    let erasure = Erasure::new(Flavour::Sqlite).await.unwrap();
    let (planned, run, digest) = erasure.plan();
    let plan = erasure.program.read("plan.json");
    erasure.program.file("plan.json", &plan.replace(planted(PERSONS, "id of a note"), "canary-note-other"));
    let changed = erasure.program.run(&["privacy", "apply", "plan.json", "--approve", &digest]).expect(4);
    erasure.program.file("plan.json", &plan);
    erasure.shop.run("UPDATE customers SET name = 'Ana Canary-Person 5f2d the second'").await;

    let drifted =
        erasure.program.run(&["privacy", "apply", "plan.json", "--approve", &digest, "-vvv"]).expect(4);

    let status = erasure.program.run(&["privacy", "status", &run]);
    let rans = [&planned, &changed, &drifted, &status];
    assert_eq!(leaks(&erasure.program, &rans, None).await, Vec::<String>::new());
    assert!(erasure.saas.calls().iter().all(|call| call.method == "GET"), "nothing was sent");
}

/// The search itself: what is planted where it may not be is found.
#[rstest]
#[case(Flavour::Sqlite)]
#[case(Flavour::PostgreSql)]
#[tokio::test(flavor = "multi_thread")]
async fn a_planted_leak_is_found_wherever_it_is(#[case] flavour: Flavour) {
    let Some(erasure) = Erasure::new(flavour).await else { return };
    let (_, run, _) = erasure.plan();
    let look = async |erasure: &Erasure| leaks(&erasure.program, &[], erasure.state.as_ref()).await;
    assert_eq!(look(&erasure).await, Vec::<String>::new());

    for (place, name) in [
        (format!("{run}.certificate.json"), "telephone"),
        (format!("{run}.certificate.html"), "name"),
        ("audit.jsonl".to_owned(), "e-mail"),
        (".tutela/journal".to_owned(), "id of a note"),
        ("cassettes/one.json".to_owned(), "text of a note"),
    ] {
        let file = erasure.program.file(&place, planted(PERSONS, name));
        assert_eq!(look(&erasure).await, [format!("{name} in {place}")]);
        std::fs::remove_file(file).unwrap();
    }
    let plan = erasure.program.read("plan.json");
    erasure.program.file("plan.json", &format!("{plan}{}", planted(SECRETS, "token")));
    assert_eq!(look(&erasure).await, ["token in plan.json"]);
    erasure.program.file("plan.json", &plan);

    let email = planted(PERSONS, "e-mail");
    let state = erasure
        .state
        .clone()
        .unwrap_or_else(|| Place::File(erasure.program.folder().join(".tutela/state.db")));
    state.run(&format!("UPDATE run SET policy = '{email}'")).await;
    let found = look(&erasure).await;
    assert!(!found.is_empty() && found.iter().all(|leak| leak.starts_with("e-mail in ")), "{found:?}");
    state.run("UPDATE run SET policy = NULL").await;
    let bytes = if flavour == Flavour::Sqlite { "BLOB" } else { "BYTEA" };
    state.run(&format!("UPDATE plan SET sealed = CAST('canary-id-9b71e4' AS {bytes})")).await;
    let found = look(&erasure).await;
    assert!(found.iter().any(|leak| leak.starts_with("id in a path in ")), "{found:?}");
    erasure.close().await;
}
