use crate::program::Program;

#[test]
fn every_command_has_help_with_examples() {
    let commands: &[&[&str]] = &[
        &["connector", "list"],
        &["connector", "show"],
        &["connector", "check"],
        &["connector", "schema"],
        &["connector", "test"],
        &["connector", "record"],
        &["connector", "new"],
        &["connection", "list"],
        &["connection", "test"],
        &["privacy", "access"],
        &["sandbox", "segment"],
        &["c1z", "grants"],
        &["demo"],
    ];
    for command in commands {
        let ran = Program::new().run(&[command, &["--help"][..]].concat()).expect(0);
        assert!(ran.stdout.contains("Examples:") && ran.stdout.contains("--format"), "{command:?}");
    }
}

#[test]
fn wrong_flags_are_bad_input() {
    for arguments in [
        &["privacy", "access", "--out", "x"][..],
        &["nothing"],
        &["connector", "check"],
        &["demo", "--twice"],
    ] {
        Program::new().run(arguments).expect(2);
    }
}

#[test]
fn every_failure_is_data_where_data_was_asked_for() {
    for arguments in [
        &["connector", "show", "nothing"][..],
        &["connector", "check", "none.yml"],
        &["connector", "test", "none.yml"],
        &["connection", "list"],
        &["privacy", "access", "--identity", "email", "--out", "out"],
    ] {
        let program = Program::new();

        let drawn = program.run(arguments);
        let data = program.run(&[arguments, &["--format", "json"]].concat()).expect(drawn.code);

        assert!(drawn.code > 0 && drawn.stdout.is_empty(), "{arguments:?}");
        let text = data.json()["error"].as_str().unwrap().to_owned();
        assert_eq!(data.stderr, format!("error: {text}\n"), "the same for people and programs");
        assert_eq!(data.stderr, drawn.stderr);
    }
}

#[test]
fn a_filter_that_is_none_is_bad_input() {
    let program = Program::new().with_environment("RUST_LOG", "egress=loud=er");

    program.run(&["connector", "list"]).expect(2).complains(&["RUST_LOG"]);
}

#[test]
fn the_library_is_listed_and_shown_in_both_formats() {
    let program = Program::new();

    let list = program.run(&["connector", "list", "--format", "json"]).expect(0).json();
    let names: Vec<&str> =
        list["connectors"].as_array().unwrap().iter().filter_map(|entry| entry["name"].as_str()).collect();
    assert_eq!(
        names,
        [
            "github",
            "hubspot",
            "mailchimp",
            "okta",
            "pagerduty",
            "segment",
            "segment_unify",
            "sentry",
            "stripe",
            "sumsub"
        ]
    );
    for name in names {
        let shown = program.run(&["connector", "show", name, "--format", "json"]).expect(0).json();
        assert!(!shown["hosts"].as_array().unwrap().is_empty());
        let table = program.run(&["connector", "show", name]).expect(0);
        assert!(table.stdout.contains("Collections"));
    }
    program.run(&["connector", "show", "stripee"]).expect(2).complains(&["`stripee`", "stripe"]);
}

#[test]
fn a_new_connector_is_valid_and_never_replaces_files() {
    let program = Program::new();

    program.run(&["connector", "new", "acme_mail", "--out", "acme"]).expect(0);
    program.run(&["connector", "check", "acme"]).expect(0);

    assert!(program.read("acme/connector.yml").contains("type: acme_mail"));
    program
        .run(&["connector", "new", "other", "--out", "acme"])
        .expect(2)
        .complains(&["connector.yml", "--out"]);
    assert!(program.read("acme/connector.yml").contains("type: acme_mail"));
    program.run(&["connector", "new", "a b", "--out", "b"]).expect(2).complains(&["`a b`"]);
}
