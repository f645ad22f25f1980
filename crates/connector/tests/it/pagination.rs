use connector::Settings;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rstest::rstest;
use serde_json::{Value, json};
use testkit::{Answer, Call};

use crate::acme::{Acme, Outcome, Setup, file, things};

/// How the made-up service pages, and how its file says so.
#[derive(Debug, Clone, Copy)]
enum Paging {
    Offset,
    LinkInBody,
    LinkInHeader,
    CursorOfRow,
    CursorOfAnswer,
    Profile,
}

const ALL: [Paging; 6] = [
    Paging::Offset,
    Paging::LinkInBody,
    Paging::LinkInHeader,
    Paging::CursorOfRow,
    Paging::CursorOfAnswer,
    Paging::Profile,
];

impl Paging {
    fn keys(self) -> &'static str {
        match self {
            Self::Offset => {
                "path: /list\nquery_params: [{name: page, value: 0}]\ndata_path: data\npagination: \
                 {strategy: offset, configuration: {incremental_param: page, increment_by: 1}}"
            }
            Self::LinkInBody => {
                "path: /list\ndata_path: data\npagination: \
                 {strategy: link, configuration: {source: body, path: links.next}}"
            }
            Self::LinkInHeader => {
                "path: /list\ndata_path: data\npagination: \
                 {strategy: link, configuration: {source: headers, rel: next}}"
            }
            Self::CursorOfRow => {
                "path: /list\ndata_path: data\npagination: \
                 {strategy: cursor, configuration: {cursor_param: after, field: id}}"
            }
            Self::CursorOfAnswer => {
                "path: /list\ndata_path: data\npagination: \
                 {strategy: cursor, configuration: {cursor_param: page, field: meta.next, has_next: meta.more}}"
            }
            Self::Profile => {
                "path: /list\nquery_params: [{name: limit, value: 17}]\ndata_path: data\npagination: \
                 {strategy: link, configuration: {source: body, path: cursor.url}}"
            }
        }
    }

    /// The answer to `call` of a service whose pages end after these rows each.
    fn answer(self, call: &Call, pages: &[Vec<Value>]) -> Answer {
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(call.query.as_bytes()).into_owned().collect();
        let find = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let number = |text: Option<&str>| text.map_or(0, |text| text.parse::<usize>().unwrap());
        let page = match self {
            Self::Offset | Self::LinkInBody | Self::LinkInHeader | Self::CursorOfAnswer => {
                number(find("page"))
            }
            Self::CursorOfRow => find("after").map_or(0, |after| {
                let last = |rows: &Vec<Value>| rows.last().is_some_and(|row| row["id"] == after);
                pages.iter().position(last).unwrap() + 1
            }),
            Self::Profile => {
                find("next").map_or(0, |next| next.strip_prefix("n? &").unwrap().parse().unwrap())
            }
        };
        let rows = pages.get(page).cloned().unwrap_or_default();
        let next = page + 1;
        let more = next < pages.len();
        match self {
            Self::Offset | Self::CursorOfRow => Answer::json(200, &json!({"data": rows})),
            Self::LinkInBody if more => {
                let link = format!("https://elsewhere.test/list?page={next}");
                Answer::json(200, &json!({"data": rows, "links": {"next": link}}))
            }
            Self::LinkInBody => Answer::json(200, &json!({"data": rows, "links": {"next": null}})),
            Self::LinkInHeader if more => Answer::json(200, &json!({"data": rows}))
                .header("link", format!("</list?page=0>; rel=\"first\", </list?page={next}>; rel=\"next\"")),
            Self::LinkInHeader => Answer::json(200, &json!({"data": rows})),
            Self::CursorOfAnswer => {
                Answer::json(200, &json!({"data": rows, "meta": {"next": next, "more": more}}))
            }
            Self::Profile => {
                let cursor =
                    json!({"url": "/list", "has_more": more, "next": format!("n? &{next}"), "limit": 17});
                Answer::json(200, &json!({"data": rows, "cursor": cursor}))
            }
        }
    }
}

fn rows(count: usize) -> Vec<Value> {
    (0..count).map(|id| json!({"id": format!("r{id}")})).collect()
}

fn split(rows: &[Value], sizes: &[usize]) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut rest = rows;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (page, remaining) = rest.split_at((*size).min(rest.len()));
        pages.push(page.to_vec());
        rest = remaining;
    }
    pages
}

// rule: saas-config 18.1
#[test]
fn rows_are_the_same_however_the_service_splits_its_pages() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 8, ..Config::default() });
    let strategy = (0_usize..25, proptest::collection::vec(1_usize..7, 1..4));

    runner
        .run(&strategy, |(count, sizes)| {
            for paging in ALL {
                let outcome = runtime.block_on(read_split(paging, split(&rows(count), &sizes)));
                prop_assert_eq!(outcome.json(), json!(rows(count)), "{:?}", paging);
                prop_assert_eq!(outcome.reason(), "complete", "{:?}", paging);
            }
            Ok(())
        })
        .unwrap();
}

