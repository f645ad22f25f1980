//! Lists that are about no person: what counts as an answer, and what never counts as an empty list.

use connector::{Bound, BoundKind, CallStats, ListAnswers, Listing, PageMark, ReadError};
use model::{Completeness, IncompleteReason};
use rstest::rstest;
use serde_json::{Value, json};
use spec::connector_file::Request;
use testkit::{Answer, Delivery};

use crate::acme::{Acme, Setup, ana, flat, things};

const USERS: &str = "path: /users\ndata_path: data.users";
const PAGED: &str = "path: /users\nquery_params: [{name: count, value: 2}]\ndata_path: data.users\n\
    pagination: {strategy: cursor, configuration: {cursor_param: cursor, field: data.pagination.next}}";

fn request(acme: &Acme) -> Request {
    acme.connector.connection().file.endpoints[0].read[0].clone()
}

fn list(acme: &Acme, bound: &Bound, answers: ListAnswers) -> Result<Listing, ReadError> {
    acme.connector.list((&request(acme), "governance.user"), bound, answers)
}

fn unavailable(statuses: &[u16]) -> ListAnswers {
    ListAnswers { unavailable: statuses.to_vec(), ..ListAnswers::default() }
}

/// What came of reading a list.
struct Outcome {
    items: Vec<Value>,
    completeness: Completeness,
    stats: CallStats,
    errors: Vec<ReadError>,
}

impl Outcome {
    /// The reason, as the report spells it; `complete` if there is none.
    fn reason(&self) -> String {
        match &self.completeness {
            Completeness::Complete => "complete".to_owned(),
            Completeness::Incomplete { reason, .. } => json!(reason).as_str().unwrap().to_owned(),
        }
    }
}

async fn read(listing: &Listing) -> Outcome {
    let mut reader = listing.open();
    let (mut items, mut errors) = (Vec::new(), Vec::new());
    loop {
        match reader.next_page().await {
            Ok(Some(page)) => items.extend(page.items),
            Ok(None) => break,
            Err(error) => errors.push(error),
        }
    }
    Outcome { items, completeness: reader.completeness(), stats: reader.stats(), errors }
}

/// The same list with nothing bound, and no meaning for failing statuses.
async fn read_users(acme: &Acme) -> Outcome {
    read(&list(acme, &Bound::new(), ListAnswers::default()).unwrap()).await
}

/// Three pages of the users u0 to u5.
fn pages(acme: &Acme) {
    acme.saas.on("GET", "/users").with(|call| page(&call.query));
}

fn page(query: &str) -> Answer {
    let number: usize = query.split("cursor=p").nth(1).map_or(0, |number| number.parse().unwrap());
    let next = if number < 2 { json!(format!("p{}", number + 1)) } else { Value::Null };
    let users = [json!({"id": format!("u{}", number * 2)}), json!({"id": format!("u{}", number * 2 + 1)})];
    Answer::json(200, &json!({"data": {"users": users, "pagination": {"current": "c", "next": next}}}))
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[rstest]
#[case::objects(USERS, json!({"data": {"users": [{"id": 1, "p": [{"a": null}]}, {}]}}), json!([{"id": 1, "p": [{"a": null}]}, {}]))]
#[case::texts(USERS, json!({"data": {"users": ["ana@example.com", "jo@example.com"]}}), json!(["ana@example.com", "jo@example.com"]))]
#[case::anything(USERS, json!({"data": {"users": [1, null, [true], {"a": 1.50}]}}), json!([1, null, [true], {"a": 1.50}]))]
#[case::empty(USERS, json!({"data": {"users": []}}), json!([]))]
#[case::one_object(USERS, json!({"data": {"users": {"id": "w"}}}), json!([{"id": "w"}]))]
#[case::the_whole_answer("path: /users", json!([{"id": 1}]), json!([{"id": 1}]))]
#[case::one_object_as_a_whole("path: /users", json!({"id": 1}), json!([{"id": 1}]))]
#[case::postprocessed(
    "path: /users\ndata_path: data\npostprocessors: [{strategy: unwrap, configuration: {data_path: user}}, \
     {strategy: filter, configuration: {field: kind, value: human}}]",
    json!({"data": [{"user": {"id": 1, "kind": "human"}}, {"user": {"id": 2, "kind": "robot"}}]}),
    json!([{"id": 1, "kind": "human"}])
)]
#[tokio::test]
async fn items_are_what_was_sent(#[case] keys: &str, #[case] body: Value, #[case] expected: Value) {
    let acme = Acme::start(&things(keys)).await;
    acme.saas.on("GET", "/users").then(Answer::json(200, &body));

    let outcome = read_users(&acme).await;

    assert_eq!(json!(outcome.items), expected);
    assert_eq!((outcome.reason(), outcome.stats.requests), ("complete".to_owned(), 1));
}

