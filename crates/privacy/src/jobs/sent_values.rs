//! The values in a request that may name the person: what stands where its file has placeholders.

use std::collections::BTreeSet;

use model::text_form;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use spec::connector_file::{QueryValue, Request};
use spec::template::{Piece, Template};
use url::{Url, form_urlencoded};

use crate::plan::Call;

/// Values of `call`, as texts: in its path, query, declared headers and body, whatever the body's form.
/// Without the request that it was made by, everything in path, query and body.
pub(super) fn sent_values(call: &Call, request: Option<&Request>) -> BTreeSet<String> {
    let Call::Http { url, headers, body, .. } = call else { return BTreeSet::new() };
    let mut found = BTreeSet::new();
    if let Ok(url) = url.parse::<Url>() {
        let path = request.and_then(|request| Some(request.target.as_ref()?.path.source()));
        in_path(url.path(), path.unwrap_or_default(), &mut found);
        for (name, value) in url.query_pairs() {
            let declared = request.and_then(|request| query_template(request, &name));
            found.extend(filled_or_all(declared.as_ref(), &value));
        }
    }
    for declared in request.iter().flat_map(|request| &request.headers) {
        let sent = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(&declared.name));
        found.extend(sent.flat_map(|(_, value)| filled_or_all(Some(&declared.value), value)));
    }
    let template = request.and_then(|request| request.body.as_ref());
    let declared = template.map(Declared::of).unwrap_or_default();
    match body {
        None => {}
        Some(Value::String(text)) if is_form(headers) => {
            for (name, value) in form_urlencoded::parse(text.as_bytes()) {
                declared.take(&name, &value, &mut found);
            }
        }
        Some(Value::String(text)) => found.extend(filled_or_all(template, text)),
        Some(body) => leaves("", body, &mut |name, text| declared.take(name, text, &mut found)),
    }
    found.remove("");
    found
}

/// A path of the application may stand before the one in the file, so they are compared from the end.
fn in_path(path: &str, declared: &str, found: &mut BTreeSet<String>) {
    let declared = declared.split_once('?').map_or(declared, |(path, _)| path);
    let mut templates = declared.rsplit('/');
    for segment in path.rsplit('/') {
        let template = templates.next().map(Template::parse);
        found.extend(filled_or_all(template.as_ref(), &percent_decode_str(segment).decode_utf8_lossy()));
    }
}

fn query_template(request: &Request, name: &str) -> Option<Template> {
    let declared = request.query_params.iter().find(|param| param.name == name);
    if let Some(declared) = declared {
        return Some(match &declared.value {
            QueryValue::Text(template) => template.clone(),
            QueryValue::Integer(number) => Template::parse(&number.to_string()),
        });
    }
    let (_, query) = request.target.as_ref()?.path.source().split_once('?')?;
    let (_, value) = query.split('&').filter_map(|pair| pair.split_once('=')).find(|pair| pair.0 == name)?;
    Some(Template::parse(value))
}

