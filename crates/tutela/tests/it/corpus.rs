use std::path::{Path, PathBuf};

use serde_json::json;

use crate::program::{Program, shared};

/// Files that only loads and never refuses are tested with; beside the repository, if anywhere.
fn files(folder: &str) -> Vec<PathBuf> {
    let Some(folder) = shared(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yml"));
    paths.sort();
    paths
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn every_connector_file_of_the_corpus_is_accepted() {
    let configs = files("corpus/fides/config");
    if configs.is_empty() {
        return;
    }

    let arguments: Vec<&str> =
        ["connector", "check"].into_iter().chain(configs.iter().map(|path| text(path))).collect();

    Program::new().run(&arguments).expect(0);
}

#[test]
fn every_pair_of_the_corpus_is_accepted_save_the_irregular_one() {
    for config in files("corpus/fides/config") {
        let dataset = text(&config).replace("/config/", "/dataset/").replace("_config.yml", "_dataset.yml");
        if !Path::new(&dataset).exists() {
            continue;
        }
        let irregular = dataset.contains("aws_api_gateway");

        let ran = Program::new()
            .run(&["connector", "check", text(&config), "--dataset", &dataset])
            .expect(if irregular { 2 } else { 0 });

        if irregular {
            ran.complains(&["aws_api_gateway_dataset.yml:"]);
        }
    }
}

#[test]
fn printed_schemas_are_schemas_and_refuse_mistakes() {
    for kind in ["connector", "dataset", "project"] {
        let schema = Program::new().run(&["connector", "schema", kind]).expect(0).json();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let wrong = json!({"saas_config": {"endpoints": 1}, "dataset": 1, "connections": 1});
        assert!(!validator.is_valid(&wrong), "{kind}");
    }
}