#[rstest]
#[case::objects(USERS, "{\"data\":{\"users\":[ {\"id\": 1.50, \"n\": \"\\u00e9\"}, {} ]}}")]
#[case::texts(USERS, "{\"data\":{\"users\":[\"ana@example.com\", null]}}")]
#[case::empty(USERS, "{\"data\":{\"users\":[]}}")]
#[case::one_object(USERS, "{\"data\":{\"users\":{\"id\":\"w\"}}}")]
#[case::a_key_twice(USERS, "{\"data\":{\"users\":[{\"id\":1,\"id\":2}]}}")]
#[case::paged(PAGED, "{\"data\":{\"users\":[{\"id\":1}],\"pagination\":{\"next\":null}}}")]
#[case::no_list(USERS, "{\"data\":{\"users\":null}}")]
#[case::no_key(USERS, "{\"data\":{}}")]
#[tokio::test]
async fn items_that_stay_text_are_the_same_items(#[case] keys: &str, #[case] body: &str) {
    let acme = Acme::start(&things(keys)).await;
    acme.saas.on("GET", "/users").then(Answer::json(200, &json!(null)).body(body.to_owned()));
    let listing = list(&acme, &Bound::new(), ListAnswers::default()).unwrap();

    let values = read(&listing).await;
    let (mut reader, mut items) = (listing.open(), Vec::new());
    while let Ok(Some((page, _))) = reader.next_text().await {
        let count = page.len();
        let page = page.into_values();
        assert_eq!(page.len(), count);
        items.extend(page);
    }

    let text = |items: &[Value]| json!(items).to_string();
    assert_eq!(text(&items), text(&values.items));
    assert_eq!(reader.completeness(), values.completeness);
    assert_eq!(reader.stats().requests, values.stats.requests);
}

#[tokio::test]
async fn all_pages_are_read_in_order() {
    let acme = Acme::start(&things(PAGED)).await;
    pages(&acme);

    let outcome = read_users(&acme).await;

    assert_eq!(ids(&outcome.items), ["u0", "u1", "u2", "u3", "u4", "u5"]);
    assert_eq!((outcome.reason(), outcome.stats.requests), ("complete".to_owned(), 3));
    assert_eq!(acme.targets(), ["/users?count=2", "/users?count=2&cursor=p1", "/users?count=2&cursor=p2"]);
}

/// Answers that are no list, though their status is good.
fn without_a_list() -> Vec<Answer> {
    let json = |body: Value| Answer::json(200, &body);
    vec![
        json(json!({})),
        json(json!({"error": "canary"})),
        json(json!({"data": {"user": []}})),
        json(json!({"data": {"users": null}})),
        json(json!({"data": null})),
        json(json!({"data": {"users": "canary"}})),
        json(json!({"data": {"users": 0}})),
        json(json!({"data": {"users": false}})),
        json(json!([])),
        json(json!(null)),
        Answer::status(204),
        Answer::html(200, "<html>canary</html>"),
        json(json!({"data": {"users": [{"id": 1}]}})).delivered(Delivery::CutAt(9)),
    ]
}

