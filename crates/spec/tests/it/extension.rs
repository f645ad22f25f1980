//! The keys that Tutela adds to the format (architecture §5).

use model::{Effect, Outcome};
use rstest::rstest;
use spec::connector_file::{
    Authentication, LinkSource, Pagination, ParamSource, Per, QueryValue, Required, Verify,
};
use spec::{CheckOptions, Checked, ConnectorFile, Severity, SourceFile, check_connector};

const FILE: &str = "\
saas_config:
  fides_key: shop
  name: Shop
  type: shop
  description: a shop
  version: 1.0.0
  format: 1
  connector_params: [{name: domain}, {name: key, required: false}, {name: region, required_when: domain == 'eu'}]
  client_config:
    protocol: https
    host: <domain>
    authentication: {strategy: bearer, configuration: {token: <key>}}
    retry: {statuses: [418]}
  test_request: {method: POST, path: /ping}
  endpoints:
    - name: people
      verify: people
      rectify: {request: {method: PATCH, path: /people/<id>}, fields: [name]}
      requests:
        read:
          method: POST
          path: /search
          when: domain == 'eu'
          gone: [404, 410]
          retry: {statuses: [420], when: body.error == 'busy'}
          param_values: [{name: email, identity: email}]
          pagination: {strategy: link, configuration: {source: body, path: paging.next, absent_is_end: true}}
        update:
          method: POST
          path: /people/<id>
          repeatable: true
          per: person
          batch: {param: id, max: 50}
          param_values: [{name: id, references: [{dataset: shop, field: people.id}]}]
          track:
            id_path: job.id
            request: {method: POST, path: /jobs/<job_id>}
            status_path: job.state
            states: {DONE: erased, GONE: erased, RUNNING: accepted}
            destinations: {path: job.parts, name_path: name, status_path: state}
            same: {request: {method: GET, path: /jobs}, when: item.id == '1', id_path: id}
            interval: 30m
        delete:
          script: people.star:delete
  data_protection_request: {method: POST, path: /forget}
  consent_requests:
    opt_in: {method: POST, path: /in}
    opt_out: [{method: PUT, path: /out}, {method: GET, path: /out}]
  tests: [{cassette: a.json}]
";

fn check(text: &str) -> Checked<ConnectorFile> {
    let script = SourceFile::new("people.star", "def delete(ctx, rows):\n    return []\n");
    let source = SourceFile::new("shop.yml", text).with_scripts(vec![script]);
    check_connector(&source, &CheckOptions::default())
}

fn file() -> ConnectorFile {
    let checked = check(FILE);
    checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics))
}

#[test]
fn all_keys_of_ours_are_accepted_and_kept() {
    let file = file();

    let read = &file.endpoints[0].read[0];
    assert_eq!(read.place, "endpoints[0].requests.read[0]");
    assert_eq!(read.when.as_ref().unwrap().source(), "domain == 'eu'");
    assert_eq!(read.gone, [404, 410]);
    assert_eq!(read.retry.as_ref().unwrap().statuses, [420]);
    assert!(matches!(
        read.pagination,
        Some(Pagination::Link { source: LinkSource::Body { .. }, absent_is_end: true, .. })
    ));
    let update = file.endpoints[0].update.first().unwrap();
    assert!(update.repeatable);
    assert_eq!(update.per, Per::Person);
    assert_eq!(update.batch.as_ref().map(|batch| batch.max), Some(50));
    assert_eq!(update.retry.as_ref().unwrap().statuses, [418], "taken over from the client");
    assert_eq!(file.endpoints[0].delete[0].script.as_ref().unwrap().to_string(), "people.star:delete");
    assert!(matches!(file.connector_params[0].required, Required::Always));
    assert!(matches!(file.connector_params[1].required, Required::Never));
    assert!(
        matches!(&file.connector_params[2].required, Required::When(condition) if condition.source() == "domain == 'eu'")
    );
    assert_eq!(file.consent_requests.as_ref().unwrap().opt_in.len(), 1);
    assert_eq!(
        file.endpoints[0].rectify.as_ref().unwrap().fields.as_deref(),
        Some(["name".into()].as_slice())
    );
    assert!(
        matches!(file.endpoints[0].verification(update), Some(Verify::Endpoint(name)) if name == "people")
    );
}

