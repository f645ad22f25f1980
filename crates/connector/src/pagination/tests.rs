use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::fixture::read_request;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// One sequence of pages without a service behind it.
struct Pages {
    pager: Pager,
    url: Url,
    headers: HeaderMap,
}

impl Pages {
    fn new(yaml: &str, url: &str) -> Self {
        Self::with(yaml, url, &Secrets::new(vec![]), &Settings::default()).unwrap()
    }

    fn with(yaml: &str, url: &str, secrets: &Secrets, settings: &Settings) -> Result<Self, PaginationError> {
        let request = read_request(yaml);
        let pager_settings = PagerSettings { request: &request, secrets, settings, started: NOW };
        let pager = Pager::new(pager_settings, &Method::GET, b"")?;
        Ok(Self { pager, url: url.parse().unwrap(), headers: HeaderMap::new() })
    }

    fn link_header(mut self, value: &'static str) -> Self {
        self.headers.insert("link", HeaderValue::from_static(value));
        self
    }

    fn try_turn(&mut self, json: &Value) -> Result<Turn, PaginationError> {
        let data = self.pager.data(json).cloned();
        let answer = PageAnswer { url: &self.url, headers: &self.headers, json, data: data.as_ref() };
        let turn = self.pager.turn(answer, NOW)?;
        if let Turn::Next(next) = &turn {
            self.url = next.clone();
        }
        Ok(turn)
    }

    fn turn(&mut self, json: &Value) -> Turn {
        self.try_turn(json).unwrap()
    }

    /// Path and query of the next request; `None` at the end.
    fn next(&mut self, json: &Value) -> Option<String> {
        match self.turn(json) {
            Turn::Next(url) => Some(url.as_str().strip_prefix("https://api.acme.test").unwrap().to_owned()),
            Turn::End => None,
            Turn::Stopped(stop) | Turn::Repeated(stop) => panic!("stopped: {stop:?}"),
        }
    }

    /// Why the reading stops.
    fn stop(&mut self, json: &Value) -> IncompleteReason {
        match self.turn(json) {
            Turn::Stopped(stop) | Turn::Repeated(stop) => stop.reason,
            Turn::Next(_) | Turn::End => panic!("did not stop"),
        }
    }
}

const OFFSET: &str = "data_path: d\nquery_params: [{name: page, value: 1}]\npagination: \
    {strategy: offset, configuration: {incremental_param: page, increment_by: 2, limit: 3}}";
const UNLIMITED: &str = "data_path: d\nquery_params: [{name: page, value: 0}]\npagination: \
    {strategy: offset, configuration: {incremental_param: page, increment_by: 1000}}";
const LINK: &str = "data_path: d\npagination: {strategy: link, configuration: {source: body, path: next}}";
const HEADER: &str =
    "data_path: d\npagination: {strategy: link, configuration: {source: headers, rel: next}}";
const PROFILE: &str =
    "data_path: data\npagination: {strategy: link, configuration: {source: body, path: cursor.url}}";
const CURSOR: &str =
    "data_path: d\npagination: {strategy: cursor, configuration: {cursor_param: after, field: id}}";
const TOP_CURSOR: &str =
    "data_path: d\npagination: {strategy: cursor, configuration: {cursor_param: after, field: m.n}}";
const FLAG_CURSOR: &str = "data_path: d\npagination: \
    {strategy: cursor, configuration: {cursor_param: after, field: id, has_next: more}}";

#[test]
fn request_without_pagination_has_one_page() {
    let mut pages = Pages::new("data_path: d", "https://api.acme.test/p");

    assert_eq!(pages.turn(&json!({"d": [1], "next": "/p?page=2"})), Turn::End);
}

// rule: saas-config 18.2
// rule: saas-config 18.3
#[test]
fn offset_changes_its_param_and_nothing_else() {
    let mut pages = Pages::new(UNLIMITED, "https://api.acme.test/p%20q?x=a+b%2Fc&page=0&y=1&z");

    assert_eq!(pages.next(&json!({"d": [1]})).unwrap(), "/p%20q?x=a+b%2Fc&page=1000&y=1&z");
    assert_eq!(pages.next(&json!({"d": [2]})).unwrap(), "/p%20q?x=a+b%2Fc&page=2000&y=1&z");
}

