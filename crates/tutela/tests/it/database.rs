use std::path::Path;

use crate::erasure::shop_database::{DATASET, ShopDatabase};
use crate::program::Program;

async fn shop() -> Program {
    let program = Program::new();
    ShopDatabase::sqlite(&program).await;
    program.file("shop_dataset.yml", DATASET);
    project(&program, "sqlite:shop.db", "");
    program
}

fn project(program: &Program, url: &str, more: &str) {
    program.file(
        "tutela.yml",
        &format!(
            "connections:\n  - key: shop\n    connector: sqlite\n    dataset: ./shop_dataset.yml\n    access: read\n    \
             secrets: {{ url: \"{url}\" }}\n{more}"
        ),
    );
}

const ACCESS: [&str; 6] = ["privacy", "access", "--identity", "email=ana@example.com", "--out", "out"];

#[tokio::test(flavor = "multi_thread")]
async fn an_access_request_reads_databases_too() {
    let program = shop().await;

    program.run(&ACCESS).expect(0);

    let rows = program.json("out/access.json");
    assert_eq!(rows["shop:customers"][0]["name"], "Ana");
    assert_eq!(rows["shop:orders"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_are_listed_and_tested_table_by_table() {
    let program = shop().await;

    let listed = program.run(&["connection", "list", "--format", "json"]).expect(0).json();
    let tested = program.run(&["connection", "test", "shop", "--format", "json"]).expect(0).json();

    let first = &listed["connections"][0];
    assert_eq!(
        (first["connector"].as_str(), first["application"].as_str()),
        (Some("sqlite"), Some("SQLite"))
    );
    let checks = tested["checks"].as_array().unwrap();
    let what: Vec<&str> = checks.iter().map(|check| check["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["connect", "read customers", "read orders"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_the_dataset_has_and_the_table_has_not_is_named() {
    let program = shop().await;
    program.file("shop_dataset.yml", &DATASET.replace("name: street", "name: stret"));

    let ran = program.run(&["connection", "test", "shop"]).expect(1);

    assert!(ran.stdout.contains("stret"), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_outside_the_projects_folder_and_the_own_state_are_refused() {
    let program = shop().await;
    let other = tempfile::tempdir().unwrap();
    let outside = other.path().join("shop.db");
    std::fs::copy(program.folder().join("shop.db"), &outside).unwrap();
    program.run(&ACCESS).expect(0);
    let own: &Path = &program.folder().join(".tutela/state.db");
    assert!(own.is_file());

    for url in [format!("sqlite://{}", outside.display()), format!("sqlite://{}", own.display())] {
        project(&program, &url, "");
        let ran = program.run(&["connection", "test", "shop"]).expect(1);
        assert!(!ran.stdout.contains("works"), "{}", ran.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_of_another_key_is_refused_at_its_place() {
    let program = shop().await;
    program.file("shop_dataset.yml", &DATASET.replace("fides_key: shop", "fides_key: store"));

    program.run(&ACCESS).expect(2).complains(&["`shop`", "store", "tutela.yml:4:14"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_of_allow_may_name_port_and_connection() {
    let program = shop().await;
    project(
        &program,
        "sqlite:shop.db",
        "egress: { allow: [\"127.0.0.1:5432@shop\", \"[::1]:5432\", \"10.0.0.0/8\"] }\n",
    );

    program.run(&ACCESS).expect(0);

    project(&program, "sqlite:shop.db", "egress: { allow: [\"127.0.0.1:0\"] }\n");
    program.run(&ACCESS).expect(2).complains(&["127.0.0.1:0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_checked_against_the_datasets() {
    let program = shop().await;
    project(&program, "sqlite:shop.db", crate::erasure::POLICIES);

    let reached = program.run(&["policy", "check", "--format", "json"]).expect(0).json();
    project(&program, "sqlite:shop.db", &crate::erasure::POLICIES.replace("null_rewrite", "nul_rewrite"));
    let refused = program.run(&["policy", "check"]).expect(2);

    let rule = &reached["rules"][0];
    assert_eq!(rule["collections"]["shop:customers"], serde_json::json!(["email", "name", "segment_id"]));
    assert_eq!(rule["collections"]["shop:orders"], serde_json::json!(["street"]));
    refused.complains(&["nul_rewrite"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_key_may_come_from_elsewhere_and_another_one_opens_nothing() {
    let program = shop().await.with_environment("TUTELA_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    program.run(&ACCESS).expect(0);

    let bad = program.with_environment("TUTELA_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh4=");
    let ran = bad.run(&ACCESS).expect(1);

    ran.complains(&["master key"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_made_is_announced_once() {
    let program = shop().await;

    let first = program.run(&ACCESS).expect(0);
    let second = program.run(&ACCESS).expect(0);

    first.complains(&["a master key was made", "keep a copy"]);
    assert!(!second.stderr.contains("master key"), "{}", second.stderr);
}
