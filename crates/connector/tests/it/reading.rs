use connector::{PageRows, ReadError};
use model::{Completeness, IncompleteReason};
use rstest::rstest;
use serde_json::{Value, json};
use testkit::{Answer, Delivery};

use crate::acme::{Acme, Setup, ana, file, flat, person, read_all, things};

const PEOPLE: &str = "path: /people\nquery_params: [{name: email, value: <email>}]\n\
    param_values: [{name: email, identity: email}]\ndata_path: people";

// rule: saas-config 19.1
// rule: saas-config 14.1
#[tokio::test]
async fn rows_of_a_person_come_from_their_place_in_the_answer() {
    let acme = Acme::start(&things(PEOPLE)).await;
    acme.saas.on("GET", "/people").then(Answer::json(200, &json!({"people": [{"id": 7}], "total": 1})));

    let outcome = acme.read("things", &[]).await;

    assert_eq!(outcome.json(), json!([{"id": 7}]));
    assert_eq!(outcome.reason(), "complete");
    assert_eq!((outcome.stats.requests, outcome.stats.retries), (1, 0));
    assert_eq!(acme.targets(), ["/people?email=ana%40example.com"]);
}

// rule: saas-config 14.2
// rule: saas-config 13.12
#[rstest]
#[case::ignored_404("ignore_errors: [404]", 404, "complete")]
#[case::ignored_410("ignore_errors: true", 410, "complete")]
#[case::gone("gone: [422]", 422, "complete")]
#[case::ignored_403("ignore_errors: [403]", 403, "ignored_error")]
#[case::ignored_503("ignore_errors: [503]", 503, "ignored_error")]
#[tokio::test]
async fn ignored_failure_has_no_rows_and_ends_the_pages(
    #[case] key: &str,
    #[case] status: u16,
    #[case] expected: &str,
) {
    let paging = "pagination: {strategy: link, configuration: {source: body, path: next}}";
    let acme = Acme::start(&things(&format!("{PEOPLE}\n{key}\n{paging}"))).await;
    acme.saas
        .on("GET", "/people")
        .then(Answer::json(200, &json!({"people": [{"id": 1}], "next": "/people?page=2"})))
        .then(Answer::json(status, &json!({"people": [{"id": 2}], "next": "/people?page=3"})));

    let outcome = acme.read("things", &[]).await;

    assert_eq!(outcome.json(), json!([{"id": 1}]), "the page before stays");
    assert_eq!(outcome.reason(), expected);
    assert_eq!(acme.targets().len(), 2, "an ignored status is not tried again");
}

#[tokio::test]
async fn ignored_error_of_one_unit_leaves_the_rows_of_the_others() {
    let keys = "path: /people/<id>\nignore_errors: [403]\nparam_values: [{name: id, \
        references: [{dataset: acme, field: others.id, direction: from}]}]";
    let acme = Acme::start(&things(keys)).await;
    acme.saas.on("GET", "/people/*").with(|call| match call.path.as_str() {
        "/people/2" => Answer::status(403),
        path => Answer::json(200, &json!({"path": path})),
    });

    let outcome = acme.read("things", &[("id", json!([1, 2, 3]))]).await;

    assert_eq!(outcome.json(), json!([{"path": "/people/1"}, {"path": "/people/3"}]));
    assert_eq!(outcome.reason(), "ignored_error");
    assert!(outcome.errors.is_empty());
}

// rule: saas-config 14.3
#[tokio::test]
async fn no_content_is_complete_and_empty() {
    let acme = Acme::start(&things(PEOPLE)).await;
    acme.saas.on("GET", "/people").then(Answer::status(204));

    let outcome = acme.read("things", &[]).await;

    assert_eq!((outcome.json(), outcome.reason()), (json!([]), "complete".to_owned()));
}

