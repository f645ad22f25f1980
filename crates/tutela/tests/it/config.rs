//! Where settings come from.

use serde_json::{Value, json};

use crate::program::Program;
use crate::running::{Running, call, root_token};

fn find<'a>(shown: &'a Value, key: &str) -> &'a Value {
    shown["settings"].as_array().unwrap().iter().find(|setting| setting["key"] == key).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_setting_tells_where_it_comes_from() {
    let program = Program::new()
        .with_environment("TUTELA_CLIENT_ID", "setup")
        .with_environment("TUTELA_CLIENT_SECRET", "canary-secret")
        .with_environment("TUTELA_EGRESS_ALLOW", r#"["127.0.0.1/32"]"#)
        .with_environment("TUTELA_LIMITS_MAX_SHARE_OF_TABLE", "0.2");
    program.file("server.yml", "data: data\nsecurity:\n  auth_rate_limit: 7/minute\n");
    let running = Running::start(&program, &["--config", "server.yml"]);
    let token = root_token(&running, "canary-secret").await;
    let change = json!({"execution": {"masking_strict": false}});
    let changed = call(&running, "PATCH /api/v1/config", Some(&token), Some(&change)).await;
    running.end().expect(0);

    let arguments =
        ["--format", "json", "config", "show", "--config", "server.yml", "--listen", "127.0.0.1:9"];
    let shown = program.run(&arguments).expect(0);
    let text = program.run(&["config", "show", "--config", "server.yml"]).expect(0);

    assert_eq!(changed.status, 200, "{}", changed.text);
    let all = shown.json();
    for (key, value, from) in [
        ("listen", json!("127.0.0.1:9"), "--listen"),
        ("egress.allow", json!(["127.0.0.1/32"]), "TUTELA_EGRESS_ALLOW"),
        ("security.auth_rate_limit", json!("7/minute"), "server.yml:3"),
        ("execution.masking_strict", json!(false), "API"),
        ("reading.attempts", json!(4), "default"),
        ("limits.max_writes", json!(500), "default"),
        ("limits.max_share_of_table", json!(0.2), "TUTELA_LIMITS_MAX_SHARE_OF_TABLE"),
        ("egress.proxy", Value::Null, "default"),
    ] {
        assert_eq!(*find(&all, key), json!({"key": key, "value": value, "from": from}));
    }
    let secrets = all["secrets"].as_array().unwrap();
    assert!(secrets.contains(&json!({"variable": "TUTELA_CLIENT_SECRET", "set": true})));
    assert!(secrets.contains(&json!({"variable": "TUTELA_KEY", "set": false})));
    for said in [&shown, &text] {
        assert!(!format!("{}{}", said.stdout, said.stderr).contains("canary"), "{}", said.stdout);
    }
    assert!(text.stdout.contains("server.yml:3"), "{}", text.stdout);
}

#[test]
fn settings_are_shown_without_a_state_and_none_is_made() {
    let program = Program::new();

    let ran = program.run(&["--format", "json", "config", "show", "--data", "nowhere"]).expect(0);

    assert_eq!(find(&ran.json(), "data")["value"], "nowhere");
    assert!(!program.folder().join("nowhere").exists());
}

#[test]
fn the_server_file_of_the_guide_is_accepted() {
    let guide = include_str!("../../../../docs/guide/server.md");
    let block = guide.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let program = Program::new();
    program.file("server.yml", block);

    let ran = program.run(&["--format", "json", "config", "show", "--config", "server.yml", "--data", "d"]);

    let shown = ran.expect(0).json();
    assert_eq!(find(&shown, "listen")["value"], "0.0.0.0:8443");
    assert_eq!(find(&shown, "tls.key")["from"], "server.yml:5");
}

#[test]
fn a_wrong_file_is_drawn_and_a_misspelled_variable_warned_of() {
    let program = Program::new().with_environment("TUTELA_LISTN", "127.0.0.1:1");
    program.file("server.yml", "security:\n  token_live: 1d\n");

    let wrong = program.run(&["config", "show", "--config", "server.yml"]).expect(2);
    let warned = program.run(&["config", "show"]).expect(0);

    wrong.complains(&["server.yml:2:3", "did you mean `token_life`?"]);
    warned.complains(&["TUTELA_LISTN", "did you mean `TUTELA_LISTEN`?"]);
}

#[test]
fn limit_that_is_none_is_drawn_at_its_place_and_named_in_a_variable() {
    let program = Program::new();
    program.file("server.yml", "limits:\n  max_writes: 40\n  max_share_of_table: 40\n");

    let file = program.run(&["serve", "--config", "server.yml"]).expect(2);
    let program = program.with_environment("TUTELA_LIMITS_MAX_WRITES", "lots");
    let variable = program.run(&["config", "show"]).expect(2);

    file.complains(&["server.yml:3:23", "spec::out_of_range", "write a number from 0 to 1"]);
    variable.complains(&["TUTELA_LIMITS_MAX_WRITES", "write an integer"]);
}
