mod limits;

use std::collections::BTreeSet;
use std::time::Duration;

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::Severity;
use crate::project_file::{Access, BatonConnector};
use crate::schema::server_schema;
use crate::server_file::{Rate, SmtpSecurity, TlsFiles};

const FULL: &str = "\
listen: 0.0.0.0:9000
data: /var/lib/tutela
tls: {certificate: cert.pem, key: key.pem}
security:
  auth_rate_limit: 5/minute
  request_rate_limit: 100/second
  token_life: 12h
  session_life: 2h
  session_idle: 5m
  public_rate_limit: 3/minute
  dual_control: true
  identity_verification_attempt_limit: 5
  identity_verification_code_ttl: 1h
  subject_request_download_ui_enabled: true
  subject_request_download_link_ttl: 1h
  dsr_testing_tools_enabled: true
  cors_origins: ['https://console.example.com', 'http://localhost:5173']
oidc:
  issuer: https://id.example.com
  client_id: tutela
  label: Example
  scopes: [openid]
  username_claim: sub
  groups_claim: teams
  roles: {privacy-team: approver}
  default_role: viewer
  link_accounts: true
execution:
  masking_strict: false
  require_manual_request_approval: true
  subject_identity_verification_required: true
  erasure_request_finalization_required: true
  email_send_cron_expression: 0 6 * * *
  email_send_timezone: Europe/Berlin
  allow_custom_privacy_request_field_collection: true
  slots: 4
  attempts: 9
  task_soft_time_limit: 2h
privacy_request_duplicate_detection:
  enabled: true
  time_window_days: 7
  match_identity_fields: [email, phone_number]
smtp:
  host: mail.example.com
  port: 2525
  security: tls
  username: tutela
  from: Privacy team <privacy@example.com>
  certificate_authority: ca.pem
messages:
  staff: [ben@example.com]
  webhooks:
    - {name: crm, url: 'https://crm.example.com/hook', secret_from: [NEW_SECRET, OLD_SECRET], events: [finished]}
notifications:
  send_request_receipt_notification: true
  send_request_review_notification: true
  send_request_completion_notification: true
admin_ui: {max_privacy_request_download_rows: 7}
server: {public_url: 'https://tutela.example.com/', max_body_bytes: 1000, shutdown_wait: 5s, drain_wait: 2s}
telemetry: {metrics_listen: '127.0.0.1:9100'}
egress:
  allow: [127.0.0.1/32]
  routes: {'api.example.com:8443': 'http://127.0.0.1:8787'}
  proxy: http://proxy.example.com:3128
  connect_timeout_ms: 1
  read_timeout_ms: 2
  total_timeout_ms: 3
  max_response_bytes: 4
reading: {attempts: 1, retry_wait_ms: 2, page_cap: 3, time_cap_s: 4, in_flight: 5, in_flight_per_connection: 6}
limits: {max_writes: 9, max_subjects: 2, max_share_of_table: 0.5, min_rows: 3}
sqlite: {folders: [/srv/databases]}
deadlines: {jurisdiction: ccpa, time_zone: Europe/Berlin, holidays: ['2026-12-25'], remind_before: 3d}
portal: {enabled: true, title: Your data, policies: [default_access_policy]}
retention: {rows: 2d, identities: 14d, inventory: 90d}
governance: {shrink_guard: false}
self_hosted:
  host: connectors.example.com:8443
  token_life: 5s
  poll: 1s
  heartbeat: 1s
  lease: 4s
  task_time: 10s
  attempts: 3
  overlap: 0s
  max_upload_bytes: 4096
  max_unpacked_bytes: 8192
baton:
  github:
    program: /opt/baton/baton-github
    sha256: 0123456789abcdefABCDEF0123456789abcdef0123456789abcdef0123456789
    user: baton
    settings: {orgs: [shop, office]}
    secrets: {token: '${GITHUB_TOKEN}'}
    access: write
    delete: [user]
  okta: {file: /srv/okta.c1z}
";

fn file(text: &str) -> SourceFile {
    SourceFile::new("server.yml", text)
}

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn origin_of<'a>(settings: &'a ServerSettings, key: &str) -> &'a Origin {
    &settings.settings.iter().find(|setting| setting.key == key).unwrap().origin
}