// rule: saas-config 18.4
#[rstest]
#[case(json!({"d": []}))]
#[case(json!({"d": null}))]
#[case(json!({"d": {}}))]
#[case(json!({"d": 0}))]
fn offset_ends_at_falsy_page_data(#[case] answer: Value) {
    let mut pages = Pages::new(UNLIMITED, "https://api.acme.test/p?page=0");

    assert_eq!(pages.turn(&answer), Turn::End);
}

// rule: saas-config 18.5
#[test]
fn offset_stops_when_the_next_value_exceeds_the_limit() {
    let mut pages = Pages::new(OFFSET, "https://api.acme.test/p?page=1");

    assert_eq!(pages.next(&json!({"d": [{"id": 1}]})).unwrap(), "/p?page=3");
    assert_eq!(pages.next(&json!({"d": [{"id": 2}]})), None);
}

#[test]
fn limit_reached_with_a_full_page_is_not_called_complete() {
    let mut pages = Pages::new(OFFSET, "https://api.acme.test/p?page=1");

    pages.next(&json!({"d": [1, 2]}));

    assert_eq!(pages.stop(&json!({"d": [3, 4]})), IncompleteReason::PageCap);
}

// rule: saas-config 18.5
#[test]
fn limit_of_zero_is_no_limit() {
    let yaml = OFFSET.replace("limit: 3", "limit: 0");
    let mut pages = Pages::new(&yaml, "https://api.acme.test/p?page=9");

    assert_eq!(pages.next(&json!({"d": [1]})).unwrap(), "/p?page=11");
}

// rule: saas-config 18.6
#[test]
fn limit_from_a_connector_param_is_digits_or_a_number() {
    let yaml = OFFSET.replace("limit: 3", "limit: {connector_param: most}");
    let url = "https://api.acme.test/p?page=1";
    let with =
        |secrets: Vec<(String, Value)>| Pages::with(&yaml, url, &Secrets::new(secrets), &Settings::default());
    let most = |value: Value| vec![("most".to_owned(), value)];

    for good in [json!("3"), json!(3)] {
        let mut pages = with(most(good)).unwrap();
        pages.next(&json!({"d": [1]})).unwrap();
        assert_eq!(pages.next(&json!({"d": [2]})), None);
    }
    assert!(matches!(with(vec![]), Err(PaginationError::MissingLimit { .. })));
    for bad in [json!("x"), json!(""), json!([3]), json!(1.5)] {
        let error = with(most(bad)).err().unwrap();
        assert!(matches!(error, PaginationError::BadLimit { .. }), "{error}");
        assert_eq!(error.reason(), IncompleteReason::Malformed);
    }
}

// rule: saas-config 18.7
#[test]
fn offset_without_its_param_in_the_request_is_an_error() {
    let mut pages = Pages::new(UNLIMITED, "https://api.acme.test/p");

    assert!(matches!(pages.try_turn(&json!({"d": [1]})), Err(PaginationError::MissingParam { .. })));
}

// rule: saas-config 18.8
#[test]
fn offset_starts_from_digits_and_refuses_other_texts() {
    let mut digits = Pages::new(UNLIMITED, "https://api.acme.test/p?page=07");
    let mut text = Pages::new(UNLIMITED, "https://api.acme.test/p?page=first");

    assert_eq!(digits.next(&json!({"d": [1]})).unwrap(), "/p?page=1007");
    assert!(matches!(text.try_turn(&json!({"d": [1]})), Err(PaginationError::BadParam { .. })));
}

#[test]
fn offset_that_would_overflow_is_an_error() {
    let mut pages = Pages::new(UNLIMITED, "https://api.acme.test/p?page=9223372036854775807");

    assert!(matches!(pages.try_turn(&json!({"d": [1]})), Err(PaginationError::BadParam { .. })));
}

// rule: saas-config 18.8
#[test]
fn an_object_as_page_ends_only_at_the_limit() {
    let yaml = OFFSET.replace("data_path: d\n", "");
    let mut pages = Pages::new(&yaml, "https://api.acme.test/p?page=1");

    assert_eq!(pages.next(&json!({"items": [], "page": 1})).unwrap(), "/p?page=3");
    assert_eq!(pages.next(&json!({"items": [], "page": 3})), None);
}

// rule: saas-config 18.1
#[rstest]
#[case::period_1(1)]
#[case::period_2(2)]
#[case::period_7(7)]
fn offset_that_the_service_ignores_is_a_loop_of_any_period(#[case] period: usize) {
    let mut pages = Pages::new(UNLIMITED, "https://api.acme.test/p?page=0");

    for page in 0..period {
        assert!(pages.next(&json!({"d": [{"id": page}]})).is_some());
    }
    let repeated = pages.turn(&json!({"d": [{"id": 0}]}));

    let Turn::Repeated(stop) = repeated else { panic!("{repeated:?}") };
    assert_eq!(stop.reason, IncompleteReason::PageLoop);
}

