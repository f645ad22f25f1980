use std::path::Path;

use crate::program::Program;

#[test]
fn the_demo_goes_over_the_server_from_access_to_certificate_and_leaves() {
    let program = Program::new();

    let ran = program.run(&["demo", "--once"]).expect(0);

    let package = ran.stdout.lines().find_map(|line| line.strip_prefix("package: ")).unwrap();
    assert!(
        Path::new(package).is_file() && Path::new(package).extension().is_some_and(|it| it == "zip"),
        "{package}"
    );
    for line in ["digest: sha256:", "segment:", "shop: shop:customers", "the certificate is valid"] {
        assert!(ran.stdout.contains(line), "{line:?} is missing in\n{}", ran.stdout);
    }
    assert_eq!(ran.stdout.matches(": complete").count(), 2, "{}", ran.stdout);
    ran.complains(&[
        "1. The project",
        "2. What do we hold",
        "3. She wants it erased",
        "4. Who plans may not approve",
        "5. Segment works",
        "6. Is it true?",
    ]);
}

#[test]
fn cargo_commands_of_readme_and_guide_run_this_program() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let guide = std::fs::read_dir(place.join("docs/guide")).unwrap().map(|entry| entry.unwrap().path());
    let mut text = String::new();
    for page in guide.chain([place.join("README.md")]) {
        text += &std::fs::read_to_string(page).unwrap();
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let commands: Vec<&[&str]> = words
        .windows(5)
        .filter(|words| words[0].trim_matches('`').ends_with("cargo") && words[1] == "run")
        .collect();

    assert!(commands.len() >= 3, "{commands:?}");
    for command in commands {
        // The workspace has a second program, and that one is the default.
        assert_eq!(command[2..], ["--release", "-p", "tutela"], "{command:?}");
    }
}

#[test]
fn the_project_of_the_demo_is_one_of_the_users() {
    let program = Program::new();
    program.run(&["demo", "--once"]).expect(0);

    let ran = program.run(&["connection", "list", "--project", "tutela-demo/tutela.yml"]).expect(0);

    assert!(ran.stdout.contains("segment_unify"), "{}", ran.stdout);
}
