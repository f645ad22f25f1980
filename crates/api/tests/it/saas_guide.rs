//! The page on setting up an application, called as it is printed (fides-api 15).

use std::fs::read_to_string;
use std::path::{Path, PathBuf};

use http::Method;
use rstest::rstest;
use serde_json::Value;
use testkit::{PrintedCall, PrintedData, printed_calls};

use crate::app::{App, Reply};

/// Files of the published example, and how the page writes them.
const EXAMPLE: [(&str, &str); 2] = [
    ("segment_connector_example.json", "segment_connector_example.yml"),
    ("segment_connector_example_dataset.yml", "segment_connector_example_dataset.yml"),
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page() -> String {
    read_to_string(repository().join("docs/guide/saas-setup.md")).unwrap()
}

/// A file of the published example, as the page says that it is prepared.
#[expect(clippy::print_stderr, reason = "a skipped test says why")]
fn published(name: &str) -> Option<String> {
    let (_, file) = EXAMPLE.into_iter().find(|(written, _)| *written == name).unwrap();
    let path = repository().join("../shared/corpus/published").join(file);
    let Ok(text) = read_to_string(&path) else {
        eprintln!("skipped: {file} of the published example is not beside this repository");
        return None;
    };
    if name == file {
        return Some(text);
    }
    let source = spec::SourceFile::new(file, text);
    let document = spec::document(&source, &spec::CheckOptions::default()).unwrap();
    Some(document["saas_config"].to_string())
}

/// What is sent; nothing, with the reason printed, for the published example if it is not there.
fn sent(call: &PrintedCall) -> Option<String> {
    if call.path.contains("segment_connector_example") {
        published(EXAMPLE[0].0)?;
    }
    match &call.data {
        PrintedData::Text(text) => Some(text.clone()),
        PrintedData::File(name) => published(name),
    }
}

/// What an empty server answers to each call; nothing for what needs a file that is not there.
async fn replies(calls: &[PrintedCall]) -> Vec<Option<Reply>> {
    let app = App::start().await;
    let mut replies = Vec::new();
    for call in calls {
        let method: Method = call.method.parse().unwrap();
        replies.push(match sent(call) {
            Some(data) => Some(app.call(method, &call.path, &call.media, data).await),
            None => None,
        });
    }
    replies
}

/// Where an empty server answers something else than a page prints: lines, and what differs.
async fn differences(page: &str) -> Vec<(usize, String)> {
    let calls = printed_calls(page);
    let replies = replies(&calls).await;
    let pairs = calls.iter().zip(replies).filter_map(|(call, reply)| Some((call, reply?)));
    pairs
        .filter_map(|(call, reply)| {
            let found = call.reply.difference(reply.status.as_u16(), &reply.json())?;
            Some((call.line, format!("{} {}: {found}", call.method, call.path)))
        })
        .collect()
}

#[tokio::test]
async fn the_printed_calls_get_the_printed_replies_from_an_empty_server() {
    let found = differences(&page()).await;

    assert_eq!(found, []);
}

/// Every step of the checklist, with and without the prefix, and what each of them refuses.
#[test]
fn the_page_calls_what_the_published_guide_calls() {
    let calls = printed_calls(&page());
    let statuses = |method: &str, path: &str| -> Vec<u16> {
        let fits = |call: &&PrintedCall| call.method == method && call.path.ends_with(path);
        calls.iter().filter(fits).map(|call| call.reply.status).collect()
    };
    let exactly = |path: &str| -> Vec<u16> {
        calls.iter().filter(|call| call.path == path).map(|call| call.reply.status).collect()
    };
    let says = |text: &str| calls.iter().any(|call| call.reply.body.to_string().contains(text));

    assert_eq!(statuses("PATCH", "/api/v1/connection"), [200, 200]);
    assert_eq!(statuses("PATCH", "/saas_config"), [200, 422, 200]);
    assert!(statuses("PUT", "/secret").starts_with(&[422, 200]));
    assert!(statuses("PUT", "/secret?verify=false").contains(&200));
    assert_eq!(statuses("PUT", "/dataset"), [200, 200, 200]);
    assert_eq!(exactly("/api/v1/connection/instantiate/mailchimp"), [200]);
    assert_eq!(exactly("/connection/instantiate/mailchimp"), [400, 422, 200]);
    assert_eq!(exactly("/api/v1/connection/instantiate/segment_unify"), [200]);
    assert_eq!(exactly("/connection/instantiate/segment_unify"), [422, 200]);
    assert_eq!((exactly("/docs"), exactly("/openapi.json")), (vec![200], vec![200]));
    for (file, _) in EXAMPLE {
        assert!(calls.iter().any(|call| call.data == PrintedData::File(file.to_owned())), "{file}");
    }
    for text in [
        "\"test_status\":\"failed\"",
        "References can only have a direction of 'from', found 'to'",
        "is not allowed to have references or identities",
        "does not match the fides_key",
        "json_invalid",
    ] {
        assert!(says(text), "{text}");
    }
}

// The published file has no `type`, and the library has no template of the type that it gets.
#[test]
fn the_published_example_names_no_type() {
    let Some(text) = published(EXAMPLE[0].0) else { return };
    let document: Value = serde_json::from_str(&text).unwrap();

    assert!(document.get("type").is_none());
    assert!(connections::Template::find("segment_connector_example").is_none());
}

// twin: the comparison itself finds every single change of a printed reply
#[tokio::test]
async fn a_reply_that_is_changed_in_the_page_is_noticed() {
    let calls = printed_calls(&page());
    let replies = replies(&calls).await;
    let mut tried = 0;

    for (call, reply) in calls.iter().zip(replies) {
        let Some(reply) = reply else { continue };
        let (status, body) = (reply.status.as_u16(), reply.json());
        for other in call.reply.changed() {
            tried += 1;
            assert!(other.difference(status, &body).is_some(), "line {}: {}", call.line, other.body);
        }
    }

    assert!(tried > 50, "only {tried} places of the page say something");
}

// twin: the page with one line changed is not what an empty server answers
#[rstest]
#[case::reply(
    "\n]'\n{\n  \"succeeded\": [\n    {\n      \"name\": \"SaaS",
    "\n]'\n{\n  \"succeeded\": [\n    {\n      \"name\": \"Other"
)]
#[case::path(
    "call PUT /api/v1/connection/saas_application/dataset",
    "call PUT /api/v1/connection/saas_other/dataset"
)]
#[case::method(
    "call PATCH /api/v1/connection/saas_application/saas_config",
    "call GET /api/v1/connection/saas_application/saas_config"
)]
#[case::left_out("$ call PATCH /api/v1/connection --data '[", "$ call PUT /api/v1/connection --data '[")]
#[case::key_of_the_file(
    "  \"fides_key\": \"mailchimp_connector_example\",\n  \"name\"",
    "  \"fides_key\": \"mailchimp_connector_sample\",\n  \"name\""
)]
#[case::secrets(
    "\"domain\": \"10.20.0.7\"",
    "\"domain\": \"us1.api.mailchimp.com\", \"other\": \"10.20.0.7\""
)]
#[case::instance("\"instance_key\": \"primary_mailchimp\"", "\"instance_key\": \"other_mailchimp\"")]
#[case::comma(
    "  \"instance_key\": \"secondary_mailchimp\",\n}",
    "  \"instance_key\": \"secondary_mailchimp\"\n}"
)]
#[case::prefix(
    "call POST /connection/instantiate/segment_unify",
    "call POST /v2/connection/instantiate/segment_unify"
)]
#[tokio::test]
async fn page_with_one_line_changed_is_noticed(#[case] line: &str, #[case] changed: &str) {
    let page = page();
    assert!(page.contains(line), "the page does not say {line:?}");

    let found = differences(&page.replacen(line, changed, 1)).await;

    assert_ne!(found, []);
}
