use crate::program::Program;
use crate::shop::{self, ACCESS};

const MANY: &[&str] = &["privacy", "access", "--subjects", "people.jsonl", "--out", "out"];

async fn shop() -> (Program, testkit::FakeSaas) {
    let saas = shop::open().await;
    let program = Program::new();
    shop::project(&program, &saas);
    program.file("people.jsonl", "{\"email\": \"ana@example.com\"}\n");
    (program, saas)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_one_is_refused_before_any_call() {
    let (program, saas) = shop().await;
    program.file("out", "a file");
    program.file("file", "another");

    for command in [ACCESS, MANY] {
        let ran = program.run(command).expect(2);
        ran.complains(&["`--out`", "out is a file"]);
    }
    let below =
        program.run(&["privacy", "access", "--identity", "email=ana@example.com", "--out", "file/deep/out"]);
    below.expect(2).complains(&["`--out`", "file is a file"]);

    assert!(saas.calls().is_empty(), "nobody's data is fetched to be thrown away");
    assert_eq!(program.read("out"), "a file");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_may_not_be_written_is_refused_before_any_call() {
    let (program, saas) = shop().await;

    // Not even root makes files there.
    let ran =
        program.run(&["privacy", "access", "--identity", "email=ana@example.com", "--out", "/proc/out"]);

    ran.expect(1).complains(&["/proc cannot be written"]);
    assert!(saas.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_there_keeps_what_is_not_of_the_package() {
    let (program, _saas) = shop().await;
    program.file("out/notes.txt", "mine");
    program.file("out/access.json", "old");

    program.run(ACCESS).expect(0);

    assert_eq!(program.read("out/notes.txt"), "mine");
    assert_eq!(program.json("out/access.json")["shop:orders"].as_array().unwrap().len(), 3);
    assert_eq!(std::fs::read_dir(program.folder().join("out")).unwrap().count(), 4, "and no draft stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_has_exactly_the_members_of_the_contract_in_their_order() {
    let (program, saas) = shop().await;
    saas.on("GET", "/customers/7/orders").then(testkit::Answer::status(403));

    program.run(ACCESS).expect(3);

    let text = program.read("out/report.json");
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&report), ["outcome", "collections"]);
    assert_eq!(keys(&report["collections"]), ["shop:customer", "shop:orders"]);
    for address in ["shop:customer", "shop:orders"] {
        let members = [
            "status",
            "completeness",
            "rows",
            "pages",
            "requests",
            "retries",
            "rate_limit_wait_ms",
            "duration_ms",
        ];
        assert_eq!(keys(&report["collections"][address]), members);
    }
    assert_eq!(keys(&report["collections"]["shop:customer"]["completeness"]), ["complete"]);
    assert_eq!(keys(&report["collections"]["shop:orders"]["completeness"]), ["complete", "reason", "detail"]);
}
