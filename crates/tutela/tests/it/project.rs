use crate::program::Program;
use crate::shop::{self, ACCESS};

async fn with_secrets(secrets: &str) -> (Program, testkit::FakeSaas) {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project_with(&program, &saas, secrets, "");
    (program, saas)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unset_variable_is_named_at_its_place() {
    let (program, saas) = with_secrets("token: ${SHOP_TOKEN}").await;

    let ran = program.run(ACCESS).expect(2);

    ran.complains(&["`SHOP_TOKEN`", "`token`", "tutela.yml:7:14"]);
    assert!(saas.calls().is_empty());
    let program = program.with_environment("SHOP_TOKEN", "from-outside");
    program.run(ACCESS).expect(0);
    assert_eq!(saas.calls()[0].headers["authorization"], "Bearer from-outside");
}

// rule: saas-config A41
#[tokio::test(flavor = "multi_thread")]
async fn missing_and_unknown_secrets_are_named() {
    let (program, saas) = with_secrets("tokn: canary").await;

    let ran = program.run(ACCESS).expect(2);

    ran.complains(&[
        "secret `tokn` is not declared",
        "did you mean `token`",
        "tutela.yml:7:7",
        "missing `token`",
    ]);
    assert!(!ran.stderr.contains("canary") && saas.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn excerpts_never_show_secrets() {
    let (program, _saas) = with_secrets("token: canary-token\n      tokn: canary-other").await;

    let drawn = program.run(ACCESS).expect(2);
    let data = program.run(&[ACCESS, &["--format", "json"]].concat()).expect(2);

    drawn.complains(&["tokn", "tutela.yml:8:7"]);
    for text in [&drawn.stdout, &drawn.stderr, &data.stdout, &data.stderr] {
        assert!(!text.contains("canary"), "{text}");
    }
    let first = &data.json()["diagnostics"][0];
    assert_eq!((first["line"].as_u64(), first["column"].as_u64()), (Some(8), Some(7)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_project_file_does_not_show_secrets_either() {
    for broken in
        ["token: \"canary", "token: [canary", "token: canary\n      token: canary", "token: {canary: &a *b}"]
    {
        let (program, _saas) = with_secrets(broken).await;

        let drawn = program.run(ACCESS).expect(2);
        let data = program.run(&[ACCESS, &["--format", "json"]].concat()).expect(2);

        drawn.complains(&["tutela.yml:"]);
        for text in [&drawn.stderr, &data.stdout] {
            assert!(!text.contains("canary"), "{broken:?} gave\n{text}");
        }
    }
}

#[test]
fn a_missing_project_file_is_named() {
    Program::new().run(ACCESS).expect(2).complains(&["tutela.yml cannot be read"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_connector_is_located() {
    let (program, _saas) = with_secrets("token: t").await;
    let text = program.read("tutela.yml");
    program.file("tutela.yml", &text.replace("./connector.yml", "shopp"));

    program.run(ACCESS).expect(2).complains(&["`shopp` is neither", "tutela.yml:3:16"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_of_the_project_is_an_error() {
    let (program, _saas) = with_secrets("token: t").await;
    let text = program.read("tutela.yml");
    program.file("tutela.yml", &text.replace("access: read", "acess: read"));

    program.run(ACCESS).expect(2).complains(&["tutela.yml:4:5", "`acess`", "`access`"]);
}