// rule: saas-config 14.4
#[rstest]
#[case::html(Answer::html(200, "<html>canary</html>"), "malformed")]
#[case::empty(Answer::status(200), "malformed")]
#[case::missing_key(Answer::json(200, &json!({"error": "canary"})), "malformed")]
#[case::half_of_the_json(Answer::json(200, &json!(null)).body("{\"people\": [{\"id\": 1}, {"), "truncated")]
#[case::cut_on_the_wire(Answer::json(200, &json!({"people": [{"id": 1}]})).delivered(Delivery::CutAt(9)), "truncated")]
#[tokio::test]
async fn useless_answer_is_tried_again_and_never_taken_for_an_empty_list(
    #[case] answer: Answer,
    #[case] expected: &str,
) {
    let good = Answer::json(200, &json!({"people": [{"id": 7}]}));
    let recovers = Acme::start(&things(PEOPLE)).await;
    recovers.saas.on("GET", "/people").then(answer.clone()).then(answer.clone()).then(good);
    let stays = Acme::start(&things(PEOPLE)).await;
    stays.saas.on("GET", "/people").then(answer);

    let recovered = recovers.read("things", &[]).await;
    let stayed = stays.read("things", &[]).await;

    assert_eq!((recovered.json(), recovered.reason()), (json!([{"id": 7}]), "complete".to_owned()));
    assert_eq!((recovered.stats.requests, recovered.stats.retries), (3, 2));
    assert_eq!((stayed.json(), stayed.reason()), (json!([]), expected.to_owned()));
    assert_eq!(stayed.stats.requests, 4);
    let message = stayed.errors[0].to_string();
    assert!(!message.contains("canary"), "{message}");
}

#[tokio::test]
async fn error_on_a_later_page_keeps_the_pages_before_and_is_told_once() {
    let keys =
        format!("{PEOPLE}\npagination: {{strategy: link, configuration: {{source: body, path: next}}}}");
    let acme = Acme::start(&things(&keys)).await;
    acme.saas
        .on("GET", "/people")
        .then(Answer::json(200, &json!({"people": [{"id": 1}], "next": "/people?page=2"})))
        .then(Answer::status(403));

    let outcome = acme.read("things", &[]).await;

    assert_eq!(outcome.json(), json!([{"id": 1}]));
    assert_eq!(outcome.reason(), "http_4xx");
    assert_eq!(outcome.errors.len(), 1);
}

#[tokio::test]
async fn page_larger_than_the_door_lets_in_is_not_taken_for_a_short_one() {
    let setup = Setup { max_response_bytes: 2_000, ..Setup::default() };
    let acme = Acme::start_with(&things(PEOPLE), setup).await;
    let rows: Vec<Value> = (0..500).map(|id| json!({"id": id})).collect();
    acme.saas.on("GET", "/people").then(Answer::json(200, &json!({"people": rows})));

    let outcome = acme.read("things", &[]).await;

    assert_eq!((outcome.json(), outcome.reason()), (json!([]), "truncated".to_owned()));
}

// rule: saas-config 14.7
#[tokio::test]
async fn what_is_no_row_is_an_error_without_the_value() {
    let acme = Acme::start(&things(PEOPLE)).await;
    acme.saas.on("GET", "/people").then(Answer::json(200, &json!({"people": ["canary"]})));

    let outcome = acme.read("things", &[]).await;

    assert_eq!(outcome.reason(), "malformed");
    assert_eq!(acme.targets().len(), 1, "the file misreads the answer, asking again does not help");
    assert!(!outcome.errors[0].to_string().contains("canary"));
}

// rule: saas-config 14.6
// rule: saas-config 15.9
#[tokio::test]
async fn postprocessors_run_on_the_rows_and_messages_come_from_the_raw_answer() {
    let keys = format!(
        "{PEOPLE}\npostprocessors:\n  - {{strategy: filter, configuration: {{field: email, value: {{identity: email}}, \
         case_sensitive: false}}}}\n  - {{strategy: extract_for_execution_log, configuration: {{path: note}}}}"
    );
    let acme = Acme::start(&things(&keys)).await;
    let people = json!([{"email": "ANA@example.com"}, {"email": "ben@example.com"}, {"name": "no address"}]);
    acme.saas.on("GET", "/people").then(Answer::json(200, &json!({"people": people, "note": " two found "})));

    let outcome = acme.read("things", &[]).await;

    assert_eq!(outcome.json(), json!([{"email": "ANA@example.com"}]));
    assert_eq!(outcome.messages, ["two found"]);
}

// rule: saas-config 19.2
// rule: saas-config 19.6
// rule: saas-config 19.12
#[tokio::test]
async fn requests_run_in_order_and_their_rows_are_joined() {
    let endpoints = "    - name: things
      requests:
        read:
          - {method: GET, path: '/mail/<e>', param_values: [{name: e, identity: email}]}
          - {method: GET, path: '/phone/<p>', param_values: [{name: p, identity: phone_number}]}
          - {method: GET, path: '/other'}
";
    let acme = Acme::start(&file(endpoints)).await;
    acme.saas.on("GET", "/**").with(|call| Answer::json(200, &json!([{"from": call.path}])));
    let both = person(&[("email", "ana"), ("phone_number", "1")]);

    let outcome = read_all(&acme.connector.read("things", &both, flat(&[])).unwrap()).await;

    assert_eq!(outcome.json(), json!([{"from": "/mail/ana"}, {"from": "/phone/1"}]));
}