/// How many answers without a list a way of reading takes for a list that is complete.
async fn taken_for_complete<F>(read: F) -> usize
where
    F: AsyncFn(&Acme) -> bool,
{
    let mut taken = 0;
    for answer in without_a_list() {
        let acme = Acme::start(&things(USERS)).await;
        acme.saas.on("GET", "/users").then(answer);
        taken += usize::from(read(&acme).await);
    }
    taken
}

// rule: saas-config 14.4
#[tokio::test]
async fn an_answer_without_the_expected_list_is_tried_again_and_never_an_empty_list() {
    for answer in without_a_list() {
        let recovers = Acme::start(&things(USERS)).await;
        let good = Answer::json(200, &json!({"data": {"users": [{"id": 7}]}}));
        recovers.saas.on("GET", "/users").then(answer.clone()).then(answer.clone()).then(good);
        let stays = Acme::start(&things(USERS)).await;
        stays.saas.on("GET", "/users").then(answer.clone());

        let recovered = read_users(&recovers).await;
        let stayed = read_users(&stays).await;

        assert_eq!((json!(recovered.items), recovered.reason()), (json!([{"id": 7}]), "complete".to_owned()));
        assert_eq!((recovered.stats.requests, recovered.stats.retries), (3, 2));
        assert!(stayed.items.is_empty());
        assert!(["malformed", "truncated"].contains(&stayed.reason().as_str()), "{answer:?}");
        assert_eq!((stayed.stats.requests, stayed.errors.len()), (4, 1));
        let message = stayed.errors[0].to_string();
        assert!(!message.contains("canary"), "{message}");
    }

    let complete = async |acme: &Acme| read_users(acme).await.completeness.is_complete();
    assert_eq!(taken_for_complete(complete).await, 0);
}

/// The planted defect: collections of a person's data take null and 204 for an empty list.
#[tokio::test]
async fn the_check_notices_a_reader_that_takes_null_for_an_empty_list() {
    let lenient = async |acme: &Acme| {
        let reading = acme.connector.read_request((&request(acme), "user"), &ana(), flat(&[])).unwrap();
        let mut reader = reading.open(0);
        while let Ok(Some(_)) = reader.next_page().await {}
        reader.completeness().is_complete()
    };

    assert!(taken_for_complete(lenient).await > 0);
}

#[tokio::test]
async fn a_key_that_is_missing_on_a_later_page_leaves_the_list_incomplete() {
    let acme = Acme::start(&things(PAGED)).await;
    acme.saas.on("GET", "/users").with(|call| match page(&call.query) {
        answer if !call.query.contains("p2") => answer,
        _ => Answer::json(200, &json!({"data": {"pagination": {"current": "c"}}})),
    });

    let outcome = read_users(&acme).await;

    assert_eq!((ids(&outcome.items).len(), outcome.reason()), (4, "malformed".to_owned()));
    assert_eq!(outcome.stats.requests, 6);
}

#[rstest]
#[case::first_page(0)]
#[case::third_page(2)]
#[tokio::test]
async fn an_unavailable_list_says_so_at_once_on_any_page(
    #[case] at: usize,
    #[values("", "\ngone: [403]", "\nignore_errors: [403]", "\nretry: {statuses: [403]}")] keys: &str,
) {
    let acme = Acme::start(&things(&format!("{PAGED}{keys}"))).await;
    let cursor = format!("p{at}");
    acme.saas.on("GET", "/users").with(move |call| {
        let is_it = if at == 0 { !call.query.contains("cursor") } else { call.query.contains(&cursor) };
        if is_it { Answer::status(403) } else { page(&call.query) }
    });

    let outcome = read(&list(&acme, &Bound::new(), unavailable(&[401, 403])).unwrap()).await;

    assert!(
        matches!(outcome.errors[..], [ReadError::Unavailable { status: 403, .. }]),
        "{:?}",
        outcome.errors
    );
    assert_eq!((outcome.reason(), outcome.items.len()), ("http_4xx".to_owned(), at * 2));
    assert_eq!((outcome.stats.requests, outcome.stats.retries), (at as u64 + 1, 0));
}