#[test]
fn every_key_of_a_server_file_is_read() {
    let checked = server_settings(&ServerInputs { file: Some(file(FULL)), ..ServerInputs::default() });

    assert!(checked.diagnostics.is_empty(), "{:#?}", checked.diagnostics);
    let settings = checked.value.unwrap();
    let defaults: Vec<&Setting> =
        settings.settings.iter().filter(|setting| setting.origin == Origin::Default).collect();
    assert_eq!(defaults, Vec::<&Setting>::new(), "keys that the file above does not have");
    let server = settings.server;
    assert_eq!(server.listen.to_string(), "0.0.0.0:9000");
    assert_eq!(server.tls, Some(TlsFiles { certificate: "cert.pem".to_owned(), key: "key.pem".to_owned() }));
    assert_eq!(server.security.auth_rate_limit, Rate { calls: 5, per: Duration::from_mins(1) });
    assert_eq!(server.security.token_life, Duration::from_hours(12));
    assert_eq!(server.security.cors_origins.len(), 2);
    assert!(server.security.dual_control && server.security.dsr_testing_tools_enabled);
    let codes =
        (server.security.identity_verification_attempt_limit, server.security.identity_verification_code_ttl);
    assert_eq!(codes, (5, Duration::from_hours(1)));
    assert!(server.duplicates.enabled && server.execution.erasure_request_finalization_required);
    assert_eq!(server.vendor_mail.time_zone, "Europe/Berlin");
    assert_eq!((server.duplicates.days, server.duplicates.fields.len()), (7, 2));
    assert_eq!(server.public_url.as_deref(), Some("https://tutela.example.com"));
    assert_eq!(server.oidc.unwrap().roles, [("privacy-team".to_owned(), "approver".to_owned())]);
    assert!(!server.execution.masking_strict && server.execution.require_manual_request_approval);
    assert_eq!((server.max_body_bytes, server.shutdown_wait), (1000, Duration::from_secs(5)));
    assert_eq!(server.drain_wait, Duration::from_secs(2));
    assert_eq!(server.metrics_listen, Some("127.0.0.1:9100".parse().unwrap()));
    assert_eq!(
        server.egress.routes,
        [("api.example.com:8443".to_owned(), "http://127.0.0.1:8787".to_owned())]
    );
    assert_eq!(server.reading.in_flight, Some(5));
    let (work, retention) = (server.execution, server.retention);
    assert_eq!((work.slots, work.attempts, work.task_soft_time_limit), (4, 9, Duration::from_hours(2)));
    assert_eq!((retention.rows, retention.identities), (Duration::from_hours(48), Duration::from_hours(336)));
    assert_eq!(retention.inventory, Duration::from_hours(90 * 24));
    let connectors = server.self_hosted;
    assert_eq!(
        connectors.host.as_deref(),
        Some("connectors.example.com:8443"),
        "not that of the public address"
    );
    assert_eq!((connectors.token_life, connectors.overlap), (Duration::from_secs(5), Duration::ZERO));
    assert_eq!((connectors.attempts, connectors.max_upload_bytes), (3, 4096));
    assert!(!server.governance.shrink_guard);
    let [github, okta] = &server.baton[..] else { panic!("{:?}", server.baton) };
    assert_eq!((github.key.as_str(), github.access), ("github", Access::Write));
    assert_eq!(github.secrets, [("token".to_owned(), "GITHUB_TOKEN".to_owned())]);
    let BatonConnector::Program { settings, delete, .. } = &github.connector else { panic!("{github:?}") };
    assert_eq!(settings, &[("orgs".to_owned(), "shop,office".to_owned())]);
    assert_eq!(delete, &["user".to_owned()]);
    assert_eq!(okta.connector, BatonConnector::File { file: "/srv/okta.c1z".to_owned() });
    assert_eq!(server.sqlite_folders, ["/srv/databases"]);
    let smtp = server.smtp.unwrap();
    assert_eq!(
        (smtp.host.as_str(), smtp.port, smtp.security),
        ("mail.example.com", Some(2525), SmtpSecurity::Tls)
    );
    let webhook = &server.messages.webhooks[0];
    assert_eq!((webhook.url.as_str(), webhook.secret_from.len()), ("https://crm.example.com/hook", 2));
    assert!(server.notifications.receipt && server.notifications.review && server.notifications.completion);
}