#[test]
fn a_tracked_job_keeps_what_its_states_mean() {
    let file = file();

    let track = file.endpoints[0].update[0].track.as_ref().unwrap();

    assert_eq!(track.request.effect, Effect::Read, "a POST that follows a job reads");
    assert_eq!(track.request.place, "endpoints[0].requests.update.track.request");
    assert_eq!(track.outcome("DONE"), Some(Outcome::Erased));
    assert_eq!(track.outcome("RUNNING"), Some(Outcome::Accepted));
    assert_eq!(track.outcome("EXPLODED"), None);
    assert_eq!((track.interval.as_secs(), track.deadline.as_secs()), (1_800, 2_592_000));
    assert_eq!(track.same.as_ref().unwrap().id_path.to_string(), "id");
    assert_eq!(track.destinations.as_ref().unwrap().path.to_string(), "job.parts");
}

#[test]
fn requests_that_prove_or_follow_a_write_are_seen_by_the_checks() {
    let file = file();
    let places: Vec<&str> = file.requests().iter().map(|request| request.place.as_str()).collect();

    for part in ["update.track.request", "update.track.same.request"] {
        assert!(places.contains(&format!("endpoints[0].requests.{part}").as_str()), "{places:?}");
    }
    assert!(places.contains(&"endpoints[0].rectify.request"), "{places:?}");

    let planted = check(&FILE.replacen("path: /jobs/<job_id>", "path: /jobs/<job_id>/<nothing>", 1));
    let found: Vec<_> =
        planted.diagnostics.iter().filter(|found| found.code == "spec::lint_unbound_placeholder").collect();
    assert!(found.iter().any(|found| found.message.contains("<nothing>")), "{found:#?}");
    assert!(!found.iter().any(|found| found.message.contains("job_id")), "{found:#?}");
}

#[test]
fn effect_follows_method_and_place() {
    let file = file();

    assert_eq!(file.endpoints[0].read[0].effect, Effect::Read, "POST under read");
    assert_eq!(file.endpoints[0].update.first().unwrap().effect, Effect::Write, "POST under update");
    assert_eq!(file.test_request[0].effect, Effect::Write, "POST as test request");
    assert_eq!(file.data_protection_request[0].effect, Effect::Write);
    let consent = file.consent_requests.as_ref().unwrap();
    let effects: Vec<Effect> =
        consent.opt_in.iter().chain(&consent.opt_out).map(|request| request.effect).collect();
    assert_eq!(effects, [Effect::Write, Effect::Write, Effect::Read]);
}

#[test]
fn a_method_that_writes_writes_even_under_read_and_effect_overrides() {
    let deleting = check(&FILE.replacen(
        "method: POST\n          path: /search",
        "method: DELETE\n          path: /search",
        1,
    ));
    let overridden = check(&FILE.replacen("path: /forget", "path: /forget, effect: read", 1));

    assert_eq!(deleting.value.unwrap().endpoints[0].read[0].effect, Effect::Write);
    let warned = overridden.diagnostics.iter().any(|found| found.code == "spec::lint_effect_override");
    assert!(warned, "{:#?}", overridden.diagnostics);
    assert_eq!(overridden.value.unwrap().data_protection_request[0].effect, Effect::Read);
}

