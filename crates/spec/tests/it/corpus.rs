use std::path::{Path, PathBuf};

use spec::{CheckOptions, Diagnostics, Severity, SourceFile, check_connector, check_datasets, check_pair};

/// The corpus lies beside the repository; without it these tests have nothing to say.
fn corpus() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no corpus at {}", folder.display());
    None
}

fn read(path: &Path) -> SourceFile {
    SourceFile::new(path.file_name().unwrap().to_string_lossy(), std::fs::read_to_string(path).unwrap())
}

/// Connector and dataset files, paired by name.
fn pairs(corpus: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mut pairs = vec![(
        corpus.join("published/segment_connector_example.yml"),
        corpus.join("published/segment_connector_example_dataset.yml"),
    )];
    for entry in std::fs::read_dir(corpus.join("fides/config")).unwrap() {
        let config = entry.unwrap().path();
        let name = config.file_name().unwrap().to_string_lossy().replace("_config.yml", "_dataset.yml");
        pairs.push((config, corpus.join("fides/dataset").join(name)));
    }
    pairs.sort();
    pairs
}

fn errors(diagnostics: &Diagnostics) -> Vec<String> {
    let errors = diagnostics.iter().filter(|found| found.severity == Severity::Error);
    errors
        .map(|found| {
            format!("{}:{}:{} {} {}", found.file, found.line, found.column, found.code, found.message)
        })
        .collect()
}

#[test]
fn every_connector_file_of_the_corpus_is_accepted() {
    let Some(corpus) = corpus() else { return };

    let all: Vec<String> = pairs(&corpus)
        .iter()
        .flat_map(|(config, _)| errors(&check_connector(&read(config), &CheckOptions::default()).diagnostics))
        .collect();

    assert_eq!(all, Vec::<String>::new());
}

#[test]
fn every_dataset_of_the_corpus_is_accepted_by_itself() {
    let Some(corpus) = corpus() else { return };

    let all: Vec<String> = pairs(&corpus)
        .iter()
        .filter(|(_, dataset)| dataset.exists())
        .flat_map(|(_, dataset)| {
            errors(&check_datasets(&read(dataset), &CheckOptions::default()).diagnostics)
        })
        .collect();

    assert_eq!(all, Vec::<String>::new());
}

// rule: saas-config 25.12
#[test]
fn every_pair_of_the_corpus_fits_except_the_one_with_references_in_its_dataset() {
    let Some(corpus) = corpus() else { return };
    let options =
        CheckOptions { instance_key: Some("my.instance".parse().unwrap()), ..CheckOptions::default() };
    let mut refused = Vec::new();
    let mut checked = 0;

    for (config, dataset) in pairs(&corpus).into_iter().filter(|(_, dataset)| dataset.exists()) {
        let source = read(&dataset);
        let connector = check_connector(&read(&config), &options).value.unwrap();
        let datasets = check_datasets(&source, &options).value.unwrap();
        let found = check_pair(&connector, datasets.first().unwrap(), &source);
        checked += 1;
        refused.extend(errors(&found));
    }

    assert!(checked >= 49, "{checked} pairs");
    assert!(refused.iter().all(|error| error.starts_with("aws_api_gateway_dataset.yml:")), "{refused:#?}");
    assert!(refused.iter().any(|error| error.contains("spec::dataset_reference")), "{refused:#?}");
}

#[test]
fn the_published_example_takes_its_key_as_its_type() {
    let Some(corpus) = corpus() else { return };
    let source = read(&corpus.join("published/segment_connector_example.yml"));

    let checked = check_connector(&source, &CheckOptions::default());

    let file = checked.value.unwrap();
    assert_eq!(file.connector_type.as_str(), "segment_connector_example");
    assert_eq!(file.client_config.host.source(), "<domain>");
    assert!(checked.diagnostics.iter().any(|found| found.code == "spec::no_type"));
}