// rule: saas-config 19.3
#[tokio::test]
async fn collection_that_is_only_deleted_has_one_empty_row_without_a_call() {
    let endpoints = "    - name: things\n      requests:\n        delete: {method: DELETE, path: '/<e>', param_values: \
        [{name: e, identity: email}]}\n";
    let acme = Acme::start(&file(endpoints)).await;

    let outcome = acme.read("things", &[]).await;
    let unknown = acme.connector.read("nothing", &ana(), flat(&[])).unwrap_err();

    assert_eq!((outcome.json(), outcome.reason()), (json!([{}]), "complete".to_owned()));
    assert_eq!(outcome.stats.requests, 0);
    assert!(matches!(unknown, ReadError::UnknownEndpoint { .. }), "{unknown}");
}

// rule: saas-config 19.4
#[tokio::test]
async fn missing_reference_means_no_rows_and_no_call() {
    let keys = "path: /u/<id>\nparam_values: [{name: id, references: [{dataset: acme, field: others.id, direction: from}]}]";
    let acme = Acme::start(&things(keys)).await;

    let outcome = acme.read("things", &[]).await;

    assert_eq!((outcome.json(), outcome.reason()), (json!([]), "complete".to_owned()));
    assert!(acme.targets().is_empty());
}

// rule: saas-config 19.7
// rule: saas-config 11.9
#[tokio::test]
async fn wrong_value_is_found_before_the_first_call_and_skipped_where_the_file_says_so() {
    let keys = "path: /u/<id>\nparam_values: [{name: id, references: [{dataset: acme, field: others.id, direction: from}]}]";
    let dots = Acme::start(&things(keys)).await;
    let unknown = "path: /u/<id>/<who>\nparam_values: [{name: id, references: [{dataset: acme, field: others.id, \
        direction: from}]}, {name: who, identity: phone_number}]";
    let strict = Acme::start(&things(unknown)).await;
    let skips = Acme::start(&things(&format!("{unknown}\nskip_missing_param_values: true"))).await;
    let ids = flat(&[("id", json!([1, 2]))]);

    let refused = dots.connector.read("things", &ana(), flat(&[("id", json!([1, ".."]))])).unwrap_err();
    let missing = strict.connector.read("things", &ana(), ids.clone()).unwrap_err();
    let skipped = skips.connector.read("things", &ana(), ids).unwrap();

    assert!(refused.to_string().contains("`<id>`"), "{refused}");
    assert!(missing.to_string().contains("`who`"), "{missing}");
    assert_eq!(skipped.units(), 0);
    assert!(dots.targets().is_empty() && strict.targets().is_empty());
}

// rule: saas-config 19.8
// rule: saas-config 19.10
// rule: saas-config 19.11
#[tokio::test]
async fn output_makes_the_rows_and_none_of_an_empty_page() {
    let keys = "path: /sites/<site>\nparam_values: [{name: site, references: [{dataset: acme, field: others.id, \
        direction: from}]}]\noutput: '{<all_object_fields>, \"site\": \"<site>\", \"from\": \"<privacy_request.location>\"}'";
    let acme = Acme::start(&things(keys)).await;
    acme.saas.on("GET", "/sites/s1").then(Answer::json(200, &json!([{"id": 1}, {"id": 2}])));
    acme.saas.on("GET", "/sites/s2").then(Answer::json(200, &json!([])));

    let outcome = acme.read("things", &[("site", json!(["s1", "s2"]))]).await;

    let made = |id: u8| json!({"id": id, "site": "s1", "from": "FR"});
    assert_eq!(outcome.json(), json!([made(1), made(2)]));
    assert_eq!(outcome.reason(), "complete");
}