// rule: saas-config 18.9
// rule: saas-config 18.10
#[test]
fn link_in_the_body_is_followed_until_there_is_none() {
    for end in [json!(null), json!(""), json!(false)] {
        let mut pages = Pages::new(LINK, "https://api.acme.test/p");

        assert_eq!(
            pages.next(&json!({"d": [1], "next": "https://api.acme.test/p?page=2"})).unwrap(),
            "/p?page=2"
        );
        assert_eq!(pages.next(&json!({"d": [2], "next": end})), None);
    }
}

// rule: saas-config 18.9
// rule: saas-config 18.10
#[test]
fn link_in_a_header_is_followed() {
    let header = r#"</p?page=1>; rel="prev", <https://api.acme.test/p?page=3&q=a,b>; rel="next""#;
    let mut pages = Pages::new(HEADER, "https://api.acme.test/p?page=2").link_header(header);

    assert_eq!(pages.next(&json!({"d": [1]})).unwrap(), "/p?page=3&q=a%2Cb");
}

// rule: saas-config 18.10
#[test]
fn empty_page_ends_the_links() {
    let mut pages = Pages::new(LINK, "https://api.acme.test/p");

    assert_eq!(pages.turn(&json!({"d": [], "next": "/p?page=2"})), Turn::End);
}

// rule: saas-config 18.10
#[rstest]
#[case(json!(true), true)]
#[case(json!("TRUE"), true)]
#[case(json!("yes"), false)]
#[case(json!(1), false)]
#[case(json!(false), false)]
#[case(json!(null), false)]
fn link_is_followed_only_if_has_next_is_true(#[case] flag: Value, #[case] goes_on: bool) {
    let yaml = LINK.replace("path: next", "path: next, has_next: more");
    let mut pages = Pages::new(&yaml, "https://api.acme.test/p");

    assert_eq!(pages.next(&json!({"d": [1], "next": "/p?page=2", "more": flag})).is_some(), goes_on);
}

#[test]
fn flag_that_says_more_without_a_link_is_malformed() {
    let yaml = LINK.replace("path: next", "path: next, has_next: more");
    let mut pages = Pages::new(&yaml, "https://api.acme.test/p");

    assert_eq!(pages.stop(&json!({"d": [1], "more": true})), IncompleteReason::Malformed);
}

// rule: saas-config 18.11
#[rstest]
#[case::other_host("https://other.test:99/p%20q?a=1&a=2&b=&c=x+y", "/p%20q?a=2&c=x+y")]
#[case::order_is_kept("/p?z=1&a=2&z=3", "/p?z=3&a=2")]
#[case::absolute_path("/p?x=1", "/p?x=1")]
#[case::query_only("?x=1", "/v1/people?x=1")]
#[case::relative_path("more?x=1", "/v1/more?x=1")]
#[case::no_scheme("//other.test/p?x=1", "/p?x=1")]
#[case::other_scheme("http://api.acme.test/p?x=1", "/p?x=1")]
#[case::user_name("https://ana:pw@other.test/p?x=1", "/p?x=1")]
#[case::fragment("/p?x=1#frag", "/p?x=1")]
#[case::reserved("/p?x=a%2Fb%2Bc%26d%3D%25%23", "/p?x=a%2Fb%2Bc%26d%3D%25%23")]
#[case::route_params("/p?%3Aid=use_1&next=a", "/p?%3Aid=use_1&next=a")]
#[case::no_query("/p", "/p")]
fn only_path_and_query_of_a_link_are_used(#[case] link: &str, #[case] expected: &str) {
    let mut pages = Pages::new(LINK, "https://api.acme.test/v1/people?old=1#x");

    assert_eq!(pages.next(&json!({"d": [1], "next": link})).unwrap(), expected);
}

// rule: saas-config 18.12
#[rstest]
#[case::number(json!(2))]
#[case::object(json!({"href": "/p"}))]
#[case::list(json!(["/p"]))]
#[case::no_web_address(json!("mailto:ana@example.com"))]
#[case::script(json!("javascript:alert(1)"))]
#[case::bad_port(json!("https://other.test:99999/p"))]
fn link_that_cannot_be_followed_stops_without_an_error_and_is_not_called_complete(#[case] link: Value) {
    let mut pages = Pages::new(LINK, "https://api.acme.test/p");

    assert_eq!(pages.stop(&json!({"d": [1], "next": link})), IncompleteReason::Malformed);
}

