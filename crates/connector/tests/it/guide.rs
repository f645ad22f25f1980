//! The guide page about scripts: its connector file and functions do what it says.

use std::collections::HashMap;

use connector::writes::{WriteRow, WriteSource};
use connector::{Inputs, TestOutcome};
use sandbox::server::Answer;
use serde_json::json;
use spec::{CheckOptions, SourceFile};

use crate::acme::{Acme, Setup, ana};

const PAGE: &str = include_str!("../../../../docs/guide/when-yaml-is-not-enough.md");

/// All blocks of this language, joined.
fn blocks(language: &str) -> String {
    let fence = format!("```{language}\n");
    let blocks = PAGE.split(&fence).skip(1).filter_map(|rest| rest.split("```").next());
    blocks.collect::<Vec<_>>().join("\n")
}

/// The page's file and functions, under the names that the tests use.
fn file() -> (String, String) {
    let yaml = blocks("yaml").replace("kite.star", "acme.star").replace("<instance_fides_key>", "acme");
    (yaml, blocks("python"))
}

async fn start() -> Acme {
    let (yaml, script) = file();
    let secrets = vec![("tenant", json!("north/1")), ("signing_key", json!("canary-key"))];
    let acme = Acme::start_with(&yaml, Setup { secrets, script: &script, ..Setup::default() }).await;
    acme.saas.on("GET", "/me").then(Answer::json(200, &json!({"tenant": "north/1"})));
    acme.saas
        .on("GET", "/tenants/*/customers")
        .then(Answer::json(200, &json!({"customers": [{"id": "c 1"}], "after": "c 1"})))
        .then(Answer::json(200, &json!({"customers": [{"id": "c2"}]})));
    acme.saas.on("GET", "/customers/*/badges").then(Answer::json(200, &json!({"badges": ["b1", "b2"]})));
    acme
}

#[test]
fn the_page_has_a_file_that_is_checked_without_a_finding() {
    let (yaml, script) = file();
    let source =
        SourceFile::new("connector.yml", yaml).with_scripts(vec![SourceFile::new("acme.star", script)]);

    let checked = spec::check_connector(&source, &CheckOptions::default());

    assert!(checked.diagnostics.is_empty(), "{:#?}", checked.diagnostics);
}

/// The planted defect: a function that the file names and the page does not have.
#[test]
fn a_function_that_the_page_lost_is_found() {
    let (yaml, script) = file();
    let lost = script.replace("def sign(", "def signature(");
    let source =
        SourceFile::new("connector.yml", yaml).with_scripts(vec![SourceFile::new("acme.star", lost)]);

    let checked = spec::check_connector(&source, &CheckOptions::default());

    let codes: Vec<_> = checked.diagnostics.iter().map(|found| found.code).collect();
    assert_eq!(codes, ["spec::no_script_function"]);
}

#[tokio::test]
async fn the_functions_of_the_page_test_read_and_write_and_every_request_is_signed() {
    let acme = start().await;

    let test = acme.connector.test().await.unwrap();
    let found = acme.read("customers", &[]).await;
    let rows: Vec<WriteRow> =
        found.rows.iter().map(|row| WriteRow { row: row.clone(), ..WriteRow::default() }).collect();
    let request = &acme.connector.connection().file.endpoints[0].delete[0];
    let source = WriteSource {
        request,
        endpoint: "customers",
        per: request.per,
        person: &ana(),
        inputs: &Inputs::default(),
        field_values: &HashMap::new(),
    };
    let writes = acme.connector.plan_writes(source, &rows).await;

    assert!(matches!(test, TestOutcome::Passed), "{test:?}");
    assert_eq!(found.json(), json!([{"id": "c 1"}, {"id": "c2"}]));
    let paths: Vec<&str> =
        writes.planned.iter().map(|write| write.request.url.split(".test").nth(1).unwrap()).collect();
    assert_eq!(
        paths,
        [
            "/customers/c%201/badges/b1",
            "/customers/c%201/badges/b2",
            "/customers/c%201",
            "/customers/c2/badges/b1",
            "/customers/c2/badges/b2",
            "/customers/c2",
        ]
    );
    assert_eq!(
        acme.targets(),
        [
            "/me",
            "/tenants/north%2F1/customers?mail=ana%40example.com",
            "/tenants/north%2F1/customers?mail=ana%40example.com&after=c+1",
            "/customers/c%201/badges",
            "/customers/c2/badges",
        ]
    );
    for call in acme.saas.calls() {
        let query = call.target().split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
        let time = call.header("x-kite-time").unwrap();
        let signed = [call.method.as_str(), &call.path, &query, "", time].join("\n");
        let code = crypto::HashKey::from_bytes(b"canary-key").keyed_hash(signed.as_bytes());
        assert_eq!(call.header("x-kite-signature"), Some(crypto::hex(&code).as_str()));
    }
}

/// What the page says about the library.
#[test]
fn the_examples_that_the_page_names_are_in_the_library() {
    for name in ["okta", "sumsub"] {
        assert!(PAGE.contains(&format!("`{name}`")));
        assert!(!spec::library::find(name).unwrap().connector.scripts().is_empty(), "{name}");
    }
}
