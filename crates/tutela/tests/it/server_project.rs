//! A project file and a running server.

use serde_json::{Value, json};

use crate::program::{Program, Ran};
use crate::running::{Running, call, root_token};

const SECRET: &str = "canary-root-secret";

const PROJECT: &str = r"
connections:
  - key: newsletter
    connector: mailchimp
    access: write
    secrets:
      domain: us1.api.mailchimp.com
      username: ana
      api_key: ${NEWSLETTER_API_KEY}
  - key: crm
    connector: postgres
    dataset: ./crm.yml
    secrets: { host: db.example.com, dbname: crm, username: reader, password: canary-db-password }
policies:
  - key: erase_customer
    rules:
      - key: erase_customer_rule
        action_type: erasure
        targets: [{ data_category: user.contact }, { data_category: user.name }]
        masking_strategy: { strategy: null_rewrite, configuration: {} }
      - key: correct_customer_rule
        action_type: rectification
        targets: [{ data_category: user.contact }]
";

const CRM: &str = r"
dataset:
  - fides_key: crm
    name: CRM
    description: Customers
    fides_meta: { namespace: { schema: public } }
    collections:
      - name: people
        fields:
          - { name: id, data_categories: [system.operations], fides_meta: { primary_key: true } }
          - { name: email, data_categories: [user.contact.email], fides_meta: { identity: email } }
";

fn program() -> Program {
    Program::new()
        .with_environment("TUTELA_CLIENT_ID", "setup")
        .with_environment("TUTELA_CLIENT_SECRET", SECRET)
        .with_environment("NEWSLETTER_API_KEY", "canary-api-key")
        // Each command asks for a token of its own.
        .with_environment("TUTELA_SECURITY_AUTH_RATE_LIMIT", "100/minute")
}

fn with_files(program: Program) -> Program {
    program.file("tutela.yml", PROJECT);
    program.file("crm.yml", CRM);
    program
}

/// Runs `project …` against the server; the last argument is the address.
fn project(program: &Program, running: &Running, arguments: &[&str]) -> Ran {
    let mut all = vec!["--format", "json", "project"];
    all.extend(arguments);
    all.extend(["--server", &running.url]);
    program.run(&all)
}

fn changes(ran: &Ran) -> Vec<(String, String)> {
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let found = ran.json();
    let entries = found.get("differences").unwrap().as_array().unwrap();
    entries.iter().map(|entry| (text(entry, "key"), text(entry, "change"))).collect()
}

fn pair(key: &str, change: &str) -> (String, String) {
    (key.to_owned(), change.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn project_is_pushed_compared_and_pulled_again() {
    let program = with_files(program());
    let running = Running::start(&program, &[]);

    let before = project(&program, &running, &["diff"]);
    let pushed = project(&program, &running, &["push", "--yes"]);
    let after = project(&program, &running, &["diff"]);

    assert_eq!(before.code, 3, "{before:?}");
    let added = [pair("crm", "add"), pair("newsletter", "add"), pair("erase_customer", "add")];
    assert_eq!(changes(&before), added);
    assert_eq!(pushed.code, 0, "{pushed:?}");
    assert_eq!((after.code, changes(&after)), (0, Vec::new()), "{after:?}");
    let token = root_token(&running, SECRET).await;
    let connection = call(&running, "GET /api/v1/connection/newsletter", Some(&token), None).await.json();
    assert_eq!(connection["secrets"]["username"], "ana", "{connection}");
    assert!(!connection.to_string().contains("canary"), "{connection}");

    program.file(
        "tutela.yml",
        &PROJECT.replace("access: write", "access: read").replace(", { data_category: user.name }", ""),
    );
    let changed = project(&program, &running, &["diff"]);
    let pushed = project(&program, &running, &["push", "--yes"]);

    assert_eq!(changes(&changed), [pair("newsletter", "update"), pair("erase_customer", "update")]);
    assert_eq!(changed.json()["differences"][0]["parts"], json!(["access"]));
    assert_eq!(pushed.code, 0, "{pushed:?}");

    let masked = PROJECT
        .replace("access: write", "access: read")
        .replace(", { data_category: user.name }", "")
        .replace("null_rewrite, configuration: {}", "string_rewrite, configuration: { rewrite_value: gone }");
    program.file("tutela.yml", &masked);
    let other_strategy = project(&program, &running, &["diff"]);
    let pushed = project(&program, &running, &["push", "--yes"]);
    program.file("tutela.yml", &masked.replace("rewrite_value: gone", "rewrite_value: away"));
    let other_value = project(&program, &running, &["diff"]);
    program.file("tutela.yml", &masked);
    let head = json!([{"key": "erase_customer", "name": "erase_customer", "approval": "automatic"}]);
    call(&running, "PATCH /api/v1/dsr/policy", Some(&token), Some(&head)).await;
    let unapproved = project(&program, &running, &["diff"]);
    let approved = project(&program, &running, &["push", "--yes"]);

    for ran in [&other_strategy, &other_value] {
        assert_eq!(ran.json()["differences"][0]["parts"], json!(["erase_customer_rule"]), "{ran:?}");
    }
    assert_eq!(unapproved.json()["differences"][0]["parts"], json!(["approval of plans"]), "{unapproved:?}");
    assert_eq!((pushed.code, approved.code), (0, 0), "{pushed:?} {approved:?}");

    let pulled = project(&program, &running, &["pull", "--out", "pulled"]);

    assert!(program.read("pulled/tutela.yml").contains("gone"), "the configuration is pulled, too");
    assert_eq!(pulled.code, 0, "{pulled:?}");
    let file = program.read("pulled/tutela.yml");
    assert!(file.contains("${NEWSLETTER_API_KEY}") && !file.contains("canary"), "{file}");
    let again = program.run(&[
        "--format",
        "json",
        "project",
        "diff",
        "--project",
        "pulled/tutela.yml",
        "--server",
        &running.url,
    ]);
    assert_eq!((again.code, changes(&again)), (0, Vec::new()), "{again:?}");
    let twice = project(&program, &running, &["pull", "--out", "pulled"]);
    assert_eq!(twice.code, 2, "{twice:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_pushed_unless_somebody_says_so_and_may() {
    let program = with_files(program());
    let running = Running::start(&program, &[]);

    let unasked = project(&program, &running, &["push"]);
    let stranger = with_files(Program::new().with_environment("TUTELA_TOKEN", "of-nobody"));
    let refused = project(&stranger, &running, &["push", "--yes"]);
    let nobody = project(&with_files(Program::new()), &running, &["diff"]);
    let after = project(&program, &running, &["diff"]);

    assert_eq!(unasked.code, 2, "{unasked:?}");
    assert_eq!(refused.code, 4, "{refused:?}");
    assert_eq!(nobody.code, 2, "{nobody:?}");
    assert_eq!(changes(&after).len(), 3, "nothing was sent");
    for ran in [unasked, refused, nobody] {
        assert!(!ran.stderr.contains("canary") && !ran.stderr.contains("of-nobody"), "{ran:?}");
    }
}
