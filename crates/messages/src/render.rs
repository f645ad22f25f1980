//! The language of templates: names to be filled in, and parts that stand only where a name has a value.
//! No loops, no calculation: a template can neither hang nor grow.

use serde_json::{Map, Value};
use thiserror::Error;

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RenderError {
    /// Braces that are not closed.
    #[error("`{{{{` without `}}}}`; write `{{{{ name }}}}`")]
    Open,
    /// A name that messages of this kind do not have.
    #[error("`{name}` is not known here; {help}")]
    Unknown {
        /// The name.
        name: String,
        /// What to write.
        help: String,
    },
    /// A part that does not end, or ends and did not begin.
    #[error(
        "`{name}` begins or ends a part without its other end; write `{{{{#{name}}}}}` and `{{{{/{name}}}}}`"
    )]
    Part {
        /// The part's name.
        name: String,
    },
    /// Parts in parts in parts.
    #[error("parts stand in each other more than {DEPTH} deep; take some out")]
    Deep,
}

/// How deep parts may stand in each other.
const DEPTH: usize = 8;

/// Names that may be written `__LIKE_THIS__`, as templates of Fides do.
const UNDERSCORED: [&str; 6] = ["code", "minutes", "download_link", "days", "denial_reason", "request_types"];

/// What becomes of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// They stand as they are.
    Text,
    /// They cannot be taken for HTML.
    Html,
}

/// One token of a template.
#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Text(&'a str),
    Value(&'a str),
    Begin(&'a str, Wanted),
    End(&'a str),
}

/// Where a part stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    There,
    Absent,
}

/// Fills in a template. What has no value is empty.
pub(crate) fn render(template: &str, values: &Map<String, Value>, form: Form) -> Result<String, RenderError> {
    let mut out = String::new();
    // Whether what stands between here and the part's end is shown.
    let mut parts: Vec<(&str, bool)> = Vec::new();
    for token in tokens(template)? {
        let shown = parts.iter().all(|(_, shown)| *shown);
        match token {
            Token::Text(text) if shown => out.push_str(&filled(text, values, form)),
            Token::Value(name) if shown => out.push_str(&escaped(&text_of(values.get(name)), form)),
            Token::Text(_) | Token::Value(_) => {}
            Token::Begin(name, wanted) => {
                let there = !text_of(values.get(name)).is_empty();
                parts.push((name, there == (wanted == Wanted::There)));
                if parts.len() > DEPTH {
                    return Err(RenderError::Deep);
                }
            }
            Token::End(name) => {
                if parts.pop().map(|(open, _)| open) != Some(name) {
                    return Err(RenderError::Part { name: name.to_owned() });
                }
            }
        }
    }
    match parts.pop() {
        None => Ok(out),
        Some((name, _)) => Err(RenderError::Part { name: name.to_owned() }),
    }
}

/// Whether a text is a template with these names only.
pub(crate) fn check(template: &str, known: &[&str]) -> Result<(), RenderError> {
    for token in tokens(template)? {
        match token {
            Token::Text(text) => {
                let is_written = |name: &&str| text.contains(&format!("__{}__", name.to_uppercase()));
                let mut written = UNDERSCORED.iter().copied().filter(is_written);
                if let Some(name) = written.find(|name| !known.contains(name)) {
                    return Err(unknown(name, known));
                }
            }
            Token::Value(name) | Token::Begin(name, _) | Token::End(name) => {
                if !known.contains(&name) {
                    return Err(unknown(name, known));
                }
            }
        }
    }
    render(template, &Map::new(), Form::Text).map(|_| ())
}

fn unknown(name: &str, known: &[&str]) -> RenderError {
    let near = known.iter().find(|known| strsim::damerau_levenshtein(name, known) <= 2);
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there is nothing to be filled in".to_owned(),
        None => format!("there are {}", known.join(", ")),
    };
    RenderError::Unknown { name: name.to_owned(), help }
}

fn tokens(template: &str) -> Result<Vec<Token<'_>>, RenderError> {
    let (mut tokens, mut rest) = (Vec::new(), template);
    while let Some((before, after)) = rest.split_once("{{") {
        tokens.push(Token::Text(before));
        let (inside, after) = after.split_once("}}").ok_or(RenderError::Open)?;
        let inside = inside.trim();
        tokens.push(match inside.chars().next() {
            Some('#') => Token::Begin(inside.trim_start_matches('#').trim(), Wanted::There),
            Some('^') => Token::Begin(inside.trim_start_matches('^').trim(), Wanted::Absent),
            Some('/') => Token::End(inside.trim_start_matches('/').trim()),
            Some(_) | None => Token::Value(inside),
        });
        rest = after;
    }
    tokens.push(Token::Text(rest));
    Ok(tokens)
}