// rule: saas-config 19.9
#[tokio::test]
async fn output_without_path_is_one_row_for_each_combination_and_no_call() {
    let endpoints = "    - name: things\n      requests:\n        read:\n          param_values: [{name: email, \
        identity: email}]\n          output: '{\"email\": \"<email>\"}'\n";
    let acme = Acme::start(&file(endpoints)).await;
    let mut both = person(&[("email", "ana@example.com")]);
    both.identities.insert("email", "a\"na@example.com".into()).unwrap();

    let outcome = read_all(&acme.connector.read("things", &both, flat(&[])).unwrap()).await;

    assert_eq!(outcome.json(), json!([{"email": "ana@example.com"}, {"email": "a\"na@example.com"}]));
    assert!(acme.targets().is_empty());
}

#[tokio::test]
async fn units_read_at_the_same_time_and_in_any_order_give_the_same_rows() {
    let keys = "path: /u/<id>\ndata_path: data\npagination: {strategy: link, configuration: {source: body, path: next}}\n\
        param_values: [{name: id, references: [{dataset: acme, field: others.id, direction: from}]}]";
    let acme = Acme::start(&things(keys)).await;
    acme.saas.on("GET", "/u/*").with(|call| {
        let next = call.query.is_empty().then(|| format!("{}?page=2", call.path));
        Answer::json(200, &json!({"data": [{"from": call.target()}], "next": next}))
    });
    let ids: Vec<u64> = (0..40).collect();
    let reading = acme.connector.read("things", &ana(), flat(&[("id", json!(ids))])).unwrap();

    let in_order = read_all(&reading).await;
    let unit = async |unit: usize| {
        let (mut reader, mut rows) = (reading.open(unit), Vec::new());
        while let Some(page) = reader.next_page().await.unwrap() {
            rows.extend(page.rows);
        }
        rows
    };
    let mut at_once = futures::future::join_all((0..reading.units()).rev().map(unit)).await;
    at_once.reverse();

    assert_eq!(in_order.rows.len(), 80);
    assert_eq!(json!(at_once.concat()), in_order.json());
    assert!(reading.open(40).next_page().await.unwrap().is_none(), "a unit that does not exist has no pages");
}

#[tokio::test]
async fn rows_that_are_only_passed_on_are_the_same_rows() {
    let keys =
        format!("{PEOPLE}\npagination: {{strategy: link, configuration: {{source: body, path: next}}}}");
    let acme = Acme::start(&things(&keys)).await;
    acme.saas.on("GET", "/people").with(|call| match call.query.as_str() {
        "page=3" => Answer::json(200, &json!({"people": {"id": 3, "not": "a list"}})),
        "page=2" => {
            let rows = json!([{"id": 2, "é": ["\n", 1.5, null]}, {}]);
            Answer::json(200, &json!({"people": rows, "next": "/people?page=3"}))
        }
        _ => Answer::json(200, &json!({"people": [{"id": 1}], "next": "/people?page=2"})),
    });
    let reading = acme.connector.read("things", &ana(), flat(&[])).unwrap();

    let values = read_all(&reading).await;
    let (mut reader, mut rows, mut pages_of_text) = (reading.open(0), Vec::new(), 0);
    while let Some(page) = reader.next_rows().await.unwrap() {
        match page {
            PageRows::Values(page) => rows.extend(page),
            PageRows::Lines(page) => {
                pages_of_text += 1;
                rows.extend(page.rows().unwrap());
            }
        }
    }

    assert_eq!(json!(rows), values.json());
    assert_eq!((rows.len(), pages_of_text), (4, 2));
    assert_eq!(reader.completeness(), values.completeness);
    assert_eq!(reader.stats().requests, values.stats.requests);
}

#[tokio::test]
async fn page_that_was_given_up_is_read_again() {
    let keys =
        format!("{PEOPLE}\npagination: {{strategy: link, configuration: {{source: body, path: next}}}}");
    let acme = Acme::start(&things(&keys)).await;
    acme.saas.on("GET", "/people").with(|call| match call.query.as_str() {
        "page=2" => Answer::json(200, &json!({"people": [{"id": 2}]})),
        _ => Answer::json(200, &json!({"people": [{"id": 1}], "next": "/people?page=2"})),
    });
    let reading = acme.connector.read("things", &ana(), flat(&[])).unwrap();
    let mut reader = reading.open(0);

    reader.next_page().await.unwrap().unwrap();
    // Dropped at its first wait.
    assert!(futures::FutureExt::now_or_never(reader.next_page()).is_none());
    let half_way = reader.completeness();
    let page = reader.next_page().await.unwrap().unwrap();

    assert_eq!(json!(page.rows), json!([{"id": 2}]));
    assert!(matches!(half_way, Completeness::Incomplete { reason: IncompleteReason::Cancelled, .. }));
    assert!(reader.next_page().await.unwrap().is_none());
    assert!(reader.completeness().is_complete());
}