#[rstest]
#[case(401)]
#[case(403)]
#[tokio::test]
async fn a_refusal_that_is_not_unavailable_says_what_is_needed(#[case] status: u16) {
    let acme = Acme::start(&things(USERS)).await;
    acme.saas.on("GET", "/users").then(Answer::status(status));
    let requires = Some("an API token with Workspace Owner access".to_owned());

    let answers = ListAnswers { unavailable: vec![404], requires };
    let told = read(&list(&acme, &Bound::new(), answers).unwrap()).await;
    let untold = read_users(&acme).await;

    let message = told.errors[0].to_string();
    assert!(message.contains("Workspace Owner") && message.contains("governance.user"), "{message}");
    assert_eq!(told.errors[0].reason(), IncompleteReason::Http4xx);
    assert!(untold.errors[0].to_string().contains("credentials"), "{}", untold.errors[0]);
    assert_eq!(acme.targets().len(), 2, "neither is tried again");
}

#[tokio::test]
async fn other_faults_are_tried_again_and_an_unavailable_status_is_not_one_of_them() {
    let acme = Acme::start(&things(USERS)).await;
    let good = Answer::json(200, &json!({"data": {"users": [{"id": "u"}]}}));
    acme.saas.on("GET", "/users").then(Answer::status(503)).then(Answer::status(429)).then(good);

    let outcome = read(&list(&acme, &Bound::new(), unavailable(&[401, 403, 404])).unwrap()).await;

    assert_eq!((ids(&outcome.items), outcome.reason()), (vec!["u"], "complete".to_owned()));
    assert_eq!((outcome.stats.requests, outcome.stats.retries), (3, 2));
}

// rule: saas-config 14.2
#[rstest]
#[case::gone("gone: [404]", 404, "complete")]
#[case::no_content_that_the_file_names("gone: [204]", 204, "complete")]
#[case::ignored("ignore_errors: [403]", 403, "ignored_error")]
#[tokio::test]
async fn a_status_that_the_file_names_ends_the_list_without_items(
    #[case] keys: &str,
    #[case] status: u16,
    #[case] expected: &str,
) {
    let acme = Acme::start(&things(&format!("{USERS}\n{keys}"))).await;
    acme.saas.on("GET", "/users").then(Answer::status(status));

    let outcome = read_users(&acme).await;

    assert!(outcome.errors.is_empty());
    assert_eq!((outcome.items.len(), outcome.reason()), (0, expected.to_owned()));
}

const MEMBERS: &str = "path: /groups/<resource.id>/users\nquery_params: [{name: of, value: <parent.id>}]\n\
    headers: [{name: x-site, value: <domain>}]\ndata_path: data.users";

fn of_group(id: &str) -> Bound {
    Bound::new().with("resource.id", id, BoundKind::Plain).with("parent.id", "w&1", BoundKind::Plain)
}

// rule: architecture 13.18
#[rstest]
#[case("gr_1", "/groups/gr_1/users?of=w%261")]
#[case("a/b", "/groups/a%2Fb/users?of=w%261")]
#[case("a?b#c", "/groups/a%3Fb%23c/users?of=w%261")]
#[case("100%", "/groups/100%25/users?of=w%261")]
#[case("\"it's\"", "/groups/%22it%27s%22/users?of=w%261")]
#[case("<resource.id>", "/groups/%3Cresource.id%3E/users?of=w%261")]
#[case("ä ö", "/groups/%C3%A4%20%C3%B6/users?of=w%261")]
#[tokio::test]
async fn an_id_stays_one_segment(#[case] id: &str, #[case] target: &str) {
    let acme = Acme::start(&things(MEMBERS)).await;
    acme.saas.on("GET", "/groups/*/users").then(Answer::json(200, &json!({"data": {"users": []}})));

    let outcome = read(&list(&acme, &of_group(id), ListAnswers::default()).unwrap()).await;

    assert_eq!(outcome.reason(), "complete");
    assert_eq!(acme.targets(), [target]);
    assert_eq!(
        acme.saas.calls()[0].header("x-site"),
        Some("api.acme.test"),
        "a setting needs no param value"
    );
}

