//! Calls and replies as a page of the guide prints them.

use serde_json::{Value, json};

/// Stands for whatever comes, where a page shortens a reply.
const ANYTHING: &str = "…";

/// One block of a page: what is called, and the reply printed below it.
#[derive(Debug, Clone)]
pub struct PrintedCall {
    /// Where the block begins.
    pub line: usize,
    /// `PUT`.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Media type of what is sent.
    pub media: String,
    /// What is sent.
    pub data: PrintedData,
    /// What is answered.
    pub reply: PrintedReply,
}

/// What a printed call sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrintedData {
    /// This text; nothing, if it is empty.
    Text(String),
    /// The content of a file of this name.
    File(String),
}

/// A reply: the body, and below it the status.
#[derive(Debug, Clone)]
pub struct PrintedReply {
    /// The status.
    pub status: u16,
    /// The body, JSON. A text `…` is anything; a member or last element `…` stands for any others.
    pub body: Value,
}

/// The calls of a page, in their order: its blocks of the language `console`.
///
/// # Panics
/// With the number of the line, for a block that is none of the form
/// `$ [TYPE=MEDIA] call METHOD PATH [--data 'TEXT' | --data-binary @FILE]` with a reply below.
pub fn printed_calls(page: &str) -> Vec<PrintedCall> {
    let mut found = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line == "```console" {
            let block: Vec<&str> =
                lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            let line = number + 2;
            let call = PrintedCall::parse(line, &block.join("\n"));
            found.push(call.unwrap_or_else(|problem| panic!("line {line}: {problem}")));
        }
    }
    found
}

impl PrintedCall {
    fn parse(line: usize, block: &str) -> Result<Self, String> {
        let (media, rest) = block.split_once("call ").ok_or("no call")?;
        let media = media.strip_prefix("$ ").ok_or("no prompt")?.trim();
        let media = media.strip_prefix("TYPE=").unwrap_or("application/json");
        let (method, rest) = rest.split_once(' ').ok_or("no method")?;
        let (path, mut rest) = rest.split_at(rest.find([' ', '\n']).ok_or("no reply")?);
        let mut data = PrintedData::Text(String::new());
        if let Some(after) = rest.strip_prefix(" --data-binary @") {
            let (file, after) = after.split_once('\n').ok_or("no reply")?;
            data = PrintedData::File(file.to_owned());
            rest = after;
        } else if let Some(after) = rest.strip_prefix(" --data '") {
            let (text, after) = after.split_once('\'').ok_or("no end of what is sent")?;
            data = PrintedData::Text(text.to_owned());
            rest = after;
        }
        let (method, path, media) = (method.to_owned(), path.to_owned(), media.to_owned());
        Ok(Self { line, method, path, media, data, reply: PrintedReply::parse(rest.trim())? })
    }
}

impl PrintedReply {
    fn parse(text: &str) -> Result<Self, String> {
        let (body, status) = text.rsplit_once('\n').unwrap_or(("", text));
        let body = match body.trim() {
            "" => Value::Null,
            ANYTHING => json!(ANYTHING),
            body => serde_json::from_str(body).map_err(|error| format!("{error}: {body}"))?,
        };
        let status = status.parse().map_err(|_| format!("no status: {status}"))?;
        Ok(Self { status, body })
    }

    /// Where a reply differs from what is printed, if it does.
    pub fn difference(&self, status: u16, body: &Value) -> Option<String> {
        if self.status != status {
            return Some(format!("status {status}, printed {}; {body}", self.status));
        }
        difference(&self.body, body, "")
    }

    /// The same reply, each time with one thing that it says changed.
    pub fn changed(&self) -> Vec<Self> {
        let status = Self { status: self.status + 1, body: self.body.clone() };
        let bodies = changed(&self.body).into_iter().map(|body| Self { status: self.status, body });
        std::iter::once(status).chain(bodies).collect()
    }
}

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
            let mut pairs = printed.iter().take(shown).zip(actual).enumerate();
            pairs.find_map(|(index, (one, other))| difference(one, other, &format!("{at}/{index}")))
        }
        _ => (printed != actual).then(|| format!("{at} is {actual}, printed {printed}")),
    }
}

fn changed(printed: &Value) -> Vec<Value> {
    match printed {
        Value::Object(members) => {
            let said = members.iter().filter(|(key, _)| *key != ANYTHING);
            let with = |key: &String, value| {
                let mut members = members.clone();
                members.insert(key.clone(), value);
                Value::Object(members)
            };
            said.flat_map(|(key, value)| changed(value).into_iter().map(move |value| with(key, value)))
                .collect()
        }
        Value::Array(items) => {
            let with = |index: usize, value: Value| {
                let before = items.iter().take(index).cloned();
                let after = items.iter().skip(index + 1).cloned();
                Value::Array(before.chain([value]).chain(after).collect())
            };
            let said = items.iter().enumerate();
            said.flat_map(|(index, value)| changed(value).into_iter().map(move |value| with(index, value)))
                .collect()
        }
        Value::String(text) if text == ANYTHING => Vec::new(),
        _ => vec![json!("changed by the test")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "Text.\n\n```console\n$ TYPE=text/plain call PUT /a?b=c --data 'one\ntwo'\n{\"a\": [1, \"…\"]}\n200\n```\n\n```\nno call\n```\n\n```console\n$ call POST /d --data-binary @file.yml\n404\n```\n";

    #[test]
    fn blocks_of_calls_are_found_with_what_is_sent_and_answered() {
        let calls = printed_calls(PAGE);

        let [one, other] = &calls[..] else { panic!("{calls:?}") };
        assert_eq!((one.line, one.method.as_str(), one.path.as_str()), (4, "PUT", "/a?b=c"));
        assert_eq!(
            (one.media.as_str(), &one.data),
            ("text/plain", &PrintedData::Text("one\ntwo".to_owned()))
        );
        assert_eq!((one.reply.status, &one.reply.body), (200, &json!({"a": [1, "…"]})));
        assert_eq!((other.media.as_str(), other.reply.status), ("application/json", 404));
        assert_eq!(other.data, PrintedData::File("file.yml".to_owned()));
        assert_eq!(other.reply.body, Value::Null);
    }

    #[test]
    #[should_panic(expected = "line 2: no status")]
    fn block_without_a_status_is_told_with_its_line() {
        printed_calls("```console\n$ call GET /a\n{}\n```\n");
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

    #[test]
    fn everything_that_is_said_is_changed_once() {
        let reply =
            PrintedReply { status: 200, body: json!({"a": [1, "…"], "b": {"c": null, "…": "…"}}) };

        let changed = reply.changed();

        assert_eq!(changed.len(), 3);
        let actual = json!({"a": [1, 2], "b": {"c": null, "d": 5}});
        assert_eq!(reply.difference(200, &actual), None);
        assert!(changed.iter().all(|changed| changed.difference(200, &actual).is_some()));
    }
}
