//! Values placed inside the quotes of a query language (architecture §13.18).

use super::Finding;
use super::visit::{self, Position, Visit};
use crate::template::{Piece, Template};

pub(super) fn lint(visits: &[Visit<'_>], findings: &mut Vec<Finding>) {
    for visit in visits {
        for text in visit::texts(visit.request) {
            let found = match text.position {
                Position::Path | Position::Query => quoted_value(text.template, Dialect::Plain),
                Position::Body => quoted_value(text.template, Dialect::Json),
                Position::Header | Position::Output => None,
            };
            let Some(name) = found else { continue };
            let message = format!(
                "`<{name}>` stands inside the quotes of a query; a value that holds such a quote could change what is asked"
            );
            findings.push(
                Finding::value(text.place, "spec::lint_quoted_value", message).help(
                    "such values are escaped or refused before sending; a request that takes the value as a param of its own is safer",
                ),
            );
        }
    }
}

/// What surrounds the query.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// The template is the query: both kinds of quotes open a text.
    Plain,
    /// The query is a JSON string: `"` ends it, `'` and `\"` open a text of the query.
    Json,
}

/// The first placeholder that stands in a quoted text which an operator leads up to.
fn quoted_value(template: &Template, dialect: Dialect) -> Option<&str> {
    let json = template.source().trim_start().starts_with(['{', '[']);
    if dialect == Dialect::Plain && json {
        // A param that holds JSON: its quotes are JSON's, unless a query is inside.
        return scan(template, Dialect::Json);
    }
    scan(template, dialect)
}

fn scan(template: &Template, dialect: Dialect) -> Option<&str> {
    let mut open: Option<&'static str> = None;
    let mut before = String::new();
    for piece in template.pieces() {
        match piece {
            Piece::Placeholder(placeholder) => {
                if open.is_some() {
                    return Some(&placeholder.name);
                }
                before.push('x');
            }
            Piece::Literal(text) => {
                let mut rest = text.as_str();
                while let Some(character) = rest.chars().next() {
                    let mark = opening_mark(rest, dialect);
                    match (open, mark) {
                        (Some(current), Some(mark)) if current == mark => open = None,
                        (None, Some(mark)) if leads_to_value(&before) => open = Some(mark),
                        (Some(_) | None, _) => {}
                    }
                    if dialect == Dialect::Json && character == '"' {
                        open = None;
                        before.clear();
                    }
                    let step = mark.map_or(character.len_utf8(), str::len);
                    before.push(character);
                    rest = rest.get(step..).unwrap_or_default();
                }
            }
        }
    }
    None
}

fn opening_mark(rest: &str, dialect: Dialect) -> Option<&'static str> {
    let marks: &[&'static str] = match dialect {
        Dialect::Plain => &["'", "\""],
        Dialect::Json => &["'", "\\\""],
    };
    marks.iter().copied().find(|mark| rest.starts_with(mark))
}

/// Whether what was written so far ends in an operator that takes a text.
fn leads_to_value(before: &str) -> bool {
    let before = before.trim_end();
    if before.ends_with(['=', ':', '(', ',', '~', '>', '<', '%', '+']) {
        return true;
    }
    let word = before.rsplit(|character: char| !character.is_ascii_alphabetic()).next().unwrap_or_default();
    ["like", "ilike", "eq", "ne", "is", "in", "contains", "matches", "startswith"]
        .contains(&word.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::soql("SELECT Id FROM Contact WHERE Email='<email>'", true)]
    #[case::like("name LIKE '%<email>%'", true)]
    #[case::search("email:\"<email>\"", true)]
    #[case::odata("userName eq \"<email>\"", true)]
    #[case::in_list("id IN ('1', '<id>')", true)]
    #[case::bare("<email>", false)]
    #[case::unquoted("email=<email>", false)]
    #[case::closed("state='open' AND id=<id>", false)]
    #[case::json_param("{\"email\": \"<email>\"}", false)]
    fn params_with_a_query_are_told_from_plain_ones(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(quoted_value(&Template::parse(text), Dialect::Plain).is_some(), expected);
    }

    #[rstest]
    #[case::json("{\"email\": \"<email>\"}", false)]
    #[case::sql("{\"query\": \"select * from t where e = '<email>'\"}", true)]
    #[case::graphql("{\"query\": \"{ user(email: \\\"<email>\\\") { id } }\"}", true)]
    #[case::apostrophe("{\"note\": \"don't\", \"email\": \"<email>\"}", false)]
    #[case::variables(
        "{\"query\": \"query($e: String!) { u(e: $e) }\", \"variables\": {\"e\": \"<email>\"}}",
        false
    )]
    fn queries_in_bodies_are_told_from_plain_json(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(quoted_value(&Template::parse(text), Dialect::Json).is_some(), expected);
    }
}