// rule: architecture 13.18
#[rstest]
#[case("")]
#[case(".")]
#[case("..")]
#[case("%2e%2E")]
#[case("%252e.")]
#[case("a\nb")]
#[tokio::test]
async fn an_id_that_leads_elsewhere_is_refused_before_sending(#[case] id: &str) {
    let acme = Acme::start(&things(MEMBERS)).await;

    let error = list(&acme, &of_group(id), ListAnswers::default()).unwrap_err();

    assert!(matches!(error, ReadError::Build(_)), "{error}");
    assert!(error.to_string().contains("resource.id"), "{error}");
    assert!(acme.targets().is_empty());
}

#[tokio::test]
async fn a_query_param_without_its_bound_value_would_ask_for_everything_and_is_refused() {
    let keys =
        "path: /users\nquery_params: [{name: of, value: <parent.id>}, {name: region, value: <region>}]";
    let file = things(keys)
        .replace("    - name: token\n", "    - name: token\n    - {name: region, required: false}\n");
    let acme = Acme::start(&file).await;
    acme.saas.on("GET", "/users").then(Answer::json(200, &json!([])));

    let refused = list(&acme, &Bound::new(), ListAnswers::default()).unwrap_err();
    let bound = Bound::new().with("parent.id", "w", BoundKind::Plain);
    let outcome = read(&list(&acme, &bound, ListAnswers::default()).unwrap()).await;

    assert!(refused.to_string().contains("`parent.id`"), "{refused}");
    assert_eq!(outcome.reason(), "complete");
    assert_eq!(acme.targets(), ["/users?of=w"], "a setting that is not set is left out");
}

#[rstest]
#[case("param_values: [{name: e, identity: email}]", "identity")]
#[case(
    "param_values: [{name: r, references: [{dataset: acme, field: others.id, direction: from}]}]",
    "references"
)]
#[case(
    "postprocessors: [{strategy: filter, configuration: {field: e, value: {identity: email}}}]",
    "identity"
)]
#[case("output: '{}'", "output")]
#[case("async_config: {strategy: callback}", "async_config")]
#[tokio::test]
async fn what_only_a_person_gives_a_meaning_is_refused(#[case] keys: &str, #[case] key: &str) {
    let acme = Acme::start(&things(&format!("{USERS}\n{keys}"))).await;

    let error = list(&acme, &Bound::new(), ListAnswers::default()).unwrap_err();

    assert!(matches!(&error, ReadError::NotSupported { key: found, .. } if *found == key), "{error}");
}

#[tokio::test]
async fn a_reader_goes_on_where_another_stopped_and_repeats_no_page() {
    let acme = Acme::start(&things(PAGED)).await;
    pages(&acme);
    let listing = list(&acme, &Bound::new(), ListAnswers::default()).unwrap();
    for stop in 1..3 {
        let before = acme.targets().len();
        let (mut first, mut items, mut marks) = (listing.open(), Vec::new(), Vec::new());
        assert!(first.resume_point().is_none(), "before the first page there is nothing to go on from");
        for _ in 0..stop {
            items.extend(first.next_page().await.unwrap().unwrap().items);
            marks.extend(first.mark().map(PageMark::to_bytes));
        }
        let point = json!(first.resume_point().unwrap());

        let again = list(&acme, &Bound::new(), ListAnswers::default()).unwrap();
        let marks = marks.iter().filter_map(|mark| PageMark::from_bytes(mark));
        let mut second = again.open_at(&serde_json::from_value(point).unwrap(), marks).unwrap();
        while let Some(page) = second.next_page().await.unwrap() {
            items.extend(page.items);
        }

        assert_eq!(ids(&items), ["u0", "u1", "u2", "u3", "u4", "u5"]);
        assert!(second.completeness().is_complete() && second.is_over());
        assert!(second.resume_point().is_none());
        assert_eq!(acme.targets().len() - before, 3);
    }
}