#[test]
fn nothing_said_gives_the_defaults_and_an_empty_file_says_nothing() {
    let silent = server_settings(&ServerInputs::default());
    let empty =
        server_settings(&ServerInputs { file: Some(file("# nothing yet\n")), ..ServerInputs::default() });

    assert!(silent.diagnostics.is_empty() && empty.diagnostics.is_empty(), "{:#?}", empty.diagnostics);
    let (silent, empty) = (silent.value.unwrap(), empty.value.unwrap());
    assert_eq!(silent.server, ServerSettings::default().server);
    assert_eq!(silent.settings, empty.settings);
    assert_eq!(silent.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(silent.server.security.token_life, Duration::from_hours(8 * 24));
    let without: BTreeSet<&str> = silent
        .settings
        .iter()
        .filter(|setting| setting.value.is_null())
        .map(|setting| setting.key.as_str())
        .collect();
    assert_eq!(
        without,
        BTreeSet::from([
            "egress.proxy",
            "oidc.client_id",
            "oidc.default_role",
            "oidc.issuer",
            "self_hosted.host",
            "server.public_url",
            "smtp.certificate_authority",
            "smtp.from",
            "smtp.host",
            "smtp.port",
            "smtp.username",
            "telemetry.metrics_listen",
            "tls.certificate",
            "tls.key",
        ])
    );
}

#[test]
fn the_reference_names_every_default() {
    let schema = server_schema();

    for setting in ServerSettings::default().settings.iter().filter(|setting| !setting.value.is_null()) {
        let mut place = &schema;
        for part in setting.key.split('.') {
            let property = place.pointer(&format!("/properties/{part}")).unwrap();
            let target = property.pointer("/anyOf/0/$ref").and_then(Value::as_str);
            place = target.map_or(property, |target| schema.pointer(target.trim_start_matches('#')).unwrap());
        }
        let shown = match &setting.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let says = place["description"].as_str().unwrap().replace('\n', " ");
        assert!(says.contains(&format!("`{shown}` if absent")), "{}: {says}", setting.key);
    }
}

#[test]
fn flag_beats_environment_beats_file_beats_api_beats_default() {
    let mut inputs = ServerInputs {
        flags: vec![FlagValue { flag: "--listen", key: "listen", value: "127.0.0.1:1".to_owned() }],
        environment: environment(&[
            ("TUTELA_LISTEN", "127.0.0.1:2"),
            ("TUTELA_EXECUTION_MASKING_STRICT", "false"),
        ]),
        file: Some(file(
            "listen: 127.0.0.1:3\nexecution:\n  masking_strict: true\n  require_manual_request_approval: false\n",
        )),
    };
    let over_api = json!({
        "execution": {"masking_strict": true, "require_manual_request_approval": true,
                      "subject_identity_verification_required": true},
    });

    let all = server_settings(&inputs).value.unwrap().with_api(&over_api);
    inputs.flags.clear();
    let without_flag = server_settings(&inputs).value.unwrap();
    inputs.environment.clear();
    let without_environment = server_settings(&inputs).value.unwrap();
    inputs.file = None;
    let without_file = server_settings(&inputs).value.unwrap().with_api(&over_api);

    let ports =
        [&all, &without_flag, &without_environment, &without_file].map(|all| all.server.listen.port());
    assert_eq!(ports, [1, 2, 3, 8080]);
    assert_eq!(*origin_of(&all, "listen"), Origin::Flag("--listen"));
    assert_eq!(origin_of(&without_flag, "listen").to_string(), "TUTELA_LISTEN");
    assert_eq!(origin_of(&without_environment, "listen").to_string(), "server.yml:1");
    assert_eq!(origin_of(&all, "execution.require_manual_request_approval").to_string(), "server.yml:4");
    assert_eq!(*origin_of(&all, "execution.subject_identity_verification_required"), Origin::Api);
    assert!(!all.server.execution.masking_strict && !all.server.execution.require_manual_request_approval);
    assert!(all.server.execution.subject_identity_verification_required);
    assert!(without_file.server.execution.require_manual_request_approval);
}

#[test]
fn only_what_may_be_set_over_the_api_and_fits_is_taken_from_there() {
    let settings = ServerSettings::default().with_api(&json!({
        "egress": {"allow": ["0.0.0.0/0"]},
        "listen": "0.0.0.0:80",
        "execution": {"masking_strict": "perhaps"},
        "security": {"cors_origins": ["https://console.example.com"], "token_life": "900d"},
    }));

    let mut expected = ServerSettings::default().server;
    expected.security.cors_origins = vec!["https://console.example.com".to_owned()];
    assert_eq!(settings.server, expected);
}

#[test]
fn lists_and_maps_of_the_environment_are_json_and_empty_ones_say_nothing() {
    let settings = server_settings(&ServerInputs {
        environment: environment(&[
            ("TUTELA_EGRESS_ALLOW", r#"["127.0.0.1/32", "::1"]"#),
            ("TUTELA_EGRESS_ROUTES", r#"{"a.example": "http://127.0.0.1:1"}"#),
            ("TUTELA_READING_ATTEMPTS", " 7 "),
            ("TUTELA_DATA", "/var/lib/tutela"),
            ("TUTELA_LISTEN", "  "),
        ]),
        ..ServerInputs::default()
    });

    let server = settings.value.unwrap().server;
    assert_eq!(server.egress.allow, ["127.0.0.1/32", "::1"]);
    assert_eq!(server.egress.routes, [("a.example".to_owned(), "http://127.0.0.1:1".to_owned())]);
    assert_eq!(server.reading.attempts, Some(7));
    assert_eq!(server.data, "/var/lib/tutela");
    assert_eq!(server.listen.port(), 8080);
}

#[rstest]
#[case::unknown("lisen: 127.0.0.1:80", "spec::unknown_key", Some("did you mean `listen`?"))]
#[case::unknown_below(
    "security: {cors_origin: []}",
    "spec::unknown_key",
    Some("did you mean `cors_origins`?")
)]
#[case::secret("client: {secret: canary}", "spec::unknown_key", None)]
#[case::listen("listen: 8080", "spec::wrong_type", None)]
#[case::listen_without_port("listen: 127.0.0.1", "spec::bad_listen", None)]
#[case::data("data: ''", "spec::empty_place", None)]
#[case::rate("security: {auth_rate_limit: 10}", "spec::wrong_type", None)]
#[case::rate_word("security: {auth_rate_limit: 10/month}", "spec::bad_call_rate", None)]
#[case::life("security: {token_life: 5}", "spec::wrong_type", None)]
#[case::no_life("security: {token_life: 0s}", "spec::bad_duration", None)]
#[case::no_session("security: {session_idle: 0s}", "spec::bad_duration", None)]
#[case::public_url("server: {public_url: 'https://a.example/path'}", "spec::bad_origin", None)]
#[case::half_of_oidc("oidc: {issuer: 'https://id.example.com'}", "spec::half_of_oidc", None)]
#[case::no_way_back(
    "oidc: {issuer: 'https://id.example.com', client_id: a}",
    "spec::half_of_oidc",
    Some("add `server.public_url`, or take `oidc.issuer` away to sign in with passwords only")
)]
#[case::issuer(
    "server: {public_url: 'https://a.example'}\noidc: {issuer: here, client_id: a}",
    "spec::bad_issuer",
    None
)]
#[case::half_of_smtp("smtp: {host: mail.example.com}", "spec::half_of_smtp", None)]
#[case::mail_security("smtp: {security: ssl}", "spec::bad_choice", None)]
#[case::open_mail(
    "smtp: {host: mail.example.com, from: a@example.com, security: none}",
    "spec::open_mail",
    None
)]
#[case::mail_host("smtp: {host: 'mail.example.com/x', from: a@example.com}", "spec::bad_host", None)]
#[case::connectors_host("self_hosted: {host: 'https://a.example'}", "spec::bad_host", None)]
#[case::slow_heart("self_hosted: {heartbeat: 6m, lease: 7m}", "spec::bad_duration", None)]
#[case::short_lease("self_hosted: {heartbeat: 30s, lease: 30s}", "spec::bad_duration", None)]
#[case::rare_poll("self_hosted: {poll: 10m}", "spec::bad_duration", None)]
#[case::dead_token("self_hosted: {token_life: 0s}", "spec::bad_duration", None)]
#[case::sender("smtp: {from: nobody}", "spec::bad_mailbox", None)]
#[case::staff("messages: {staff: ['a b@example.com']}", "spec::bad_mailbox", None)]
#[case::webhook_url(
    "messages: {webhooks: [{name: a, url: 'http://crm.example.com', secret_from: [S]}]}",
    "spec::bad_webhook_url",
    None
)]
#[case::webhook_secret(
    "messages: {webhooks: [{name: a, url: 'https://crm.example.com', secret_from: [whsec_canary]}]}",
    "spec::bad_variable",
    None
)]
#[case::webhook_event(
    "messages: {webhooks: [{name: a, url: 'https://crm.example.com', secret_from: [S], events: [all]}]}",
    "spec::bad_choice",
    None
)]
#[case::webhook_without_name("messages: {webhooks: [{url: 'https://a.example'}]}", "spec::missing_key", None)]
#[case::every_origin("security: {cors_origins: ['*']}", "spec::bad_origin", None)]
#[case::origin_with_path("security: {cors_origins: ['https://a.example/']}", "spec::bad_origin", None)]
#[case::half_of_tls("tls: {certificate: a.pem}", "spec::half_of_tls", None)]
#[case::network("egress: {allow: [here]}", "spec::bad_network", None)]
#[case::too_small("server: {max_body_bytes: 0}", "spec::out_of_range", None)]
#[case::word("execution: {masking_strict: perhaps}", "spec::wrong_type", None)]
#[case::list("- listen", "spec::wrong_type", None)]
#[case::secret_of_a_program(
    "baton: {a: {program: /a, sha256: aBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaB, user: b, secrets: {token: canary}}}",
    "spec::secret_in_file",
    Some("put it into one, and write `${NAME}` and nothing else")
)]
#[case::reserved_setting(
    "baton: {a: {program: /a, sha256: aBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaB, user: b, settings: {skip-grants: true}}}",
    "spec::bad_baton",
    Some("remove it; `sync-resource-types` names the kinds that are read")
)]
#[case::reserved_secret(
    "baton: {a: {program: /a, sha256: aBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaB, user: b, secrets: {client-secret: '${A}'}}}",
    "spec::bad_baton",
    Some("remove it")
)]
#[case::access_of_a_file("baton: {a: {file: /a.c1z, access: write}}", "spec::bad_baton", None)]
#[case::removal_by_reading(
    "baton: {a: {program: /a, sha256: aBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaBaB, user: b, delete: [user]}}",
    "spec::bad_baton",
    None
)]
#[case::key_of_a_connection("baton: {'a b': {file: /a.c1z}}", "spec::bad_key", None)]
#[case::unknown_key_of_a_program("baton: {a: {file: /a.c1z, sha265: aa}}", "spec::unknown_key", None)]
#[case::no_yaml("listen: [", "spec::yaml_syntax", None)]
fn what_does_not_fit_in_the_file_is_refused_at_its_place(
    #[case] text: &str,
    #[case] code: &str,
    #[case] help: Option<&str>,
) {
    let checked = check_server(&file(text));

    assert!(checked.value.is_none());
    let found = checked.diagnostics.iter().find(|found| found.code == code);
    let found = found.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
    assert!(found.file.starts_with("server.yml"), "{found:?}");
    assert_eq!(found.severity, Severity::Error);
    assert!(help.is_none_or(|help| found.help.as_deref() == Some(help)), "{found:?}");
}