fn is_form(headers: &[(String, String)]) -> bool {
    let mut types = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    types.any(|(_, value)| value.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded"))
}

/// What a JSON body has in the file.
#[derive(Default)]
struct Declared {
    /// Texts and numbers without placeholders.
    literals: BTreeSet<String>,
    /// Texts with placeholders, each with the name of its member.
    templates: Vec<(String, Template)>,
}

impl Declared {
    fn of(template: &Template) -> Self {
        let mut declared = Self::default();
        match serde_json::from_str::<Value>(&with_nulls(template)) {
            Ok(body) => leaves("", &body, &mut |name, text| {
                let template = Template::parse(text);
                if template.placeholders().next().is_some() {
                    declared.templates.push((name.to_owned(), template));
                } else {
                    declared.literals.insert(text.to_owned());
                }
            }),
            // A placeholder that stands for members, not for a value: only texts can be told.
            Err(_) => declared.literals.extend(template.source().split('"').map(str::to_owned)),
        }
        declared
    }

    fn take(&self, name: &str, text: &str, found: &mut BTreeSet<String>) {
        if self.literals.contains(text) {
            return;
        }
        found.insert(text.to_owned());
        for (_, template) in self.templates.iter().filter(|(declared, _)| declared == name) {
            found.extend(filled(template, text).unwrap_or_default());
        }
    }
}

/// The template with `null` for every placeholder that stands outside of a JSON text.
fn with_nulls(template: &Template) -> String {
    let mut out = String::new();
    let (mut is_text, mut is_escaped) = (false, false);
    for piece in template.pieces() {
        match piece {
            Piece::Literal(literal) => {
                for character in literal.chars() {
                    is_text ^= character == '"' && !is_escaped;
                    is_escaped = character == '\\' && !is_escaped;
                }
                out.push_str(literal);
            }
            Piece::Placeholder(placeholder) if is_text => {
                out.push('<');
                out.push_str(&placeholder.name);
                out.push('>');
            }
            Piece::Placeholder(_) => out.push_str("null"),
        }
    }
    out
}

/// What stands in `text` for the placeholders of `template`; all of it if it does not fit.
fn filled_or_all(template: Option<&Template>, text: &str) -> Vec<String> {
    template.and_then(|template| filled(template, text)).unwrap_or_else(|| vec![text.to_owned()])
}

fn filled(template: &Template, text: &str) -> Option<Vec<String>> {
    let (mut found, mut rest, mut is_open) = (Vec::new(), text, false);
    for piece in template.pieces() {
        match piece {
            Piece::Literal(literal) if is_open => {
                let (value, after) = rest.split_once(literal.as_str())?;
                found.push(value.to_owned());
                (rest, is_open) = (after, false);
            }
            Piece::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
            Piece::Placeholder(_) => is_open = true,
        }
    }
    if is_open {
        found.push(rest.to_owned());
    } else if !rest.is_empty() {
        return None;
    }
    Some(found)
}

/// Every text and number in `value`, with the name of the member that it stands in.
fn leaves(name: &str, value: &Value, found: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(_) | Value::String(_) => found(name, &text_form(value).unwrap_or_default()),
        Value::Array(items) => items.iter().for_each(|item| leaves(name, item, found)),
        Value::Object(members) => members.iter().for_each(|(name, member)| leaves(name, member, found)),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;
    use spec::{CheckOptions, SourceFile, check_connector};

    use super::*;

    const FILE: &str = "
saas_config:
  fides_key: app
  name: App
  type: app
  description: Made up
  version: 1.0.0
  connector_params: [{name: domain}]
  client_config: {protocol: https, host: <domain>}
  test_request: {method: GET, path: /ping}
  endpoints:
    - name: people
      requests:
        read: {method: GET, path: /people, param_values: [{name: email, identity: email}], query_params: [{name: e, value: <email>}]}
        delete:
          method: POST
          path: /people/user_id:<id>/erasures
          headers: [{name: X-Of, value: of <id>}, {name: X-Fixed, value: fixed}]
          query_params: [{name: also, value: <other>}, {name: mode, value: all}, {name: limit, value: 100}]
          param_values: &ids
            - {name: id, references: [{dataset: app, field: people.id, direction: from}]}
            - {name: other, references: [{dataset: app, field: people.other, direction: from}]}
          body: BODY
";

    fn request(body: &str) -> Request {
        let file = FILE.replace("BODY", &format!("'{body}'"));
        let checked = check_connector(&SourceFile::new("app.yml", file), &CheckOptions::default());
        let file = checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
        file.endpoints[0].delete[0].clone()
    }

    fn call(url: &str, headers: &[(&str, &str)], body: Option<Value>) -> Call {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Call::Http {
            endpoint: "people".into(),
            place: "endpoints.people.delete[0]".into(),
            method: "POST".into(),
            url: url.to_owned(),
            headers: headers.collect(),
            body,
        }
    }

    fn values(call: &Call, request: Option<&Request>) -> Vec<String> {
        sent_values(call, request).into_iter().collect()
    }

    const URL: &str =
        "https://api.example.com/v1/people/user_id:u%2F1/erasures?also=o%201&mode=all&limit=100";
    const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

    #[test]
    fn values_in_path_query_and_headers_are_found_and_what_the_file_says_is_not() {
        let headers = [("x-of", "of u9"), ("X-Fixed", "fixed"), ("Accept", "text/html")];

        let found = values(&call(URL, &headers, None), Some(&request(r#"{"id": "<id>"}"#)));

        assert_eq!(found, ["o 1", "u/1", "u9", "v1"]);
    }

    #[rstest]
    #[case::json(&[], json!({"ids": ["u1", "u2"], "type": "USER_ID", "n": 12}), &["12", "u1", "u2"])]
    #[case::form(&[FORM], json!("ids=u1&type=USER_ID&n=1%202"), &["1 2", "u1"])]
    #[case::in_a_text(&[], json!({"query": "id = \"u1\"", "type": "USER_ID"}), &["id = \"u1\"", "u1"])]
    fn values_in_a_body_are_found_whatever_its_form(
        #[case] headers: &[(&str, &str)],
        #[case] body: Value,
        #[case] expected: &[&str],
    ) {
        let declared = r#"{"ids": ["<id>"], "n": <other>, "type": "USER_ID", "query": "id = \"<id>\""}"#;
        let url = "https://api.example.com/people/user_id:u1/erasures";

        let found = values(&call(url, headers, Some(body)), Some(&request(declared)));

        let expected: BTreeSet<_> = expected.iter().copied().chain(["u1"]).collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn where_members_are_filled_in_only_the_texts_of_the_file_are_left_out() {
        let declared = r#"{"type": "USER_ID", <masked_object_fields>}"#;
        let url = "https://api.example.com/people/user_id:u1/erasures";
        let body = json!({"type": "USER_ID", "name": "Ana"});

        let found = values(&call(url, &[], Some(body)), Some(&request(declared)));

        assert_eq!(found, ["Ana", "u1"]);
    }

    #[test]
    fn without_a_request_everything_counts() {
        let found = values(&call(URL, &[FORM], Some(json!("a=b"))), None);

        assert_eq!(found, ["100", "all", "b", "erasures", "o 1", "people", "user_id:u/1", "v1"]);
    }
}