#[tokio::test]
async fn call_that_is_given_up_while_it_is_tried_again_has_cost_what_was_sent() {
    let acme = Acme::start(&things(PEOPLE)).await;
    let never = Answer::json(200, &json!({"people": []})).after(std::time::Duration::from_mins(10));
    acme.saas.on("GET", "/people").then(Answer::status(500)).then(never);
    let reading = acme.connector.read("things", &ana(), flat(&[])).unwrap();
    let mut reader = reading.open(0);

    tokio::select! {
        page = reader.next_page() => panic!("{page:?}"),
        () = async { while acme.saas.calls().len() < 2 { tokio::task::yield_now().await } } => {}
    }

    assert_eq!(reader.stats().requests, 1, "the answered one; of the other nobody knows yet");
}

#[tokio::test]
async fn personal_data_stay_out_of_debug_and_errors() {
    let acme = Acme::start(&things(PEOPLE)).await;
    acme.saas.on("GET", "/people").then(Answer::json(200, &json!({"people": [{"id": "canary-row"}]})));
    let canary = person(&[("email", "canary@example.com")]);
    let reading = acme.connector.read("things", &canary, flat(&[("x", json!(["canary-input"]))])).unwrap();
    let mut reader = reading.open(0);

    let page = reader.next_page().await.unwrap().unwrap();

    let shown = format!("{reading:?} {reader:?} {page:?} {:?}", acme.connector);
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn failing_call_names_the_reason() {
    let acme = Acme::start(&things(PEOPLE)).await;
    acme.saas.on("GET", "/people").then(Answer::status(500));

    let outcome = acme.read("things", &[]).await;

    assert_eq!(outcome.reason(), "http_5xx");
    assert_eq!(outcome.errors[0].reason(), IncompleteReason::Http5xx);
    assert_eq!((outcome.stats.requests, outcome.stats.retries), (4, 3));
    assert!(!acme.clock.sleeps().is_empty(), "it waits between attempts");
}

/// A search by body, which holds the time and an id of its own as well.
const SEARCH: &str = "path: /search
body: '{\"email\": \"<email>\", \"at\": \"<iso_8601_datetime>\", \"id\": \"<uuid>\", \"page\": 1}'
param_values: [{name: email, identity: email}]
pagination: {strategy: link, configuration: {source: body, path: next}}
data_path: rows";

#[tokio::test]
async fn a_unit_is_told_by_its_whole_request_without_time_and_chance() {
    let post = things(SEARCH)
        .replace("method: GET\n          path: /search", "method: POST\n          path: /search");
    let acme = Acme::start(&post).await;
    acme.saas
        .on("POST", "/search")
        .then(Answer::json(200, &json!({"rows": [{"id": 1}], "next": "/search?page=2"})))
        .then(Answer::json(200, &json!({"rows": [{"id": 2}]})));
    let reading = |email| acme.connector.read("things", &person(&[("email", email)]), flat(&[])).unwrap();
    let ana = reading("ana@example.com");
    let mut first = ana.open(0);
    first.next_page().await.unwrap().unwrap();
    let point = first.resume_point().unwrap();
    acme.clock.advance(std::time::Duration::from_secs(5));

    let later = reading("ana@example.com");
    let other = reading("bo@example.com");

    assert_eq!(later.unit_hash(0), ana.unit_hash(0));
    assert_ne!(other.unit_hash(0), ana.unit_hash(0));
    assert_eq!(ana.unit_hash(1), None, "there is no such unit");
    assert!(later.open_at(0, &point, []).is_some());
    assert!(other.open_at(0, &point, []).is_none(), "the body asks for somebody else");
    let shown = format!("{point:?}");
    assert!(!shown.contains("ana@"), "{shown}");
}

#[tokio::test]
async fn a_definition_is_told_by_requests_and_secrets() {
    let of = async |keys: &str, token: &str| {
        let setup = Setup { secrets: vec![("token", json!(token))], ..Setup::default() };
        Acme::start_with(&things(keys), setup).await.connector.definition_hash("things")
    };
    let first = of(PEOPLE, "T1").await;

    assert_eq!(of(PEOPLE, "T1").await, first);
    assert_ne!(of(PEOPLE, "T2").await, first);
    assert_ne!(of(&PEOPLE.replace("data_path: people", "data_path: users"), "T1").await, first);
}