#[test]
fn next_object_without_its_link_is_malformed_and_one_with_a_null_link_is_the_end() {
    const HUBSPOT: &str = "data_path: d\npagination: {strategy: link, configuration: {source: body, path: \
        paging.next.link, absent_is_end: true}}";
    let start = "https://api.acme.test/x";

    let without_link =
        Pages::new(HUBSPOT, start).stop(&json!({"d": [1], "paging": {"next": {"after": "100"}}}));
    let null_link = Pages::new(HUBSPOT, start).next(&json!({"d": [1], "paging": {"next": {"link": null}}}));
    let no_paging = Pages::new(HUBSPOT, start).next(&json!({"d": [1]}));

    assert_eq!(without_link, IncompleteReason::Malformed);
    assert_eq!((null_link, no_paging), (None, None));
}

// rule: segment-api B14
#[test]
fn has_more_false_beside_the_link_ends_the_pages_whatever_the_link_says() {
    let mut pages = Pages::new(PROFILE, "https://api.acme.test/e?limit=2");
    let cursor = json!({"url": "https://api.acme.test/e?next=b", "has_more": false, "next": "b"});

    assert_eq!(pages.turn(&json!({"data": [1], "cursor": cursor})), Turn::End);
}

// rule: segment-api B14
// rule: segment-api B16
#[rstest]
#[case::no_query("/e")]
#[case::same_query("/e?limit=2&class=a")]
#[case::only_limit("https://other.test/e?limit=2")]
#[case::route_params("/e?%3Acollection=users&%3Aid=use_1&limit=2")]
#[case::empty("")]
fn link_that_asks_for_nothing_new_is_completed_by_next(#[case] link: &str) {
    let mut pages = Pages::new(PROFILE, "https://api.acme.test/e?limit=2&class=a");
    let cursor = json!({"url": link, "has_more": true, "next": "last name? a&b"});

    let next = pages.next(&json!({"data": [1], "cursor": cursor})).unwrap();

    assert_eq!(next, "/e?limit=2&class=a&next=last+name%3F+a%26b");
}

// rule: segment-api B14
// rule: segment-api B15
#[rstest]
#[case::next_in_query("/e?next=b&limit=2", "/e?next=b&limit=2")]
#[case::other_name("/e?cursor=b", "/e?cursor=b")]
#[case::with_route_params("/e?%3Aid=use_1&next=b", "/e?%3Aid=use_1&next=b")]
fn link_that_asks_for_something_new_is_followed_as_it_is(#[case] link: &str, #[case] expected: &str) {
    let mut pages = Pages::new(PROFILE, "https://api.acme.test/e?limit=2");
    let cursor = json!({"url": link, "has_more": true, "next": "b"});

    assert_eq!(pages.next(&json!({"data": [1], "cursor": cursor})).unwrap(), expected);
}

#[test]
fn completed_link_replaces_the_next_of_the_page_before() {
    let mut pages = Pages::new(PROFILE, "https://api.acme.test/e?next=a&limit=2");
    let cursor = json!({"url": "/e", "has_more": true, "next": "b"});

    assert_eq!(pages.next(&json!({"data": [1], "cursor": cursor})).unwrap(), "/e?next=b&limit=2");
}

#[test]
fn has_more_without_link_and_next_is_malformed_and_an_empty_page_with_it_goes_on() {
    let mut lost = Pages::new(PROFILE, "https://api.acme.test/e");
    let mut empty = Pages::new(PROFILE, "https://api.acme.test/e");

    let stopped = lost.stop(&json!({"data": [1], "cursor": {"url": "", "has_more": true}}));
    let next =
        empty.next(&json!({"data": [], "cursor": {"url": "/e?next=b", "has_more": true, "next": "b"}}));

    assert_eq!(stopped, IncompleteReason::Malformed);
    assert_eq!(next.unwrap(), "/e?next=b");
}

// rule: segment-api B14
#[test]
fn cursor_that_comes_twice_is_a_loop() {
    let mut pages = Pages::new(PROFILE, "https://api.acme.test/e");
    let cursor = json!({"url": "/e", "has_more": true, "next": "b"});

    pages.next(&json!({"data": [1], "cursor": cursor})).unwrap();

    assert_eq!(pages.stop(&json!({"data": [2], "cursor": cursor})), IncompleteReason::PageLoop);
}

