//! Templates to text, each value escaped for the place it stands in (saas-config 11.4–11.5, architecture §13.18).
//!
//! Filling is a single pass: a value is never searched for placeholders. A value cannot leave its
//! place: in a path it stays one segment, in JSON one string or one value, in a quoted query one
//! literal.

mod path;
mod quote;
mod value;

use model::text_form;
use serde_json::Value;
use spec::template::{Piece, Placeholder, Template};
use thiserror::Error;

pub(crate) use path::encode_fixed_path;
use quote::{Quoting, Scanner};

use crate::values::{Origin, ValueMap};

/// Where the text will stand; decides the escaping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A URL path, returned percent-encoded and ready to use.
    Path,
    /// The value of a query param, returned before form-encoding.
    Query,
    /// The value of a header.
    Header,
    /// A JSON text: bodies (also those that will be form-encoded) and `output` templates.
    Json,
    /// A text without syntax of its own: plain bodies.
    Text,
    /// A user name, password, token or host: taken as it is.
    Plain,
}

/// A filled template.
#[derive(Default)]
pub(crate) struct Filled {
    /// The text.
    pub(crate) text: String,
    /// Personal values that went into it, for recordings.
    pub(crate) personal: Vec<String>,
    /// Values that differ in every run, for recordings.
    pub(crate) changing: Vec<String>,
    /// A secret went into it.
    pub(crate) secret: bool,
    /// An identity of the person went into it.
    pub(crate) identity: bool,
    /// An optional placeholder without value was taken out.
    pub(crate) removed: bool,
}

/// Why a template cannot be filled. Names placeholders, never values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FillError {
    /// Required placeholders without a value.
    #[error("nothing is known for {}", names_text(.names))]
    Missing {
        /// Names of the placeholders, in order.
        names: Vec<String>,
    },
    /// A line break or another control character where none may stand.
    #[error("the value of `<{name}>` holds a control character; remove line breaks and tabs from it")]
    Control {
        /// Name of the placeholder.
        name: String,
    },
    /// A path value that would lead to another resource.
    #[error("the value of `<{name}>` is empty, `.` or `..`, which would change the path; it was not sent")]
    PathValue {
        /// Name of the placeholder.
        name: String,
    },
    /// A value with a quote inside the quotes of a query whose language is not recognised.
    #[error(
        "the value of `<{name}>` holds a quote or a backslash and stands inside the quotes of a query whose \
         language is not recognised; it was not sent, because it could change the query"
    )]
    Quoted {
        /// Name of the placeholder.
        name: String,
    },
    /// Many values where one has its place.
    #[error(
        "the values of `<{name}>` have no place here: a batch stands in a JSON body, as `[\"<{name}>\"]`"
    )]
    Batch {
        /// Name of the placeholder.
        name: String,
    },
}

/// `a`, `b` and `c`, each in backticks.
pub(crate) fn names_text(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// Fills templates from one map.
#[derive(Clone, Copy)]
pub(crate) struct Filler<'a> {
    values: &'a ValueMap,
    /// The request goes to an API that takes SOQL, whose quotes are escaped with a backslash.
    soql: bool,
}

impl<'a> Filler<'a> {
    /// A filler over `values`.
    pub(crate) fn new(values: &'a ValueMap) -> Self {
        Self { values, soql: false }
    }

    /// The same filler for a request to `path`; it tells SOQL from SQL.
    pub(crate) fn for_path(self, path: &Template) -> Self {
        Self { soql: path.source().contains("/services/data/"), ..self }
    }

    /// Fills `template` for `place`.
    pub(crate) fn fill(self, template: &Template, place: Place) -> Result<Filled, FillError> {
        let missing: Vec<String> = self.missing(template);
        if !missing.is_empty() {
            return Err(FillError::Missing { names: missing });
        }
        let mut run = Run {
            filler: self,
            place,
            template,
            scanner: Scanner::new(place == Place::Json),
            filled: Filled::default(),
            after_removed_quote: false,
        };
        let pieces = template.pieces();
        for (index, piece) in pieces.iter().enumerate() {
            match piece {
                Piece::Literal(text) => run.literal(text),
                Piece::Placeholder(placeholder) => run.placeholder(placeholder, pieces.get(index + 1))?,
            }
        }
        Ok(run.filled)
    }

    /// Names of the required placeholders without a value, in order, each once.
    pub(crate) fn missing(self, template: &Template) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for placeholder in template.placeholders() {
            if !placeholder.optional
                && self.values.find(&placeholder.path).is_none()
                && !names.contains(&placeholder.name)
            {
                names.push(placeholder.name.clone());
            }
        }
        names
    }
}