#[rstest]
#[case("TUTELA_EGRESS_ALLOW", "127.0.0.1/32", "spec::not_json")]
#[case("TUTELA_EGRESS_ALLOW", r#"{"a": "b"}"#, "spec::not_json")]
#[case("TUTELA_EGRESS_ALLOW", r#"["nowhere"]"#, "spec::bad_network")]
#[case("TUTELA_EGRESS_ROUTES", r#"["a"]"#, "spec::not_json")]
#[case("TUTELA_EGRESS_ROUTES", r#"{"a.example": 1}"#, "spec::wrong_type")]
#[case("TUTELA_READING_ATTEMPTS", "many", "spec::wrong_type")]
#[case("TUTELA_LISTEN", "here", "spec::bad_listen")]
fn a_broken_variable_is_named(#[case] variable: &str, #[case] text: &str, #[case] code: &str) {
    let inputs = ServerInputs { environment: environment(&[(variable, text)]), ..ServerInputs::default() };

    let checked = server_settings(&inputs);

    assert!(checked.value.is_none());
    let found: Vec<_> = checked.diagnostics.iter().map(|found| (found.code, found.file.as_str())).collect();
    assert_eq!(found, [(code, variable)], "{:#?}", checked.diagnostics);
}

#[test]
fn a_misspelled_variable_is_a_warning_and_a_stranger_is_none() {
    let inputs = ServerInputs {
        environment: environment(&[
            ("TUTELA_LISTN", "127.0.0.1:1"),
            ("TUTELA_CLIENT_SECRT", "canary"),
            ("TUTELA_SERVICE_HOST", "10.0.0.1"),
            ("TUTELA_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("TUTELA_KEY_FILE", "/run/key"),
            ("PATH", "/bin"),
        ]),
        ..ServerInputs::default()
    };

    let checked = server_settings(&inputs);

    assert!(checked.value.is_some());
    let helps: Vec<_> = checked.diagnostics.iter().map(|found| found.help.as_deref().unwrap()).collect();
    assert_eq!(helps, ["did you mean `TUTELA_LISTEN`?", "did you mean `TUTELA_CLIENT_SECRET`?"]);
    assert!(!format!("{:?}", checked.diagnostics).contains("canary"));
}
