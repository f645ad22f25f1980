use std::net::SocketAddr;

use super::*;
use crate::flag::Visibility;
use crate::health::HealthEndpoint;

// rule: baton §12.3
#[rstest]
#[case(&["capabilities"])]
#[case(&["config"])]
#[case(&["--log-level", "debug", "capabilities"])]
#[case(&["config", "--log-level", "debug"])]
fn capabilities_and_config_need_nothing(#[case] arguments: &[&str]) {
    let read = Line::new(arguments).read();

    assert!(matches!(read, Ok(Invocation::Capabilities | Invocation::Config)), "{read:?}");
}

// rule: baton §12.3, health-check
#[rstest]
#[case(&["health-check"], HealthEndpoint::Health, 5, "127.0.0.1:8081")]
#[case(&["health-check", "--endpoint", "ready", "--timeout=9", "--health-check-port", "90"], HealthEndpoint::Ready, 9, "127.0.0.1:90")]
#[case(&["--health-check-bind-address=0.0.0.0", "health-check", "--endpoint=live"], HealthEndpoint::Live, 5, "127.0.0.1:8081")]
#[case(&["--health-check-bind-address=::", "health-check"], HealthEndpoint::Health, 5, "[::1]:8081")]
#[case(&["--health-check-bind-address=localhost", "health-check"], HealthEndpoint::Health, 5, "127.0.0.1:8081")]
fn health_check_asks_where_the_server_would_be(
    #[case] arguments: &[&str],
    #[case] endpoint: HealthEndpoint,
    #[case] timeout_s: u64,
    #[case] address: &str,
) {
    let Ok(Invocation::HealthCheck(check)) = Line::new(arguments).read() else { panic!("{arguments:?}") };

    let address: SocketAddr = address.parse().unwrap();
    assert_eq!((check.endpoint, check.timeout.as_secs(), check.address), (endpoint, timeout_s, address));
}

// rule: governance §31 #22
// rule: baton §12.2
#[test]
fn help_lists_each_flag_with_its_variable_and_hides_the_hidden() {
    let Ok(Invocation::Print(help)) = Line::new(&["--help"]).read() else { panic!() };
    let one_line = help.split_whitespace().collect::<Vec<_>>().join(" ");

    for flag in fields().flags() {
        let is_there = help.contains(&format!("--{} ", flag.name));
        match flag.visibility {
            Visibility::Shown => {
                assert!(is_there || help.contains(&format!("--{}[", flag.name)), "--{}\n{help}", flag.name);
                assert!(
                    one_line.contains(&format!("[{}]", flag.variables().join(", "))),
                    "{}\n{help}",
                    flag.name
                );
            }
            Visibility::Hidden => assert!(!is_there, "--{}", flag.name),
        }
    }
    for says in [
        "BATON_TOKEN",
        "[default: sync.c1z]",
        "BATON_CONFIG_PATH",
        "capabilities",
        "health-check",
        "completion",
        "-p, --provisioning",
    ] {
        assert!(one_line.contains(says), "{says}\n{help}");
    }
    assert!(!help.contains("_connector-service"));
}

// rule: baton §12.3
#[test]
fn version_help_and_completion_are_printed() {
    for (arguments, says) in [
        (&["--version"][..], concat!("baton-segment ", env!("CARGO_PKG_VERSION"))),
        (&["help"][..], "Usage: baton-segment"),
        (&["help", "health-check"][..], "--endpoint"),
        (&["completion", "bash"][..], "baton-segment"),
        (&["completion", "zsh"][..], "--grant-entitlement"),
        (&["completion", "fish"][..], "provisioning"),
        (&["completion", "powershell"][..], "Register-ArgumentCompleter"),
    ] {
        let read = Line::new(arguments).read();
        let Ok(Invocation::Print(text)) = read else { panic!("{arguments:?}: {read:?}") };
        assert!(text.contains(says), "{arguments:?}\n{text}");
    }
}

// rule: baton W-1
#[test]
fn hidden_child_takes_the_same_arguments() {
    let read = Line::with_token(&["--file", "x.c1z", "_connector-service"]).read();

    let Ok(Invocation::ConnectorService { settings, .. }) = read else { panic!("{read:?}") };
    assert!(settings.file.ends_with("x.c1z"));
}

// rule: baton §12.3
// rule: baton W-5
#[rstest]
#[case(&["lambda"], "`lambda` is not supported here")]
#[case(&["capabilites"], "capabilities")]
#[case(&["completion"], "<shell>")]
#[case(&["completion", "tcsh"], "bash")]
#[case(&["health-check", "--endpoint", "all"], "ready")]
#[case(&["health-check", "--timeout", "0"], "1..=300")]
#[case(&["--worker", "3"], "--workers")]
fn subcommand_or_flag_that_is_not_understood_is_explained(#[case] arguments: &[&str], #[case] says: &str) {
    let error = Line::with_token(arguments).read().unwrap_err();

    assert!(error.to_string().contains(says), "{error}");
    assert_eq!(error.exit().number(), 3);
}

/// Whatever params a connector file has, its command line is well formed; the parser would panic otherwise.
#[test]
fn every_connector_of_the_library_has_a_command_line() {
    let mut count = 0;
    for entry in spec::library::library() {
        let checked = spec::check_connector(&entry.connector, &spec::CheckOptions::default());
        let fields = ConnectorFields::of(&checked.value.unwrap()).unwrap();
        let inputs = Inputs {
            program: format!("baton-{}", entry.name),
            arguments: vec!["--help".into()],
            environment: Vec::new(),
            folder: "/".into(),
            stdout: Stdout::Elsewhere,
            now: NOW.parse().unwrap(),
        };

        let read = Invocation::read(&fields, &inputs);

        assert!(matches!(read, Ok(Invocation::Print(_))), "{}: {read:?}", entry.name);
        count += 1;
    }
    assert!(count > 5, "{count} connectors");
}
