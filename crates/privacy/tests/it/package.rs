//! What stands in the three files.

use std::fs;

use privacy::package::{Contents, Package, PackageOptions, write};
use sandbox::server::Answer;
use serde_json::{Value, json};
use spec::{ActionType, Policy, Rule};

use crate::stage::Stage;

async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.saas.on("GET", "/people").then(Answer::text(
        200,
        r#"[{"id": 1, "name": "Ana", "long": 12345678901234567890123, "rate": 1.10, "contact": {"email": "ana@example.com", "rank": 5}}, {"id": 2, "contact": {}}]"#,
    ));
    stage.saas.on("GET", "/orders/*").with(|call| Answer::json(200, &json!([{"total": 5, "of": call.path}])));
    stage
}

fn read(path: &std::path::Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn json_of(path: &std::path::Path) -> Value {
    serde_json::from_str(&read(path)).unwrap()
}

async fn package_of(stage: &Stage) -> Package {
    let run = stage.run().await;
    write(stage.out.path(), &run, &PackageOptions::new(Contents::Everything)).unwrap()
}

#[tokio::test]
async fn access_holds_every_row_by_address_exactly_as_received() {
    let stage = stage().await;

    let package = package_of(&stage).await;

    assert_eq!(
        read(&package.access),
        "{\n\"acme:orders\":[\n{\"total\":5,\"of\":\"/orders/1\"},\n{\"total\":5,\"of\":\"/orders/2\"}\n],\n\
         \"acme:people\":[\n{\"id\":1,\"name\":\"Ana\",\"long\":12345678901234567890123,\"rate\":1.10,\
         \"contact\":{\"email\":\"ana@example.com\",\"rank\":5}},\n{\"id\":2,\"contact\":{}}\n]\n}\n"
    );
}

#[tokio::test]
async fn equal_data_give_equal_bytes() {
    let stage = stage().await;

    let first = read(&package_of(&stage).await.access);
    let second = read(&package_of(&stage).await.access);

    assert_eq!(first, second);
}

#[tokio::test]
async fn report_has_the_members_of_the_contract() {
    let stage = stage().await;
    stage.saas.on("GET", "/orders/2").then(Answer::json(404, &json!({})));

    let package = package_of(&stage).await;

    let report = json_of(&package.report);
    assert_eq!(report["outcome"], "incomplete");
    let orders = &report["collections"]["acme:orders"];
    assert_eq!(orders["status"], "incomplete");
    assert_eq!(orders["completeness"]["complete"], false);
    assert_eq!(orders["completeness"]["reason"], "http_4xx");
    assert!(orders["completeness"]["detail"].is_string());
    let mut members: Vec<_> = orders.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(
        members,
        [
            "completeness",
            "duration_ms",
            "pages",
            "rate_limit_wait_ms",
            "requests",
            "retries",
            "rows",
            "status"
        ]
    );
    let calls = &report["collections"]["acme:calls"];
    assert_eq!((&calls["status"], &calls["completeness"]["complete"]), (&json!("skipped"), &json!(true)));
    assert!(calls["completeness"]["detail"].as_str().unwrap().contains("phone_number"));
    assert!(calls["completeness"].get("reason").is_none());
    assert!(!read(&package.report).contains("ana@example.com"), "a report names nobody");
}

#[tokio::test]
async fn a_collection_that_failed_has_no_empty_list() {
    let stage = stage().await;
    stage.saas.on("GET", "/people").then(Answer::json(403, &json!({})));

    let package = package_of(&stage).await;

    assert_eq!(json_of(&package.access), json!({}), "an empty list would say that nothing is there");
    let report = json_of(&package.report);
    assert_eq!(report["collections"]["acme:people"]["status"], "failed");
    assert_eq!(report["collections"]["acme:orders"]["completeness"]["reason"], "upstream");
}

#[tokio::test]
async fn a_collection_without_rows_has_an_empty_list() {
    let stage = stage().await;
    stage.saas.on("GET", "/people").then(Answer::json(200, &json!([])));

    let package = package_of(&stage).await;

    assert_eq!(json_of(&package.access), json!({"acme:orders": [], "acme:people": []}));
    assert_eq!(json_of(&package.report)["outcome"], "complete");
}

fn policy(action: ActionType, targets: &[&str]) -> Policy {
    let targets = targets.iter().map(|target| (*target).to_owned()).collect();
    Policy {
        key: "deliver".into(),
        rules: vec![Rule {
            key: "rule".into(),
            action,
            targets,
            masking_strategy: None,
            storage_destination: None,
        }],
    }
}

// rule: privacy-requests R-6
// rule: privacy-requests R-9
// rule: privacy-requests R-11
#[tokio::test]
async fn a_policy_delivers_targeted_fields_only() {
    let stage = stage().await;
    let run = stage.run().await;
    let policy = policy(ActionType::Access, &["user.contact", "user.name"]);

    let contents = Contents::Targeted { policy: &policy, graph: &stage.graph };
    let package = write(stage.out.path(), &run, &PackageOptions::new(contents)).unwrap();

    assert_eq!(
        json_of(&package.access),
        json!({"acme:people": [{"name": "Ana", "contact": {"email": "ana@example.com"}}]}),
        "the second row has nothing left, and orders have no targeted field"
    );
    assert!(read(&package.index).contains("<strong>deliver</strong>"));
}

// rule: privacy-requests R-6
#[tokio::test]
async fn erasure_rules_deliver_nothing() {
    let stage = stage().await;
    let run = stage.run().await;
    let policy = policy(ActionType::Erasure, &["user"]);

    let contents = Contents::Targeted { policy: &policy, graph: &stage.graph };
    let package = write(stage.out.path(), &run, &PackageOptions::new(contents)).unwrap();

    assert_eq!(read(&package.access), "{}\n");
}

#[tokio::test]
async fn the_page_escapes_what_it_shows_and_loads_nothing() {
    let stage = stage().await;
    stage.saas.on("GET", "/people").then(Answer::json(
        200,
        &json!([{"<b>key": "<script>alert('x')</script>", "list": [1, null, {"deep": "\"quoted\""}], "none": ""}]),
    ));
    let run = stage.run().await;
    let options = PackageOptions {
        subject: Some(&stage.identities),
        made_at: Some("2026-03-01T09:30:00Z".parse().unwrap()),
        ..PackageOptions::new(Contents::Everything)
    };

    let html = read(&write(stage.out.path(), &run, &options).unwrap().index);

    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"), "{html}");
    assert!(html.contains("&lt;b&gt;key"));
    for loads in ["http://", "https://", "src=", "url(", "@import", "<link"] {
        assert!(!html.contains(loads), "{loads} would leave the file");
    }
    assert!(html.contains("ana@example.com") && html.contains("1 March 2026, 09:30 UTC"));
    for needed in
        ["<html lang=", "<main>", "<caption>", "scope=\"col\"", "prefers-color-scheme", "@media print"]
    {
        assert!(html.contains(needed), "{needed} is missing");
    }
}

#[tokio::test]
async fn the_page_shows_the_first_rows_and_says_how_many_there_are() {
    let stage = stage().await;
    let run = stage.run().await;
    let options = PackageOptions { rows_shown: 1, ..PackageOptions::new(Contents::Everything) };

    let package = write(stage.out.path(), &run, &options).unwrap();

    let html = read(&package.index).replace("&#x2f;", "/");
    assert!(html.contains("The first 1 of 2 records"), "{html}");
    assert!(html.contains("/orders/1") && !html.contains("/orders/2"));
    assert!(read(&package.access).contains("/orders/2"), "access.json always has all");
}

#[tokio::test]
async fn the_page_says_first_what_is_missing() {
    let stage = stage().await;
    assert!(!read(&package_of(&stage).await.index).contains("Something is missing"));
    stage.saas.on("GET", "/orders/*").then(Answer::json(404, &json!({})));

    let html = read(&package_of(&stage).await.index);

    let (notice, summary) =
        (html.find("Something is missing").unwrap(), html.find("id=\"summary\"").unwrap());
    assert!(notice < summary);
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_for_their_owner_only_and_no_draft_stays() {
    use std::os::unix::fs::PermissionsExt;
    let stage = stage().await;
    let run = stage.run().await;
    let folder = stage.out.path().join("new").join("package");

    write(&folder, &run, &PackageOptions::new(Contents::Everything)).unwrap();

    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["access.json", "index.html", "report.json"]);
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_package_that_cannot_be_finished_leaves_the_old_one_alone() {
    let stage = stage().await;
    let old = read(&package_of(&stage).await.access);
    let run = stage.run().await;
    // A file cannot take the place of a folder.
    fs::remove_file(stage.out.path().join("access.json")).unwrap();
    fs::create_dir(stage.out.path().join("access.json")).unwrap();

    let error = write(stage.out.path(), &run, &PackageOptions::new(Contents::Everything)).unwrap_err();

    assert!(error.to_string().contains("access.json"), "{error}");
    let drafts = fs::read_dir(stage.out.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'));
    assert_eq!(drafts.count(), 0);
    assert!(!old.is_empty() && stage.out.path().join("report.json").is_file());
}