#[tokio::test]
async fn a_point_of_another_list_is_none() {
    let acme = Acme::start(&things(&PAGED.replace("/users", "/users?of=<parent.id>"))).await;
    acme.saas.on("GET", "/users").with(|call| page(&call.query));
    let of = |parent: &str| {
        let bound = Bound::new().with("parent.id", parent, BoundKind::Plain);
        list(&acme, &bound, ListAnswers::default()).unwrap()
    };
    let mut reader = of("a").open();
    reader.next_page().await.unwrap();
    let point = reader.resume_point().unwrap();

    assert!(of("a").open_at(&point, []).is_some());
    assert!(of("b").open_at(&point, []).is_none());
    assert_eq!(of("a").hash(), of("a").hash());
    assert_ne!(of("a").hash(), of("b").hash());
}

#[tokio::test]
async fn a_page_that_was_read_before_ends_the_list_also_after_a_restart() {
    let acme = Acme::start(&things(PAGED)).await;
    acme.saas.on("GET", "/users").with(|call| {
        let next = if call.query.contains("p1") { "p2" } else { "p1" };
        Answer::json(200, &json!({"data": {"users": [{"id": "u"}], "pagination": {"next": next}}}))
    });
    let listing = list(&acme, &Bound::new(), ListAnswers::default()).unwrap();

    let outcome = read(&listing).await;
    let mut first = listing.open();
    let mut marks = Vec::new();
    for _ in 0..2 {
        first.next_page().await.unwrap();
        marks.extend(first.mark());
    }
    let mut second = listing.open_at(&first.resume_point().unwrap(), marks).unwrap();
    let third = second.next_page().await.unwrap().unwrap();

    assert_eq!((outcome.items.len(), outcome.reason()), (3, "page_loop".to_owned()));
    assert_eq!(third.items.len(), 1);
    assert!(second.is_over() && !second.completeness().is_complete());
}

/// Pages that begin two entries apart.
const STEPS: &str = "path: /users\nquery_params: [{name: from, value: 0}, {name: count, value: 2}]\n\
    pagination: {strategy: offset, configuration: {incremental_param: from, increment_by: 2}}";
const HUMANS: &str = "postprocessors: [{strategy: filter, configuration: {field: kind, value: human}}]";

/// An application with `total` users, the first of them human, that sends no more than `most` at once.
fn counted(acme: &Acme, total: usize, most: usize) {
    acme.saas.on("GET", "/users").with(move |call| {
        let from = call.query.split('&').find_map(|pair| pair.strip_prefix("from=")).unwrap();
        let from: usize = from.parse().unwrap();
        let kind = |number| if number == 0 { "human" } else { "robot" };
        let users = (from..total.min(from + most)).map(|n| json!({"id": format!("u{n}"), "kind": kind(n)}));
        Answer::json(200, &json!(users.collect::<Vec<_>>()))
    });
}