#[rstest]
#[case::higher_format("unknown_format", "format: 1", "format: 2")]
#[case::bad_condition("bad_condition", "          when: domain == 'eu'", "          when: domain ==")]
#[case::bad_required_when("bad_condition", "required_when: domain == 'eu'", "required_when: '=='")]
#[case::unknown_param_in_a_condition(
    "unknown_condition_name",
    "          when: domain == 'eu'",
    "          when: domian == 'eu'"
)]
#[case::unknown_name_in_retry("unknown_condition_name", "body.error == 'busy'", "answer.error == 'busy'")]
#[case::unknown_name_in_same("unknown_condition_name", "when: item.id == '1'", "when: job.id == '1'")]
#[case::required_twice("required_twice", "required: false", "required: false, required_when: 'true'")]
#[case::write_key_on_a_read("misplaced_key", "gone: [404, 410]", "repeatable: true")]
#[case::unknown_key_in_batch(
    "unknown_key",
    "batch: {param: id, max: 50}",
    "batch: {param: id, max: 50, most: 3}"
)]
#[case::batch_of_an_unknown_param(
    "unknown_param_value",
    "batch: {param: id, max: 50}",
    "batch: {param: ids, max: 50}"
)]
#[case::empty_batch("out_of_range", "batch: {param: id, max: 50}", "batch: {param: id, max: 0}")]
#[case::empty_retry("empty_retry", "retry: {statuses: [418]}", "retry: {statuses: []}")]
#[case::unknown_state("unknown_value", "DONE: erased", "DONE: gone")]
#[case::endless_job("no_states", "{DONE: erased, GONE: erased, RUNNING: accepted}", "{RUNNING: accepted}")]
#[case::no_job_id("no_job_id", "            id_path: job.id\n", "")]
#[case::bad_interval("bad_duration", "interval: 30m", "interval: soon")]
#[case::following_by_a_write(
    "write_in_a_read",
    "{method: POST, path: /jobs/<job_id>}",
    "{method: PUT, path: /jobs/<job_id>}"
)]
#[case::listing_by_a_write("write_in_a_read", "{method: GET, path: /jobs}", "{method: DELETE, path: /jobs}")]
#[case::proof_by_a_write("write_in_a_read", "verify: people", "verify: {method: PATCH, path: /people}")]
#[case::same_without_id("missing_key", ", id_path: id}", "}")]
#[case::unknown_verify("unknown_endpoint", "verify: people", "verify: persons")]
#[case::bad_gone("bad_status", "gone: [404, 410]", "gone: [40]")]
#[case::unknown_effect("unknown_value", "gone: [404, 410]", "effect: writes")]
#[case::two_functions(
    "override_twice",
    "script: people.star:delete",
    "script: a\n          request_override: b"
)]
#[case::no_function_named("bad_script_name", "script: people.star:delete", "script: ../people.star:delete")]
#[case::script_elsewhere("no_script", "script: people.star:delete", "script: persons.star:delete")]
#[case::function_elsewhere("no_script_function", "script: people.star:delete", "script: people.star:remove")]
#[case::two_descriptions(
    "keys_next_to_script",
    "script: people.star:delete",
    "script: people.star:delete\n          path: /people"
)]
#[case::script_as_status(
    "misplaced_script",
    "request: {method: POST, path: /jobs/<job_id>}",
    "request: {script: people.star:delete}"
)]
#[case::governance_is_a_mapping("wrong_type", "  tests: [{cassette: a.json}]", "  governance: [a]")]
fn mistakes_in_our_own_keys_are_errors(#[case] code: &str, #[case] right: &str, #[case] wrong: &str) {
    assert_eq!(FILE.matches(right).count(), 1, "{right}");

    let checked = check(&FILE.replacen(right, wrong, 1));

    let codes: Vec<&str> = checked
        .diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .map(|found| found.code)
        .collect();
    assert_eq!(codes, [format!("spec::{code}")]);
}

/// The spellings of the older dialect give the same file as today's.
#[test]
fn both_dialects_give_the_same_checked_file() {
    let today = FILE.replacen(
        "path: /search",
        "path: /search\n          query_params: [{name: q, value: <key>}, {name: n, value: 5}]",
        1,
    );
    let older = today
        .replacen("host: <domain>", "host: {connector_param: domain}", 1)
        .replacen("strategy: bearer,", "strategy: bearer_authentication,", 1)
        .replacen("token: <key>", "token: {connector_param: key}", 1)
        .replacen("{name: q, value: <key>}", "{name: q, connector_param: key}", 1)
        .replacen("{name: n, value: 5}", "{name: n, default_value: 5}", 1);
    let (today, older) = (check(&today).value.unwrap(), check(&older).value.unwrap());

    assert_eq!(format!("{today:?}"), format!("{older:?}"));
    assert!(matches!(today.client_config.authentication, Some(Authentication::Bearer { .. })));
    assert!(matches!(today.endpoints[0].read[0].query_params[1].value, QueryValue::Integer(5)));
    assert!(
        matches!(&today.endpoints[0].read[0].param_values[0].source, ParamSource::Identity(kind) if kind == "email")
    );
}