/// The comparison above does notice a lost page.
#[tokio::test]
async fn comparison_of_split_pages_notices_a_page_that_is_lost() {
    let whole = split(&rows(9), &[3]);

    for paging in ALL {
        let mut short = whole.clone();
        short.remove(1);

        assert_ne!(read_split(paging, short).await.json(), json!(rows(9)), "{paging:?}");
    }
}

async fn read_split(paging: Paging, pages: Vec<Vec<Value>>) -> Outcome {
    let acme = Acme::start(&things(paging.keys())).await;
    acme.saas.on("GET", "/list").with(move |call| paging.answer(call, &pages));
    acme.read("things", &[]).await
}

// rule: saas-config 18.2
#[tokio::test]
async fn method_headers_body_and_authentication_stay_and_only_path_and_query_change() {
    let endpoints = "    - name: things
      requests:
        read:
          method: POST
          path: /search/<id>
          headers: [{name: X-Version, value: '7'}]
          query_params: [{name: q, value: a b}]
          body: '{\"ask\": \"<id>\", \"once\": \"<uuid>\"}'
          param_values: [{name: id, identity: email}]
          data_path: data
          pagination: {strategy: link, configuration: {source: body, path: next}}
";
    let acme = Acme::start(&file(endpoints)).await;
    acme.saas
        .on("POST", "/search/*")
        .then(Answer::json(
            200,
            &json!({"data": [{"id": 1}], "next": "https://elsewhere.test:99/search/two?x=1"}),
        ))
        .then(Answer::json(200, &json!({"data": [{"id": 2}]})));

    let outcome = acme.read("things", &[]).await;

    assert_eq!(outcome.json(), json!([{"id": 1}, {"id": 2}]));
    let calls = acme.saas.calls();
    assert_eq!(acme.targets(), ["/search/ana%40example.com?q=a+b", "/search/two?x=1"]);
    for call in &calls {
        assert_eq!(call.method, "POST");
        assert_eq!(call.host(), "api.acme.test", "a link never leads to another host");
        assert_eq!(call.header("x-version"), Some("7"));
        assert_eq!(call.header("authorization"), Some("Bearer T"));
        assert_eq!(call.body, calls[0].body);
    }
}

// rule: saas-config 18.2
#[tokio::test]
async fn each_page_is_tried_again_on_its_own() {
    let acme = Acme::start(&things(Paging::LinkInBody.keys())).await;
    acme.saas
        .on("GET", "/list")
        .then(Answer::json(200, &json!({"data": [{"id": 1}], "links": {"next": "/list?page=1"}})))
        .then(Answer::status(503))
        .then(Answer::status(429).header("retry-after", "7"))
        .then(Answer::json(200, &json!({"data": [{"id": 2}], "links": {}})));

    let outcome = acme.read("things", &[]).await;

    assert_eq!((outcome.json(), outcome.reason()), (json!([{"id": 1}, {"id": 2}]), "complete".to_owned()));
    assert_eq!((outcome.stats.requests, outcome.stats.retries), (4, 2));
    assert_eq!(acme.targets(), ["/list", "/list?page=1", "/list?page=1", "/list?page=1"]);
}

// rule: saas-config 18.1
#[rstest]
#[case::period_1(1)]
#[case::period_2(2)]
#[case::period_5(5)]
#[tokio::test]
async fn loop_of_any_period_ends_the_reading_and_says_so(#[case] period: usize) {
    let acme = Acme::start(&things(Paging::LinkInBody.keys())).await;
    acme.saas.on("GET", "/list").with(move |call| {
        let page: usize = call.query.strip_prefix("page=").map_or(0, |page| page.parse().unwrap());
        let next = format!("/list?page={}", if page == period { 1 } else { page + 1 });
        Answer::json(200, &json!({"data": [{"id": page}], "links": {"next": next}}))
    });

    let outcome = acme.read("things", &[]).await;

    assert_eq!(outcome.reason(), "page_loop");
    assert_eq!(outcome.rows.len(), period + 1, "no row comes twice");
    assert_eq!(acme.targets().len(), period + 1, "the loop is noticed before the call is repeated");
}

// rule: saas-config 18.1
#[rstest]
#[case::period_1(1)]
#[case::period_3(3)]
#[tokio::test]
async fn offset_that_the_service_ignores_ends_without_doubled_rows(#[case] period: usize) {
    let acme = Acme::start(&things(Paging::Offset.keys())).await;
    acme.saas.on("GET", "/list").with(move |call| {
        let page: usize = call.query.strip_prefix("page=").unwrap().parse().unwrap();
        Answer::json(200, &json!({"data": [{"id": page % period}]}))
    });

    let outcome = acme.read("things", &[]).await;

    assert_eq!((outcome.rows.len(), outcome.reason()), (period, "page_loop".to_owned()));
}

