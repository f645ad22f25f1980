//! The page on setting up an application, called as it is printed (fides-api 15).

use std::fs::read_to_string;
use std::path::{Path, PathBuf};

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::{App, Reply};

/// Stands for whatever comes, where a page shortens a reply.
const ANYTHING: &str = "…";
/// Files of the published example, and how the page writes them.
const EXAMPLE: [(&str, &str); 2] = [
    ("segment_connector_example.json", "segment_connector_example.yml"),
    ("segment_connector_example_dataset.yml", "segment_connector_example_dataset.yml"),
];

/// One block of the page: what is called, and what is printed below it.
#[derive(Debug)]
struct Call {
    line: usize,
    method: Method,
    path: String,
    media: String,
    data: Data,
    reply: Printed,
}

#[derive(Debug)]
enum Data {
    Text(String),
    File(String),
}

/// A reply: the body, and below it the status.
#[derive(Debug, Clone)]
struct Printed {
    status: u16,
    body: Value,
}

impl Call {
    /// `$ [TYPE=MEDIA] call METHOD PATH [--data 'TEXT' | --data-binary @FILE]`, then the reply.
    fn parse(line: usize, block: &str) -> Self {
        let (media, rest) = block.split_once("call ").unwrap_or_else(|| panic!("line {line}: no call"));
        let media = media.strip_prefix("$ ").unwrap_or_else(|| panic!("line {line}: no prompt")).trim();
        let media = media.strip_prefix("TYPE=").unwrap_or("application/json");
        let (method, rest) = rest.split_once(' ').unwrap();
        let end = rest.find([' ', '\n']).unwrap();
        let (path, mut rest) = rest.split_at(end);
        let mut data = Data::Text(String::new());
        if let Some(after) = rest.strip_prefix(" --data-binary @") {
            let (file, after) = after.split_once('\n').unwrap();
            data = Data::File(file.to_owned());
            rest = after;
        } else if let Some(after) = rest.strip_prefix(" --data '") {
            let (text, after) = after.split_once('\'').unwrap();
            data = Data::Text(text.to_owned());
            rest = after;
        }
        Self {
            line,
            method: method.parse().unwrap(),
            path: path.to_owned(),
            media: media.to_owned(),
            data,
            reply: Printed::parse(line, rest.trim()),
        }
    }

    /// What is sent; nothing, with the reason printed, for the published example if it is not there.
    fn data(&self) -> Option<String> {
        if self.path.contains("segment_connector_example") {
            published(EXAMPLE[0].0)?;
        }
        match &self.data {
            Data::Text(text) => Some(text.clone()),
            Data::File(name) => published(name),
        }
    }
}

impl Printed {
    fn parse(line: usize, text: &str) -> Self {
        let (body, status) = text.rsplit_once('\n').unwrap_or(("", text));
        let body = match body.trim() {
            "" => Value::Null,
            ANYTHING => json!(ANYTHING),
            body => serde_json::from_str(body).unwrap_or_else(|error| panic!("line {line}: {error}: {body}")),
        };
        Self { status: status.parse().unwrap_or_else(|_| panic!("line {line}: no status: {status}")), body }
    }

    /// Where the reply differs from what is printed, if it does.
    fn difference(&self, status: StatusCode, body: &Value) -> Option<String> {
        if self.status != status.as_u16() {
            return Some(format!("status {status}, printed {}; {body}", self.status));
        }
        difference(&self.body, body, "")
    }
}

/// Where `actual` is not what is printed. A text `…` is anything; a member or last element `…` stands
/// for any others.
fn difference(printed: &Value, actual: &Value, at: &str) -> Option<String> {
    match (printed, actual) {
        (Value::String(text), _) if text == ANYTHING => None,
        (Value::Object(printed), Value::Object(actual)) => {
            let shortened = printed.contains_key(ANYTHING);
            let more = actual.keys().find(|key| !shortened && !printed.contains_key(*key));
            let more = more.map(|key| format!("{at}/{key} is not printed"));
            let each = |(key, value): (&String, &Value)| match actual.get(key) {
                Some(actual) => difference(value, actual, &format!("{at}/{key}")),
                None if key == ANYTHING => None,
                None => Some(format!("{at}/{key} is printed, but not there")),
            };
            printed.iter().find_map(each).or(more)
        }
        (Value::Array(printed), Value::Array(actual)) => {
            let shortened = printed.last().is_some_and(|last| last == ANYTHING);
            let shown = printed.len() - usize::from(shortened);
            if actual.len() < shown || (!shortened && actual.len() > shown) {
                return Some(format!("{at} has {} elements, printed {shown}", actual.len()));
            }
            let pairs = printed.iter().take(shown).zip(actual).enumerate();
            pairs
                .into_iter()
                .find_map(|(index, (one, other))| difference(one, other, &format!("{at}/{index}")))
        }
        _ => (printed != actual).then(|| format!("{at} is {actual}, printed {printed}")),
    }
}

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