// rule: saas-config 18.1
#[rstest]
#[case::period_1(1)]
#[case::period_2(2)]
#[case::period_9(9)]
fn links_that_lead_back_are_a_loop_of_any_period(#[case] period: usize) {
    let mut pages = Pages::new(LINK, "https://api.acme.test/p?page=0");

    for page in 1..period {
        let link = format!("/p?page={page}");
        assert!(pages.next(&json!({"d": [page], "next": link})).is_some());
    }
    let stopped = pages.turn(&json!({"d": [0], "next": "/p?page=0"}));

    let Turn::Stopped(stop) = stopped else { panic!("{stopped:?}") };
    assert_eq!(stop.reason, IncompleteReason::PageLoop);
}

// rule: saas-config 18.13
// rule: saas-config 18.14
#[test]
fn cursor_of_the_last_element_goes_into_its_param() {
    let mut pages = Pages::new(CURSOR, "https://api.acme.test/p?limit=2");

    assert_eq!(pages.next(&json!({"d": [{"id": 1}, {"id": 2}]})).unwrap(), "/p?limit=2&after=2");
    assert_eq!(
        pages.next(&json!({"d": [{"id": "a/b+c&d=e%?#"}]})).unwrap(),
        "/p?limit=2&after=a%2Fb%2Bc%26d%3De%25%3F%23"
    );
    assert_eq!(
        pages.next(&json!({"d": [{"id": 12_345_678_901_234_567_890_u64}]})).unwrap(),
        "/p?limit=2&after=12345678901234567890"
    );
    assert_eq!(pages.next(&json!({"d": []})), None);
}

// rule: saas-config 18.14
#[test]
fn cursor_of_the_answer_is_used_where_the_last_element_has_none() {
    let mut pages = Pages::new(TOP_CURSOR, "https://api.acme.test/p");

    assert_eq!(pages.next(&json!({"d": [{"id": 1}], "m": {"n": "x"}})).unwrap(), "/p?after=x");
    assert_eq!(
        pages.next(&json!({"d": [{"id": 1, "m": {"n": "row"}}], "m": {"n": "y"}})).unwrap(),
        "/p?after=row"
    );
    assert_eq!(pages.next(&json!({"d": [{"id": 2}], "m": {"n": null}})), None);
}

// rule: saas-config 18.14
#[rstest]
#[case::in_the_element(json!({"d": [{"id": 1, "more": true}], "more": false}), true)]
#[case::in_the_answer(json!({"d": [{"id": 1}], "more": "True"}), true)]
#[case::no(json!({"d": [{"id": 1}], "more": false}), false)]
#[case::missing(json!({"d": [{"id": 1}]}), false)]
fn cursor_is_used_only_if_has_next_is_true(#[case] answer: Value, #[case] goes_on: bool) {
    let mut pages = Pages::new(FLAG_CURSOR, "https://api.acme.test/p");

    assert_eq!(pages.next(&answer).is_some(), goes_on);
}

// rule: saas-config 18.15
#[test]
fn empty_page_with_a_cursor_goes_on_and_an_empty_cursor_ends() {
    let mut pages = Pages::new(TOP_CURSOR, "https://api.acme.test/p");

    assert_eq!(pages.next(&json!({"d": [], "m": {"n": "x"}})).unwrap(), "/p?after=x");
    assert_eq!(pages.next(&json!({"d": [{"id": 1}], "m": {"n": ""}})), None);
}

// rule: saas-config 18.15
#[test]
fn cursor_that_stays_zero_is_noticed() {
    let mut pages = Pages::new(TOP_CURSOR, "https://api.acme.test/p");

    assert_eq!(pages.next(&json!({"d": [1], "m": {"n": 0}})).unwrap(), "/p?after=0");
    assert_eq!(pages.stop(&json!({"d": [2], "m": {"n": 0}})), IncompleteReason::PageLoop);
}

#[test]
fn cursor_that_is_no_scalar_or_is_missing_against_the_flag_is_malformed() {
    let mut object = Pages::new(TOP_CURSOR, "https://api.acme.test/p");
    let mut missing = Pages::new(FLAG_CURSOR, "https://api.acme.test/p");

    assert_eq!(object.stop(&json!({"d": [1], "m": {"n": {"a": 1}}})), IncompleteReason::Malformed);
    assert_eq!(missing.stop(&json!({"d": [{"x": 1}], "more": true})), IncompleteReason::Malformed);
}