#[rstest]
#[case::full_pages(4, 2, &["u0", "u1", "u2", "u3"], "complete")]
#[case::a_short_last_page(5, 2, &["u0", "u1", "u2", "u3", "u4"], "complete")]
#[case::one_short_page(1, 2, &["u0"], "complete")]
#[case::longer_pages(3, 3, &["u0", "u1", "u2", "u2"], "complete")]
#[case::pages_shorter_than_the_step(5, 1, &["u0", "u2", "u4"], "malformed")]
#[tokio::test]
async fn a_fixed_step_over_shorter_pages_makes_the_list_incomplete(
    #[case] total: usize,
    #[case] most: usize,
    #[case] expected: &[&str],
    #[case] reason: &str,
) {
    let acme = Acme::start(&things(STEPS)).await;
    counted(&acme, total, most);

    let outcome = read_users(&acme).await;

    assert_eq!(ids(&outcome.items), expected);
    assert_eq!(outcome.reason(), reason);
    if let Completeness::Incomplete { detail, .. } = &outcome.completeness {
        assert!(
            detail.contains("endpoints[0].requests.read") && detail.contains("`increment_by`"),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn entries_that_a_filter_leaves_out_do_not_make_a_page_short() {
    let acme = Acme::start(&things(&format!("{STEPS}\n{HUMANS}"))).await;
    counted(&acme, 5, 2);

    let outcome = read_users(&acme).await;

    assert_eq!(ids(&outcome.items), ["u0"]);
    assert_eq!(outcome.reason(), "complete");
}

#[rstest]
#[case::before_the_page_that_shows_it(1)]
#[case::after_it(2)]
#[tokio::test]
async fn a_reader_that_goes_on_knows_that_pages_were_shorter_than_the_step(#[case] stop: usize) {
    let acme = Acme::start(&things(STEPS)).await;
    counted(&acme, 3, 1);
    let listing = list(&acme, &Bound::new(), ListAnswers::default()).unwrap();
    let (mut first, mut marks) = (listing.open(), Vec::new());
    for _ in 0..stop {
        first.next_page().await.unwrap();
        marks.extend(first.mark());
    }
    let point = json!(first.resume_point().unwrap());

    let mut second = listing.open_at(&serde_json::from_value(point).unwrap(), marks).unwrap();
    while second.next_page().await.unwrap().is_some() {}

    assert!(second.is_over() && !second.completeness().is_complete());
}

#[rstest]
#[case::no_list(json!({"data": {}}))]
#[case::null(json!({"data": {"users": null}}))]
#[case::an_entry_without_it(json!({"data": [{"users": [{"id": 1}]}, {}]}))]
#[tokio::test]
async fn what_unwrap_does_not_find_is_an_error_and_no_empty_list(#[case] body: Value) {
    let keys = "path: /users\ndata_path: data\n\
        postprocessors: [{strategy: unwrap, configuration: {data_path: users}}]";
    let acme = Acme::start(&things(keys)).await;
    acme.saas.on("GET", "/users").then(Answer::json(200, &body));

    let outcome = read_users(&acme).await;

    assert_eq!((outcome.items.len(), outcome.errors.len()), (0, 1));
    assert_eq!(outcome.reason(), "malformed");
}

#[rstest]
#[case::an_empty_list(json!({"data": {"users": []}}), json!([]))]
#[case::an_entry_of_nothing(json!({"data": [{"users": {"id": 1}}, {"users": null}]}), json!([{"id": 1}]))]
#[tokio::test]
async fn what_unwrap_finds_may_be_nothing(#[case] body: Value, #[case] expected: Value) {
    let keys = "path: /users\ndata_path: data\n\
        postprocessors: [{strategy: unwrap, configuration: {data_path: users}}]";
    let acme = Acme::start(&things(keys)).await;
    acme.saas.on("GET", "/users").then(Answer::json(200, &body));

    let outcome = read_users(&acme).await;

    assert_eq!(json!(outcome.items), expected);
    assert_eq!(outcome.reason(), "complete");
}

#[tokio::test]
async fn a_list_that_is_not_read_to_its_end_is_incomplete() {
    let acme = Acme::start(&things(PAGED)).await;
    pages(&acme);
    let mut reader = list(&acme, &Bound::new(), ListAnswers::default()).unwrap().open();

    reader.next_page().await.unwrap();

    assert!(!reader.completeness().is_complete());
}

#[tokio::test]
async fn nothing_of_values_and_items_is_in_debug_and_errors() {
    let setup = Setup { secrets: vec![("token", json!("canary-token"))], ..Setup::default() };
    let acme = Acme::start_with(&things(MEMBERS), setup).await;
    acme.saas
        .on("GET", "/groups/*/users")
        .then(Answer::json(200, &json!({"data": {"users": [{"id": "canary-item"}]}})))
        .then(Answer::json(200, &json!({"data": {"users": "canary-item"}})));
    let bound = of_group("canary-group");
    let listing = list(&acme, &bound, ListAnswers::default()).unwrap();
    let mut reader = listing.open();

    let page = reader.next_page().await.unwrap();
    let failed = read(&listing).await;

    let shown = format!("{bound:?} {listing:?} {reader:?} {page:?} {:?} {}", failed.errors, failed.errors[0]);
    assert!(!shown.contains("canary"), "{shown}");
}
