//! Connectors with scripts on the command line.

use std::path::Path;

use rstest::rstest;

use crate::program::Program;

/// The connector's folder, below a program's own.
fn copy_of(connector: &str) -> Program {
    let program = Program::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors").join(connector);
    let mut files = vec!["connector.yml".to_owned(), "dataset.yml".to_owned(), format!("{connector}.star")];
    let cassettes = std::fs::read_dir(folder.join("cassettes")).unwrap();
    files.extend(cassettes.map(|file| format!("cassettes/{}", file.unwrap().file_name().to_string_lossy())));
    for file in files {
        program.file(&format!("it/{file}"), &std::fs::read_to_string(folder.join(&file)).unwrap());
    }
    program
}

#[rstest]
fn a_connector_with_a_script_passes_its_recordings(#[values("okta", "sumsub")] connector: &str) {
    let program = copy_of(connector);

    let own = program.run(&["connector", "test", "./it", "--format", "json"]).expect(0).json();
    let embedded = program.run(&["connector", "test", connector, "--format", "json"]).expect(0).json();

    assert_eq!((&own["passed"], &embedded["passed"]), (&true.into(), &true.into()));
    assert_eq!(embedded["recordings"].as_array().unwrap().len(), 2);
}

#[rstest]
#[case("okta", "rel: next", "rel: previous")]
#[case("okta", "profile.login", "profile.secondEmail")]
#[case("sumsub", "externalUserId=", "externalActionId=")]
fn a_changed_connector_fails_its_recordings(#[case] connector: &str, #[case] from: &str, #[case] to: &str) {
    let program = copy_of(connector);
    let text = program.read("it/connector.yml");
    assert!(text.contains(from), "the defect was not planted");

    program.file("it/connector.yml", &text.replace(from, to));

    program.run(&["connector", "test", "./it"]).expect(1);
}

#[test]
fn what_is_wrong_with_a_script_is_shown_with_its_place() {
    let program = copy_of("okta");
    program.run(&["connector", "check", "./it"]).expect(0);
    let script = program.read("it/okta.star");

    program.file("it/okta.star", &script.replace("for row in rows:", "for row in rows"));
    let found = program.run(&["connector", "check", "./it", "--format", "json"]).expect(2).json();
    let drawn = program.run(&["connector", "check", "./it"]).expect(2);

    let mut errors =
        found["diagnostics"].as_array().unwrap().iter().filter(|found| found["severity"] == "error");
    let error = errors.next().unwrap();
    assert_eq!(error["code"], "spec::bad_script");
    assert!(error["file"].as_str().unwrap().ends_with("okta.star"), "{error}");
    assert!(error["line"].as_u64().unwrap() > 1, "{error}");
    let text = drawn.stdout + &drawn.stderr;
    assert!(text.contains("for row in rows"), "the line is shown: {text}");
}

#[test]
fn a_script_that_is_not_there_is_named() {
    let program = copy_of("okta");
    let connector = program.read("it/connector.yml");

    program.file("it/connector.yml", &connector.replace("okta.star:delete", "kite.star:delete"));

    let found = program.run(&["connector", "check", "./it", "--format", "json"]).expect(2).json();
    let codes: Vec<&str> = found["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|found| found["severity"] == "error")
        .filter_map(|found| found["code"].as_str())
        .collect();
    assert_eq!(codes, ["spec::no_script"]);
}