#[rstest]
#[case::link("{strategy: link, configuration: {source: body, path: links.next}}", json!({"links": {"next": "/p?x=1"}}), json!({"links": {}}))]
#[case::link_object("{strategy: link, configuration: {source: body, path: _links.next.href}}", json!({"_links": {"next": {"href": "/p?x=1"}}}), json!({"_links": {"self": "/p"}}))]
#[case::cursor("{strategy: cursor, configuration: {cursor_param: c, field: meta.next}}", json!({"meta": {"next": "a"}}), json!({"meta": null}))]
fn paging_object_that_vanishes_is_malformed_and_one_that_stays_is_the_end(
    #[case] pagination: &str,
    #[case] first: Value,
    #[case] last: Value,
) {
    let yaml = format!("pagination: {pagination}");
    let mut ends = Pages::new(&yaml, "https://api.acme.test/p");
    let mut breaks = Pages::new(&yaml, "https://api.acme.test/p");

    ends.next(&first).unwrap();
    breaks.next(&first).unwrap();

    assert_eq!(ends.turn(&last), Turn::End);
    assert_eq!(breaks.stop(&json!({"other": 1})), IncompleteReason::Malformed);
}

#[test]
fn absent_is_end_makes_a_vanished_paging_object_the_end() {
    let yaml = "data_path: results\npagination: {strategy: link, configuration: \
        {source: body, path: paging.next.link, absent_is_end: true}}";
    let mut pages = Pages::new(yaml, "https://api.acme.test/p");

    pages.next(&json!({"results": [1], "paging": {"next": {"link": "/p?after=1"}}})).unwrap();

    assert_eq!(pages.turn(&json!({"results": [2]})), Turn::End);
}

#[test]
fn paging_object_that_never_was_there_is_the_end() {
    let mut pages = Pages::new(PROFILE, "https://api.acme.test/p");

    assert_eq!(pages.turn(&json!({"data": [1]})), Turn::End);
}

// rule: saas-config 18.1
#[test]
fn caps_on_pages_and_time_stop_the_reading() {
    let two = Settings { page_cap: 2, ..Settings::default() };
    let late = Settings { time_cap: Duration::ZERO, ..Settings::default() };
    let url = "https://api.acme.test/p?page=0";
    let mut capped = Pages::with(UNLIMITED, url, &Secrets::new(vec![]), &two).unwrap();
    let mut timed = Pages::with(UNLIMITED, url, &Secrets::new(vec![]), &late).unwrap();

    capped.next(&json!({"d": [1]})).unwrap();

    assert_eq!(capped.stop(&json!({"d": [2]})), IncompleteReason::PageCap);
    assert_eq!(timed.stop(&json!({"d": [1]})), IncompleteReason::PageCap);
}

#[test]
fn cap_reached_by_the_last_page_is_no_cap() {
    let two = Settings { page_cap: 2, ..Settings::default() };
    let url = "https://api.acme.test/p?page=0";
    let mut pages = Pages::with(UNLIMITED, url, &Secrets::new(vec![]), &two).unwrap();

    pages.next(&json!({"d": [1]})).unwrap();

    assert_eq!(pages.turn(&json!({"d": []})), Turn::End);
}

proptest! {
    #[test]
    fn a_cursor_of_any_text_arrives_as_it_was(cursor in "\\PC{1,20}") {
        let mut pages = Pages::new(TOP_CURSOR, "https://api.acme.test/p?after=old&q=1");

        let turn = pages.turn(&json!({"d": [1], "m": {"n": cursor.clone()}}));

        let Turn::Next(url) = turn else { panic!("{turn:?}") };
        let after: Vec<_> = url.query_pairs().filter(|(name, _)| name == "after").collect();
        prop_assert_eq!(after.len(), 1);
        prop_assert_eq!(&*after[0].1, cursor);
    }

    #[test]
    fn no_link_leads_to_another_host(link in "(https?:)?[/\\\\]{0,3}[a-z@:.0-9]{0,12}[/?#]?[ -~]{0,20}") {
        let mut pages = Pages::new(LINK, "https://api.acme.test/p");

        if let Turn::Next(url) = pages.turn(&json!({"d": [1], "next": link})) {
            prop_assert_eq!(url.scheme(), "https");
            prop_assert_eq!(url.host_str(), Some("api.acme.test"));
            prop_assert_eq!(url.port(), None);
            prop_assert_eq!(url.username(), "");
        }
    }
}
