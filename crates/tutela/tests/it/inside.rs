use testkit::{Answer, Canary};

use crate::program::Program;
use crate::shop;

fn access_of<'a>(identity: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["privacy", "access", "--identity", identity, "--out", "out"], more].concat()
}

/// Everything that was printed or written, save the package and the files that a person wrote.
fn said(program: &Program, ran: &crate::program::Ran) -> Vec<Vec<u8>> {
    let mut texts = vec![ran.stdout.clone().into_bytes(), ran.stderr.clone().into_bytes()];
    let files = program.files().into_iter().filter(|(path, _)| {
        let name = path.file_name().unwrap().to_str().unwrap();
        !matches!(name, "tutela.yml" | "access.json" | "index.html")
    });
    texts.extend(files.map(|(_, content)| content));
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_and_persons_are_in_no_log_no_message_and_no_report() {
    let canary = Canary::new("access");
    let saas = shop::open().await;
    let personal = canary.personal.clone();
    saas.on("GET", "/customers").with(move |_call| {
        Answer::json(200, &serde_json::json!({"customers": [{"id": 7, "email": personal}]}))
    });
    let program = Program::new().with_environment("RUST_LOG", "trace");
    shop::project_with(&program, &saas, &format!("token: {}", canary.secret), "");
    let identity = format!("email={}", canary.personal);

    for more in [&[][..], &["-vv"], &["-vvv"], &["--format", "json"]] {
        let ran = program.run(&access_of(&identity, more)).expect(0);
        canary.assert_absent(said(&program, &ran));
    }

    let header = saas.calls()[0].headers["authorization"].to_str().unwrap().to_owned();
    assert_eq!(header, format!("Bearer {}", canary.secret), "the canary was not in use");
    assert!(program.read("out/access.json").contains(&canary.personal));
    assert!(!program.read("out/index.html").contains(&canary.secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_do_not_tell_secrets_and_persons_either() {
    let canary = Canary::new("failure");
    for answer in [
        Answer::status(500),
        Answer::html(200, canary.personal.clone()),
        Answer::reset(),
        Answer::status(403).body(canary.personal.clone()),
    ] {
        let saas = shop::open().await;
        saas.on("GET", "/customers").then(answer);
        let program = Program::new().with_environment("RUST_LOG", "trace");
        shop::project_with(&program, &saas, &format!("token: {}", canary.secret), "");

        let ran = program.run(&access_of(&format!("email={}", canary.personal), &[])).expect(3);

        canary.assert_absent(said(&program, &ran));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_crates_stay_quiet_below_info() {
    let saas = shop::open().await;
    let program = Program::new().with_environment("RUST_LOG", "trace");
    shop::project(&program, &saas);

    let ran = program.run(&access_of("email=ana@example.com", &[])).expect(0);

    let ours =
        ["connector", "crypto", "egress", "engine", "graph", "model", "privacy", "sandbox", "spec", "tutela"];
    for line in ran.stderr.lines().filter(|line| line.contains(" DEBUG ") || line.contains(" TRACE ")) {
        let target = line.split_whitespace().nth(2).unwrap_or_default();
        assert!(ours.iter().any(|name| target.starts_with(name)), "{line}");
    }
}
