use super::*;

fn token(line: &Line) -> String {
    texts(&line.settings()).into_iter().find(|(name, _)| *name == "access_token").unwrap().1
}

// rule: baton C-1
#[test]
fn flag_wins_over_variable_over_file_over_default() {
    let text = "file: of-file.c1z\n";
    let file = |line: Line| line.settings().file.file_name().unwrap().to_str().unwrap().to_owned();

    assert_eq!(file(Line::with_token(&[])), "sync.c1z");
    assert_eq!(file(Line::with_token(&[]).config(text)), "of-file.c1z");
    assert_eq!(
        file(Line::with_token(&[]).config(text).variable("BATON_FILE", "of-variable.c1z")),
        "of-variable.c1z"
    );
    let all =
        Line::with_token(&["--file=of-flag.c1z"]).config(text).variable("BATON_FILE", "of-variable.c1z");
    assert_eq!(file(all), "of-flag.c1z");
}

// rule: baton C-2
#[test]
fn variables_are_lists_switches_and_numbers_too() {
    let line = Line::with_token(&[])
        .variable("BATON_SYNC_RESOURCE_TYPES", "user,group")
        .variable("BATON_SKIP_FULL_SYNC", "TRUE")
        .variable("BATON_WORKERS", "4")
        .variable("BATON_NO_SUCH_FLAG", "x");

    let sync = line.settings().sync;

    assert_eq!(sync.resource_types, ["user", "group"]);
    assert_eq!((sync.depth, sync.workers), (SyncDepth::Nothing, Workers::Count(4)));
}

// rule: baton C-2
#[test]
fn broken_variable_is_named_in_place_of_the_flag() {
    let error = Line::with_token(&[]).variable("BATON_WORKERS", "many").error();

    assert!(error.contains("field `workers` (from BATON_WORKERS): must be a whole number"), "{error}");
}

// rule: baton C-3
#[test]
fn file_gives_all_kinds_of_values_and_its_lines_are_named() {
    let line = Line::new(&[]).config(
        "access-token: of-file\nskip-full-sync: yes\nworkers: 3\nsync-resource-types:\n  - user\n  - group\n\
         log-path: a.log,b.log\nhttp-timeout-seconds:\nno-such-key: 1\n",
    );
    let broken = Line::with_token(&[]).config("file: a\nworkers: many\n");

    let settings = line.settings();

    assert_eq!((settings.sync.depth, settings.sync.workers), (SyncDepth::Nothing, Workers::Count(3)));
    assert_eq!(settings.sync.resource_types, ["user", "group"]);
    assert_eq!(settings.log.paths.len(), 2);
    assert_eq!(settings.http_timeout, Duration::from_mins(5));
    assert!(
        matches!(settings.unknown_keys.as_slice(), [key] if key.ends_with(".baton.yaml:9:1: `no-such-key`"))
    );
    let error = broken.error();
    assert!(error.contains(".baton.yaml:2:1): must be a whole number"), "{error}");
}

// rule: baton C-3
#[test]
fn file_that_is_named_and_broken_is_an_error_with_its_place() {
    let line = Line::with_token(&[]).variable("BATON_CONFIG_PATH", "broken.yaml");
    fs::write(line.folder.path().join("broken.yaml"), "file: a\nworkers: {x: 1}\n").unwrap();
    let missing = Line::with_token(&[]).variable("BATON_CONFIG_PATH", "missing.yaml");
    let list = Line::with_token(&[]).config("file: [a, b]\n");

    assert!(line.error().contains("broken.yaml:2:1: `workers` is neither"), "{}", line.error());
    assert!(missing.error().contains("missing.yaml` cannot be read"), "{}", missing.error());
    assert!(list.error().contains(".baton.yaml:1:1): takes one value, not a list"), "{}", list.error());
    assert_eq!(missing.read().unwrap_err().exit().number(), 3);
}

// rule: baton SG-3
// rule: governance K8S-2
#[rstest]
#[case(&["--access-token", "flag", "--token", "flag"], &[], "", "flag")]
#[case(&["--token", "alias"], &[("BATON_ACCESS_TOKEN", "variable")], "", "alias")]
#[case(&[], &[("BATON_TOKEN", "old"), ("BATON_ACCESS_TOKEN", "new")], "", "new")]
#[case(&[], &[("BATON_TOKEN", "old")], "access-token: of-file\n", "old")]
#[case(&[], &[("BATON_TOKEN", "")], "access-token: of-file\n", "of-file")]
#[case(&[], &[], "token: old\naccess-token: new\n", "new")]
#[case(&[], &[], "token: old\n", "old")]
#[case(&["--token=-begins-with-a-hyphen"], &[], "", "-begins-with-a-hyphen")]
#[case(&["--token", "-begins-with-a-hyphen"], &[], "", "-begins-with-a-hyphen")]
fn historic_name_of_a_field_works_everywhere(
    #[case] arguments: &[&str],
    #[case] variables: &[(&str, &str)],
    #[case] config: &str,
    #[case] expected: &str,
) {
    let line = Line::new(arguments).config(config);
    let line = variables.iter().fold(line, |line, (name, value)| line.variable(name, value));

    assert_eq!(token(&line), expected);
}

// rule: baton §12.2
#[rstest]
#[case(&["--file=a.c1z", "--file", "b.c1z"], "b.c1z")]
#[case(&["-fa.c1z"], "a.c1z")]
#[case(&["-f=a.c1z"], "a.c1z")]
#[case(&["-f", "a.c1z", "--", ], "a.c1z")]
fn flags_are_written_as_elsewhere(#[case] arguments: &[&str], #[case] expected: &str) {
    let settings = Line::with_token(arguments).settings();

    assert_eq!(settings.file.file_name().unwrap(), expected);
}

// rule: baton §12.2
#[test]
fn flags_count_before_and_behind_a_subcommand() {
    let before = Line::new(&["--token", "t", "--workers=4", "_connector-service"]);
    let behind = Line::new(&["_connector-service", "--token", "t", "--workers=4"]);
    let both = Line::new(&["--workers=2", "--token", "t", "_connector-service", "--workers=4"]);

    for line in [before, behind, both] {
        let Ok(Invocation::ConnectorService { settings, .. }) = line.read() else {
            panic!("{:?}", line.arguments)
        };
        assert_eq!(settings.sync.workers, Workers::Count(4));
    }
}