/// Text with what is written `__LIKE_THIS__` filled in, from left to right, so that a value is never
/// looked at again.
fn filled(text: &str, values: &Map<String, Value>, form: Form) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    'text: while let Some(at) = rest.find("__") {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        for name in UNDERSCORED {
            let written = format!("__{}__", name.to_uppercase());
            if let Some(after) = from.strip_prefix(&written) {
                out.push_str(&escaped(&text_of(values.get(name)), form));
                rest = after;
                continue 'text;
            }
        }
        out.push('_');
        rest = from.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// A value as text; lists are joined by commas.
fn text_of(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null | Value::Bool(false) | Value::Object(_)) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Array(list)) => list.iter().map(|one| text_of(Some(one))).collect::<Vec<_>>().join(", "),
    }
}

fn escaped(text: &str, form: Form) -> String {
    match form {
        Form::Text => text.to_owned(),
        Form::Html => {
            let mut out = String::with_capacity(text.len());
            for one in text.chars() {
                match one {
                    '&' => out.push_str("&amp;"),
                    '<' => out.push_str("&lt;"),
                    '>' => out.push_str("&gt;"),
                    '"' => out.push_str("&quot;"),
                    '\'' => out.push_str("&#39;"),
                    other => out.push(other),
                }
            }
            out
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn values() -> Map<String, Value> {
        let Value::Object(values) = json!({
            "code": "123456", "minutes": 10, "request_types": ["access", "erasure"],
            "denial_reason": "__CODE__ {{code}} <b>", "empty": "",
        }) else {
            unreachable!()
        };
        values
    }

    // rule: privacy-requests MSG-4
    #[rstest]
    #[case("Your code: {{ code }}", "Your code: 123456")]
    #[case("__CODE__ for __MINUTES__ minutes", "123456 for 10 minutes")]
    #[case("{{request_types}}", "access, erasure")]
    #[case("{{#code}}yes{{/code}}{{^code}}no{{/code}}", "yes")]
    #[case("{{#empty}}yes{{/empty}}{{^empty}}no{{/empty}}", "no")]
    #[case("{{#code}}a{{#empty}}b{{/empty}}c{{/code}}", "ac")]
    #[case("snake__case __ ___ __OTHER__", "snake__case __ ___ __OTHER__")]
    #[case("{{denial_reason}}", "__CODE__ {{code}} <b>")]
    #[case("__DENIAL_REASON__", "__CODE__ {{code}} <b>")]
    #[case("{{nothing}}", "")]
    fn names_are_filled_in_and_values_are_not_looked_at_again(
        #[case] template: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(render(template, &values(), Form::Text).unwrap(), expected);
    }

    #[test]
    fn a_value_cannot_be_taken_for_html() {
        let shown = render("<p>{{denial_reason}}</p>", &values(), Form::Html).unwrap();

        assert_eq!(shown, "<p>__CODE__ {{code}} &lt;b&gt;</p>");
    }

    #[rstest]
    #[case::open("{{ code", "without `}}`")]
    #[case::unknown("{{ cod }}", "did you mean `code`?")]
    #[case::far("{{ colour }}", "there are code")]
    #[case::unended("{{#code}}", "`code` begins or ends")]
    #[case::unbegun("{{/code}}", "`code` begins or ends")]
    #[case::crossed("{{#code}}{{^code}}{{/code}}", "begins or ends")]
    #[case::injection("{{ self.__init__ }}", "`self.__init__` is not known")]
    #[case::calculation("{{ 7*7 }}", "`7*7` is not known")]
    fn what_is_no_template_is_told(#[case] template: &str, #[case] says: &str) {
        let error = check(template, &["code"]).unwrap_err().to_string();

        assert!(error.contains(says), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_is_rendered_or_refused(text in ".{0,200}", braces in "[{}#/^ a]{0,40}") {
            for template in [text, braces] {
                let _ = render(&template, &values(), Form::Html);
            }
        }
    }
}