/// One filling in progress.
struct Run<'a> {
    filler: Filler<'a>,
    place: Place,
    template: &'a Template,
    scanner: Scanner,
    filled: Filled,
    /// The next literal starts with a quote that belongs to a placeholder replaced by `null`.
    after_removed_quote: bool,
}

impl Run<'_> {
    fn literal(&mut self, text: &str) {
        let text = if std::mem::take(&mut self.after_removed_quote) {
            text.strip_prefix('"').unwrap_or(text)
        } else {
            text
        };
        self.scanner.feed(text);
        if self.place == Place::Path {
            self.filled.text.push_str(&encode_fixed_path(text));
        } else {
            self.filled.text.push_str(text);
        }
    }

    fn placeholder(&mut self, placeholder: &Placeholder, next: Option<&Piece>) -> Result<(), FillError> {
        let Some(value) = self.filler.values.find(&placeholder.path) else {
            self.without_value(next);
            return Ok(());
        };
        let origin = self.filler.values.origin(&placeholder.path).unwrap_or(Origin::Special);
        self.filled.secret |= origin == Origin::Secret;
        self.filled.identity |= origin == Origin::Identity;
        if origin.is_personal() {
            value::collect_texts(value, &mut self.filled.personal);
        } else if origin.is_changing() && placeholder.name != "field_list" {
            value::collect_texts(value, &mut self.filled.changing);
        }
        if let Value::Array(items) = value
            && self.filler.values.is_batch(&placeholder.name)
        {
            return self.batch(placeholder, items, next);
        }
        let text = self.escaped(placeholder, value, origin)?;
        self.filled.text.push_str(&text);
        self.scanner.value_stands_here();
        Ok(())
    }

    /// `"<name>"` becomes one text for each value, a bare `<name>` the list itself.
    fn batch(
        &mut self,
        placeholder: &Placeholder,
        items: &[Value],
        next: Option<&Piece>,
    ) -> Result<(), FillError> {
        let in_json = self.place == Place::Json;
        if in_json && self.is_quoted(next) {
            let text = |item: &Value| Value::String(text_form(item).unwrap_or_default()).to_string();
            self.filled.text.pop();
            self.filled.text.push_str(&items.iter().map(text).collect::<Vec<_>>().join(", "));
            self.after_removed_quote = true;
            self.scanner.close();
            return Ok(());
        }
        if in_json && !self.scanner.in_json_string() {
            self.filled.text.push_str(&Value::Array(items.to_vec()).to_string());
            self.scanner.value_stands_here();
            return Ok(());
        }
        Err(FillError::Batch { name: placeholder.name.clone() })
    }

    /// Whether the placeholder is all that stands between two quotes.
    fn is_quoted(&self, next: Option<&Piece>) -> bool {
        self.filled.text.ends_with('"')
            && matches!(next, Some(Piece::Literal(text)) if text.starts_with('"'))
            && self.scanner.just_opened()
    }

    /// An optional placeholder without value: `"<name?>"` becomes `null`, so does a bare one in
    /// JSON; anywhere else it disappears.
    fn without_value(&mut self, next: Option<&Piece>) {
        let quoted = self.is_quoted(next);
        self.filled.removed = true;
        if quoted && self.place != Place::Path {
            self.filled.text.pop();
            self.filled.text.push_str("null");
            self.after_removed_quote = true;
            self.scanner.close();
        } else if self.place == Place::Json && !self.scanner.in_json_string() {
            self.filled.text.push_str("null");
        }
    }

    fn escaped(&self, placeholder: &Placeholder, value: &Value, origin: Origin) -> Result<String, FillError> {
        let name = || placeholder.name.clone();
        if self.place == Place::Json && !self.scanner.in_json_string() {
            return Ok(value::as_json(value, origin));
        }
        let text = text_form(value).unwrap_or_default();
        let control_allowed = matches!(self.place, Place::Json | Place::Text);
        let quoting = match self.place {
            Place::Plain => Quoting::None,
            Place::Path | Place::Query | Place::Header | Place::Json | Place::Text => {
                self.scanner.quoting(self.template.source(), self.filler.soql)
            }
        };
        if text.chars().any(char::is_control) && (!control_allowed || quoting != Quoting::None) {
            return Err(FillError::Control { name: name() });
        }
        let text = quoting.escape(&text).ok_or_else(|| FillError::Quoted { name: name() })?;
        Ok(match self.place {
            Place::Path => {
                if !self.scanner.after_question_mark() && path::leads_elsewhere(&text) {
                    return Err(FillError::PathValue { name: name() });
                }
                path::encode_value(&text)
            }
            Place::Json => value::json_escaped(&text),
            Place::Query | Place::Header | Place::Text | Place::Plain => text,
        })
    }
}

#[cfg(test)]
mod tests;
