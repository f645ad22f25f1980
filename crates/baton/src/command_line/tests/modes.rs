use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;

fn secret() -> String {
    let key = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    format!("secret-token:example.com:v1:{}", URL_SAFE_NO_PAD.encode(key))
}

fn service(arguments: &[&str]) -> Line {
    Line::with_token(arguments)
        .variable("BATON_CLIENT_ID", "otter@tenant.example.test:8443/spc")
        .variable("BATON_CLIENT_SECRET", &secret())
        .variable("BATON_HOST_ID", "pod-1")
}

/// The mode in a word, and what it is about.
fn shown(mode: &Mode) -> String {
    match mode {
        Mode::Service(service) => format!("service {}", service.host),
        Mode::Sync => "sync".to_owned(),
        Mode::Grant { entitlement, principal } => {
            format!("grant {entitlement} to {}/{}", principal.resource_type, principal.id)
        }
        Mode::Revoke { grant } => format!("revoke {grant}"),
        Mode::EventFeed { feed, start_at, cursor } => format!("events {feed:?} {start_at} {cursor:?}"),
        Mode::CreateAccount(account) => {
            format!(
                "account {} {:?}",
                serde_json::to_string(&account.profile).unwrap(),
                account.resource_type
            )
        }
        Mode::Delete(what) => format!("delete {}/{}", what.resource_type, what.id),
        Mode::Rotate(what) => format!("rotate {}/{}", what.resource_type, what.id),
        Mode::Diff { base, applied } => format!("diff {base} {applied}"),
        Mode::Compact { output, parts } => format!("compact {} {parts:?}", output.display()),
    }
}

const GRANT: [&str; 6] =
    ["--grant-entitlement", "group:g:member", "--grant-principal", "u1", "--grant-principal-type", "user"];

// rule: baton C-6
#[rstest]
#[case(&[], "sync")]
#[case(&GRANT, "grant group:g:member to user/u1")]
#[case(&["--revoke-grant", "group:g:member:user:u1"], "revoke group:g:member:user:u1")]
#[case(&["--event-feed", "true"], "events None 2026-11-25T12:00:00Z None")]
#[case(
    &["--event-feed=1", "--event-feed-id", "f", "--event-feed-start-at", "2026-11-01T00:00:00Z", "--event-feed-cursor", "c"],
    r#"events Some("f") 2026-11-01T00:00:00Z Some("c")"#
)]
#[case(&["--create-account-login", "ana"], r#"account {"login":"ana"} None"#)]
#[case(&["--create-account-email", "ana@example.com", "--create-account-resource-type", "invite"], r#"account {"email":"ana@example.com"} Some("invite")"#)]
#[case(
    &["--create-account-profile", r#"{"login":"own","n":1}"#, "--create-account-login", "x", "--create-account-email", "e"],
    r#"account {"login":"own","n":1,"email":"e"} None"#
)]
#[case(&["--delete-resource", "u1", "--delete-resource-type", "user"], "delete user/u1")]
#[case(&["--rotate-credentials", "u1", "--rotate-credentials-type", "user"], "rotate user/u1")]
#[case(&["--diff-syncs", "--base-sync-id", "b", "--applied-sync-id", "a"], "diff b a")]
#[case(
    &["--compact-syncs", "--compact-output-path", "o", "--compact-file-paths", "x,y", "--compact-sync-ids", "1", "--compact-sync-ids", "2"],
    r#"compact o [SyncPart { file: "x", sync_id: "1" }, SyncPart { file: "y", sync_id: "2" }]"#
)]
// -p may be given and is not needed (C-8).
#[case(&["-p", "--revoke-grant", "g"], "revoke g")]
fn one_job_is_chosen(#[case] arguments: &[&str], #[case] expected: &str) {
    assert_eq!(shown(&Line::with_token(arguments).settings().mode), expected);
}

// rule: baton C-6
#[rstest]
#[case(&["--delete-resource", "u1", "--delete-resource-type", "user", "--diff-syncs", "--base-sync-id=b", "--applied-sync-id=a"], None)]
#[case(&["--delete-resource=u1", "--diff-syncs", "--base-sync-id=b", "--applied-sync-id=a", "--delete-resource-type="], Some("delete-resource-type"))]
#[case(&["--create-account-login=l", "--create-account-resource-type=user", "--delete-resource-type=user"], None)]
fn earlier_job_wins_over_a_later_one(#[case] arguments: &[&str], #[case] needs: Option<&str>) {
    let line = Line::with_token(arguments);

    match (needs, line.read()) {
        (Some(needs), Err(error)) => assert!(error.to_string().contains(needs), "{error}"),
        (None, Ok(Invocation::Run(settings))) => assert!(shown(&settings.mode).starts_with("account")),
        (None, Err(error)) => assert!(error.to_string().contains("exclude each other"), "{error}"),
        (_, other) => panic!("{other:?}"),
    }
}

