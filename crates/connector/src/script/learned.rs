//! What a function learned about a person, for recordings.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::Url;

use super::context;
use crate::writes::secret_mark;

/// Shorter texts and numbers stand in an address by chance.
const SHORTEST: usize = 3;
/// Names of members that a recording replaces in an answer: numbers as long as this.
const SHORTEST_NUMBER_AS_NAME: usize = 5;

/// Texts and numbers that a function was given and did not declare: those of answers, and of the privacy
/// request. A recording replaces them in an answer, and so it must in a later call that has them.
///
/// Holds nothing while nothing is recorded.
#[derive(Clone, Default)]
pub(crate) struct Learned {
    values: HashSet<String>,
}

impl Learned {
    /// Takes in everything in `data`.
    pub(super) fn add(&mut self, data: &Value) {
        let mut leaves = Vec::new();
        context::leaves(data, &mut leaves);
        numbers_as_names(data, &mut leaves);
        self.values.extend(leaves.into_iter().filter(|text| text.chars().count() >= SHORTEST));
    }

    /// Those that stand in `url`, in any form. A word that stands in the script's own text says nothing
    /// about a person.
    pub(super) fn used_in<'l>(&'l self, url: &'l Url, script: &'l str) -> impl Iterator<Item = &'l String> {
        let texts = if self.values.is_empty() { Vec::new() } else { texts(url) };
        self.values
            .iter()
            .filter(move |value| texts.iter().any(|text| stands_in(text, value)) && !is_word(script, value))
    }
}

fn numbers_as_names(data: &Value, out: &mut Vec<String>) {
    match data {
        Value::Array(items) => items.iter().for_each(|item| numbers_as_names(item, out)),
        Value::Object(members) => {
            for (name, member) in members {
                let digits = name.strip_prefix('+').unwrap_or(name);
                if digits.len() >= SHORTEST_NUMBER_AS_NAME && digits.bytes().all(|byte| byte.is_ascii_digit())
                {
                    out.push(name.clone());
                }
                numbers_as_names(member, out);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The address, its parts decoded, and what is Base64 in them.
fn texts(url: &Url) -> Vec<String> {
    let segments = url.path_segments().into_iter().flatten();
    let segments = segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned());
    let pairs = url.query_pairs().flat_map(|(name, value)| [name.into_owned(), value.into_owned()]);
    let mut texts: Vec<String> = segments.chain(pairs).collect();
    let decoded: Vec<String> = texts.iter().filter_map(|text| decoded(text)).collect();
    texts.extend(decoded);
    texts.push(url.as_str().to_owned());
    texts
}

fn decoded(text: &str) -> Option<String> {
    [&STANDARD, &URL_SAFE, &STANDARD_NO_PAD, &URL_SAFE_NO_PAD]
        .into_iter()
        .find_map(|dialect| dialect.decode(text).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
}

fn stands_in(text: &str, value: &str) -> bool {
    let forms = [
        secret_mark::in_path(value),
        secret_mark::in_form(value),
        secret_mark::in_json(value),
        value.replace('\'', "''"),
        value.replace('\'', "\\'"),
    ];
    text.contains(value) || forms.iter().any(|form| text.contains(form.as_str()))
}

fn is_word(script: &str, value: &str) -> bool {
    let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    script.match_indices(value).any(|(at, _)| {
        let (before, after) = (script.get(..at), script.get(at + value.len()..));
        !joins(before.and_then(|text| text.chars().next_back()))
            && !joins(after.and_then(|text| text.chars().next()))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::path("https://x.test/by/Lopez%20Garcia", &["Lopez Garcia"])]
    #[case::form("https://x.test/?q=Lopez+Garcia", &["Lopez Garcia"])]
    #[case::inside("https://x.test/?q=name+eq+%27O%27%27Neill%27", &["O'Neill"])]
    #[case::base64("https://x.test/?after=eyJhdCI6Ik8nTmVpbGwifQ", &["O'Neill"])]
    #[case::number("https://x.test/people/4711", &["4711"])]
    #[case::number_as_name("https://x.test/people/30012345", &["30012345"])]
    #[case::word_of_the_script("https://x.test/people/active", &[])]
    #[case::short("https://x.test/people/7", &[])]
    #[case::other("https://x.test/people/all", &[])]
    fn what_stands_in_an_address_is_found_in_every_form(#[case] url: &str, #[case] expected: &[&str]) {
        let mut learned = Learned::default();
        learned.add(&json!({
            "name": ["Lopez Garcia", {"alias": "O'Neill"}],
            "id": 4711,
            "state": "active",
            "n": 7,
            "by": {"30012345": true, "people": 1},
        }));
        let url = url.parse().unwrap();

        let mut found: Vec<&String> =
            learned.used_in(&url, "fetch({\"path\": \"/people/active\"})").collect();

        found.sort();
        assert_eq!(found, expected.iter().collect::<Vec<_>>());
    }
}