/// The blocks of calls, in their order.
fn calls(page: &str) -> Vec<Call> {
    let mut found = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line == "```console" {
            let block: Vec<&str> =
                lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            found.push(Call::parse(number + 2, &block.join("\n")));
        }
    }
    found
}

/// What an empty server answers to each call; nothing for what needs a file that is not there.
async fn replies(calls: &[Call]) -> Vec<Option<Reply>> {
    let app = App::start().await;
    let mut replies = Vec::new();
    for call in calls {
        replies.push(match call.data() {
            Some(data) => Some(app.call(call.method.clone(), &call.path, &call.media, data).await),
            None => None,
        });
    }
    replies
}

/// Places of a printed reply that say something, each changed.
fn changed(printed: &Value) -> Vec<Value> {
    match printed {
        Value::Object(members) => members
            .iter()
            .filter(|(key, _)| *key != ANYTHING)
            .flat_map(|(key, value)| {
                changed(value).into_iter().map(move |value| {
                    let mut members = members.clone();
                    members.insert(key.clone(), value);
                    Value::Object(members)
                })
            })
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(index, value)| {
                changed(value).into_iter().map(move |value| {
                    let mut items = items.clone();
                    items[index] = value;
                    Value::Array(items)
                })
            })
            .collect(),
        Value::String(text) if text == ANYTHING => Vec::new(),
        _ => vec![json!("changed by the test")],
    }
}

#[tokio::test]
async fn the_printed_calls_get_the_printed_replies_from_an_empty_server() {
    let calls = calls(&page());

    let replies = replies(&calls).await;

    for (call, reply) in calls.iter().zip(replies) {
        let Some(reply) = reply else { continue };
        let difference = call.reply.difference(reply.status, &reply.json());
        assert_eq!(difference, None, "line {}: {} {}", call.line, call.method, call.path);
    }
}

#[test]
fn the_page_calls_what_the_published_guide_calls() {
    let calls = calls(&page());

    let called = |method: Method, end: &str| {
        calls.iter().any(|call| call.method == method && call.path.ends_with(end))
    };

    assert!(called(Method::PATCH, "/api/v1/connection"));
    assert!(called(Method::PATCH, "/saas_config"));
    assert!(called(Method::PUT, "/secret"));
    assert!(called(Method::PUT, "/secret?verify=false"));
    assert!(called(Method::PUT, "/dataset"));
    assert!(called(Method::POST, "/api/v1/connection/instantiate/mailchimp"));
    assert!(called(Method::POST, "/api/v1/connection/instantiate/segment_unify"));
    assert!(calls.iter().any(|call| call.path == "/connection/instantiate/mailchimp"));
    for (file, _) in EXAMPLE {
        assert!(calls.iter().any(|call| matches!(&call.data, Data::File(name) if name == file)), "{file}");
    }
}

// twin: the comparison itself finds every single change of a printed reply
#[tokio::test]
async fn a_reply_that_is_changed_in_the_page_is_noticed() {
    let calls = calls(&page());
    let replies = replies(&calls).await;
    let mut tried = 0;

    for (call, reply) in calls.iter().zip(replies) {
        let Some(reply) = reply else { continue };
        let (status, body) = (reply.status, reply.json());
        let other_status = Printed { status: call.reply.status + 1, ..call.reply.clone() };
        assert!(other_status.difference(status, &body).is_some(), "line {}", call.line);
        for other in changed(&call.reply.body) {
            let printed = Printed { body: other, ..call.reply.clone() };
            tried += 1;
            assert!(printed.difference(status, &body).is_some(), "line {}: {}", call.line, printed.body);
        }
    }

    assert!(tried > 50, "only {tried} places of the page say something");
}

#[test]
fn members_and_elements_that_are_not_printed_are_noticed() {
    let printed = json!({"a": [1, {"b": 2, "…": "…"}], "c": "…"});

    let found = |actual: Value| difference(&printed, &actual, "");

    assert_eq!(found(json!({"a": [1, {"b": 2, "d": 3}], "c": [4]})), None);
    assert_eq!(found(json!({"a": [1, {"b": 2}], "c": 4, "e": 5})), Some("/e is not printed".to_owned()));
    assert_eq!(
        found(json!({"a": [1, {"b": 2}, 3], "c": 4})),
        Some("/a has 3 elements, printed 2".to_owned())
    );
    assert_eq!(found(json!({"a": [1, {}], "c": 4})), Some("/a/1/b is printed, but not there".to_owned()));
}