// rule: saas-config 18.1
#[tokio::test]
async fn page_cap_keeps_what_was_read() {
    let setup = Setup { settings: Settings { page_cap: 3, ..Settings::default() }, ..Setup::default() };
    let acme = Acme::start_with(&things(Paging::Offset.keys()), setup).await;
    acme.saas.on("GET", "/list").with(|call| Answer::json(200, &json!({"data": [{"id": call.query}]})));

    let outcome = acme.read("things", &[]).await;

    assert_eq!((outcome.rows.len(), outcome.reason()), (3, "page_cap".to_owned()));
}

#[tokio::test]
async fn time_cap_keeps_what_was_read() {
    let settings = Settings { time_cap: std::time::Duration::from_mins(1), ..Settings::default() };
    let acme = Acme::start_with(&things(Paging::Offset.keys()), Setup { settings, ..Setup::default() }).await;
    let clock = acme.clock.clone();
    acme.saas.on("GET", "/list").with(move |call| {
        clock.advance(std::time::Duration::from_secs(25));
        Answer::json(200, &json!({"data": [{"id": call.query}]}))
    });

    let outcome = acme.read("things", &[]).await;

    assert_eq!((outcome.rows.len(), outcome.reason()), (3, "page_cap".to_owned()));
}

#[tokio::test]
async fn paging_object_that_vanishes_makes_the_reading_incomplete() {
    let acme = Acme::start(&things(Paging::Profile.keys())).await;
    acme.saas
        .on("GET", "/list")
        .then(Answer::json(
            200,
            &json!({"data": [{"id": 1}], "cursor": {"url": "/list?next=a", "has_more": true}}),
        ))
        .then(Answer::json(200, &json!({"data": [{"id": 2}]})));

    let outcome = acme.read("things", &[]).await;

    assert_eq!((outcome.rows.len(), outcome.reason()), (2, "malformed".to_owned()));
}

// rule: saas-config 18.16
#[rstest]
#[tokio::test]
async fn no_content_ends_the_pages(
    #[values(Paging::Offset, Paging::LinkInBody, Paging::CursorOfRow)] paging: Paging,
) {
    let acme = Acme::start(&things(paging.keys())).await;
    let first = json!({"data": [{"id": "a"}], "links": {"next": "/list?page=1"}});
    acme.saas.on("GET", "/list").then(Answer::json(200, &first)).then(Answer::status(204));

    let outcome = acme.read("things", &[]).await;

    assert_eq!((outcome.rows.len(), outcome.reason()), (1, "complete".to_owned()));
    assert_eq!(acme.targets().len(), 2);
}

// rule: saas-config 18.1
#[tokio::test]
async fn postprocessors_and_output_have_no_influence_on_the_pages() {
    let keys = format!(
        "{}\npostprocessors: [{{strategy: filter, configuration: {{field: id, value: b}}}}]\noutput: '{{\"n\": <all_n>}}'",
        Paging::CursorOfRow.keys()
    )
    .replace("'{\"n\": <all_n>}'", "'{\"row\": {<all_object_fields>}}'");
    let acme = Acme::start(&things(&keys)).await;
    acme.saas.on("GET", "/list").with(|call| match call.query.as_str() {
        "" => Answer::json(200, &json!({"data": [{"id": "a"}]})),
        "after=a" => Answer::json(200, &json!({"data": [{"id": "b"}]})),
        _ => Answer::json(200, &json!({"data": []})),
    });

    let outcome = acme.read("things", &[]).await;

    assert_eq!(outcome.json(), json!([{"row": {"id": "b"}}]));
    assert_eq!(acme.targets(), ["/list", "/list?after=a", "/list?after=b"]);
}

// rule: saas-config 18.6
#[tokio::test]
async fn limit_without_its_secret_is_found_before_the_first_call() {
    let keys =
        Paging::Offset.keys().replace("increment_by: 1", "increment_by: 1, limit: {connector_param: most}");
    let acme =
        Acme::start(&things(&keys).replace("    - name: token\n", "    - name: token\n    - name: most\n"))
            .await;

    let error = acme.connector.read("things", &crate::acme::ana(), crate::acme::flat(&[])).unwrap_err();

    assert!(error.to_string().contains("`most`"), "{error}");
    assert!(acme.targets().is_empty());
}

// rule: segment-api B18
#[tokio::test]
async fn object_paged_over_its_keys_is_one_row_a_page() {
    let keys = Paging::Profile.keys().replace("data_path: data", "data_path: traits");
    let acme = Acme::start(&things(&keys)).await;
    acme.saas
        .on("GET", "/list")
        .then(Answer::json(
            200,
            &json!({"traits": {"a": 1}, "cursor": {"url": "", "has_more": true, "next": "a"}}),
        ))
        .then(Answer::json(200, &json!({"traits": {"b": 2}, "cursor": {"url": "", "has_more": false}})));

    let outcome = acme.read("things", &[]).await;

    assert_eq!((outcome.json(), outcome.reason()), (json!([{"a": 1}, {"b": 2}]), "complete".to_owned()));
    assert_eq!(acme.targets(), ["/list?limit=17", "/list?limit=17&next=a"]);
}