#[rstest]
#[case("basic_authentication", "{username: a, password: b}")]
#[case("basic", "{username: {connector_param: key}}")]
#[case("api_key", "{query_params: [{name: key, value: 5}]}")]
#[case("query_param", "{name: key, value: <key>}")]
#[case("oauth2_client_credentials", "{token_request: {method: POST, path: /token}, expires_in: '3600'}")]
#[case(
    "oauth2_authorization_code",
    "{authorization_request: {method: GET, path: /go}, token_request: {method: POST, path: /token}, refresh_request: {method: POST, path: /token}}"
)]
#[case("google_cloud_service_account", "{}")]
fn every_strategy_is_read(#[case] strategy: &str, #[case] configuration: &str) {
    let text = FILE.replacen(
        "{strategy: bearer, configuration: {token: <key>}}",
        &format!("{{strategy: {strategy}, configuration: {configuration}}}"),
        1,
    );

    let checked = check(&text);

    let file = checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
    match file.client_config.authentication.unwrap() {
        Authentication::Unknown { strategy } => panic!("{strategy} is unknown"),
        Authentication::OAuth2ClientCredentials(oauth2) => {
            assert_eq!(oauth2.expires_in, Some(3_600));
            assert_eq!(oauth2.token_request.effect, Effect::Read, "a POST for a token reads");
        }
        Authentication::OAuth2AuthorizationCode { authorization_request, .. } => {
            assert_eq!(
                authorization_request.place,
                "client_config.authentication.configuration.authorization_request"
            );
        }
        _ => {}
    }
}

// rule: saas-config 6.3
#[test]
fn an_unknown_authentication_strategy_is_a_warning() {
    let checked = check(&FILE.replacen("strategy: bearer,", "strategy: doordash,", 1));

    assert!(checked.diagnostics.iter().any(|found| found.code == "spec::unknown_authentication"));
    assert!(checked.value.is_some());
}

// rule: saas-config 6.23
#[test]
fn the_authorization_code_flow_needs_its_first_request() {
    let text = FILE.replacen(
        "{strategy: bearer, configuration: {token: <key>}}",
        "{strategy: oauth2_authorization_code, configuration: {token_request: {method: POST, path: /token}}}",
        1,
    );

    let checked = check(&text);

    let found: Vec<_> =
        checked.diagnostics.iter().filter(|found| found.severity == Severity::Error).collect();
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].message.contains("authorization_request"));
}

const VARIANTS: &str = "saas_config:
  fides_key: acme
  name: Acme
  type: acme
  description: Variants
  version: 1.0.0
  connector_params: [{name: domain}]
  client_config: {protocol: https, host: acme.test}
  endpoints: []
  test_request:
    - {method: GET, path: /old, when: 'domain == \"old.acme.test\"'}
    - {method: GET, path: /new}
";

#[test]
fn a_test_request_may_have_variants_and_only_the_last_may_lack_when() {
    let check = |text: &str| check_connector(&SourceFile::new("acme.yml", text), &CheckOptions::default());

    let clean = check(VARIANTS);
    let planted = check(&VARIANTS.replace(", when: 'domain == \"old.acme.test\"'", ""));

    assert_eq!(clean.value.unwrap().test_request.len(), 2);
    let codes: Vec<_> = planted.diagnostics.iter().map(|found| (found.code, found.line)).collect();
    assert!(codes.contains(&("spec::variant_without_when", 11)), "{codes:?}");
}