// rule: baton C-9
// rule: baton C-11
#[rstest]
#[case(&["--grant-entitlement", "e", "--grant-principal", "u"], "unknown provisioning action: field `grant-entitlement` needs `grant-principal-type`")]
#[case(&["--delete-resource", "u"], "unknown provisioning action: field `delete-resource` needs `delete-resource-type`")]
#[case(&["--rotate-credentials", "u"], "needs `rotate-credentials-type`")]
#[case(&["--create-account-profile", "{\"n\": 1}"], "unknown provisioning action: field `create-account-profile` needs `create-account-login`, `create-account-email`")]
#[case(&["--create-account-profile", "[1]"], "must be a JSON object")]
#[case(&["--event-feed", "perhaps"], "field `event-feed` (from --event-feed): must be true or false")]
#[case(&["--event-feed", "true", "--event-feed-start-at", "yesterday"], "must be an instant")]
#[case(
    &["--compact-syncs", "--compact-output-path", "o", "--compact-file-paths", "x,y", "--compact-sync-ids", "1"],
    "must have one entry for each of the 2 entries of `compact-file-paths`"
)]
fn job_that_lacks_something_is_named(#[case] arguments: &[&str], #[case] says: &str) {
    let error = Line::with_token(arguments).error();

    assert!(error.contains(says), "{error}");
}

// rule: baton C-6
#[rstest]
#[case(&["--create-ticket", "--ticket-template-path", "t.json"], "`--create-ticket` is not supported by connector files: they have no tickets")]
#[case(&["--bulk-create-ticket", "--bulk-ticket-template-path", "t.json"], "`--bulk-create-ticket`")]
#[case(&["--get-ticket", "--ticket-id", "1"], "`--get-ticket`")]
#[case(&["--list-ticket-schemas"], "`--list-ticket-schemas`")]
#[case(&["--invoke-action", "a"], "`--invoke-action` is not supported by connector files: they have no actions")]
#[case(&["--list-action-schemas"], "`--list-action-schemas`")]
#[case(&["--invoke-resource-action", "a"], "`--invoke-resource-action`")]
#[case(&["--list-resource-actions", "user"], "`--list-resource-actions`")]
fn tickets_and_actions_are_refused_and_never_taken_for_a_sync(
    #[case] arguments: &[&str],
    #[case] says: &str,
) {
    let error = Line::with_token(arguments).read().unwrap_err();

    assert!(error.to_string().contains(says), "{error}");
    assert_eq!(error.exit().number(), 12);
}

// rule: baton C-6
// rule: baton C-7
#[test]
fn client_id_selects_service_mode_whatever_else_is_asked() {
    let settings = service(&GRANT).settings();

    let Mode::Service(service) = &settings.mode else { panic!("{:?}", settings.mode) };
    assert_eq!(service.host.to_string(), "tenant.example.test:8443");
    assert_eq!((service.host_id.as_str(), service.task_concurrency), ("pod-1", 3));
    assert_eq!((service.provisioning, service.ticketing), (Permission::Refused, Permission::Refused));
    assert_eq!((service.get_tasks, service.keep_previous_sync), (Permission::Refused, Permission::Refused));
}

// rule: baton P-3
// rule: baton P-13
// rule: baton C-18
// rule: governance CON-5
#[test]
fn service_mode_takes_its_own_settings() {
    let line = service(&[
        "-p",
        "--task-concurrency",
        "100",
        "--health-check",
        "--ticketing",
        "--health-check-port=90",
    ])
    .variable("BATON_C1_API_HOST", "proxy.example.test")
    .variable("BATON_GET_TASKS", "true")
    .variable("BATON_KEEP_PREVIOUS_SYNC_C1Z", "true");

    let settings = line.settings();

    let Mode::Service(service) = &settings.mode else { panic!("{:?}", settings.mode) };
    assert_eq!(service.host.to_string(), "proxy.example.test");
    assert_eq!(service.credential.client_id.host().name(), "tenant.example.test");
    assert_eq!((service.provisioning, service.ticketing), (Permission::Allowed, Permission::Allowed));
    assert_eq!((service.task_concurrency, service.get_tasks), (100, Permission::Allowed));
    assert_eq!(settings.health.unwrap().address, "127.0.0.1:90".parse().unwrap());
}

// rule: baton C-18
#[test]
fn health_is_told_in_service_mode_only() {
    assert!(Line::with_token(&["--health-check"]).settings().health.is_none());
    assert!(service(&["--health-check=false"]).settings().health.is_none());
}

// rule: baton P-1
// rule: baton P-2
#[rstest]
#[case("BATON_CLIENT_ID", "otter", "field `client-id` (from BATON_CLIENT_ID): the client id has no `@`")]
#[case(
    "BATON_CLIENT_SECRET",
    "a:b",
    "field `client-secret` (from BATON_CLIENT_SECRET): the client secret has 2 parts"
)]
#[case("BATON_C1_API_HOST", "https://a", "from BATON_C1_API_HOST): this is not a host")]
#[case("BATON_GET_TASKS", "perhaps", "from BATON_GET_TASKS): must be true or false")]
#[case("BATON_TASK_CONCURRENCY", "101", "from BATON_TASK_CONCURRENCY): must be a whole number from 1 to 100")]
#[case(
    "BATON_PROVISIONING",
    "yes please",
    "field `provisioning` (from BATON_PROVISIONING): must be true or false"
)]
fn broken_service_setting_is_named(#[case] variable: &str, #[case] value: &str, #[case] says: &str) {
    let error = service(&[]).variable(variable, value).error();

    assert!(error.contains(says), "{error}");
}
