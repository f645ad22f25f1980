use std::borrow::Cow;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use super::pseudonym::{Pseudonyms, is_url};

/// What stands where a secret stood.
const REDACTED: &str = "REDACTED";
/// Values as short as this are replaced only where they stand alone, not inside words.
const SHORT: usize = 6;
/// Numbers of so many digits are ids.
pub(super) const LONG_NUMBER: usize = 5;
/// Shorter secrets are removed only where they are the whole value.
const SHORTEST_SECRET_INSIDE: usize = 4;
/// What must be encoded in a path segment so that it stays one.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'/')
    .add(b'%')
    .add(b'\\');
/// Names of query parameters, form fields and JSON members whose values are secrets.
const SECRET_NAMES: [&str; 23] = [
    "access_token",
    "accesstoken",
    "api_key",
    "apikey",
    "assertion",
    "auth",
    "authorization",
    "client_assertion",
    "client_secret",
    "code",
    "id_token",
    "jwt",
    "key",
    "passwd",
    "password",
    "private_key",
    "pwd",
    "refresh_token",
    "secret",
    "session",
    "sig",
    "signature",
    "token",
];

/// Brings calls into the form in which they are kept and compared: without secrets, and, while
/// recording, without persons.
///
/// A replay uses the same form without pseudonyms: there the values are pseudonyms already.
pub(crate) struct Scrub<'a> {
    redact: &'a [String],
    needles: Vec<Needle>,
    names: Option<&'a mut Pseudonyms>,
}

/// A known value in one of the forms in which it may stand in a text.
struct Needle {
    text: String,
    value: String,
    encode: Encoding,
}

impl<'a> Scrub<'a> {
    /// For comparing: secrets only.
    pub(crate) fn secrets(redact: &'a [String]) -> Self {
        Self { redact, needles: Vec::new(), names: None }
    }

    /// For recording: secrets, and `personal` values under their pseudonyms.
    pub(super) fn persons<'v>(
        redact: &'a [String],
        personal: impl Iterator<Item = &'v String>,
        names: &'a mut Pseudonyms,
    ) -> Self {
        let mut needles: Vec<Needle> = personal.flat_map(|value| needles_of(value)).collect();
        needles.sort_by(|a, b| b.text.len().cmp(&a.text.len()).then_with(|| a.text.cmp(&b.text)));
        Self { redact, needles, names: Some(names) }
    }

    /// The canonical form of a URL.
    pub(crate) fn url(&mut self, url: &Url) -> String {
        // Lower case, so that the canonical form of a canonical form is itself.
        let host = self.without_secrets(url.host_str().unwrap_or_default()).to_ascii_lowercase();
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let mut out = format!("{}://{host}{port}", url.scheme());
        for segment in url.path_segments().into_iter().flatten() {
            let decoded = percent_decode_str(segment).decode_utf8_lossy();
            out.push('/');
            let segment = self.known_number(&decoded).unwrap_or_else(|| self.text(&decoded));
            out.extend(utf8_percent_encode(&segment, SEGMENT));
        }
        if let Some(query) = url.query() {
            out.push('?');
            out.push_str(&self.form(query.as_bytes()));
        }
        out
    }

    /// The canonical form of a request body of this content type.
    pub(crate) fn body(&mut self, body: &[u8], content_type: &str) -> Vec<u8> {
        let is_form = content_type.trim_start().starts_with("application/x-www-form-urlencoded");
        match (serde_json::from_slice::<Value>(body), std::str::from_utf8(body)) {
            (_, Ok(_)) if is_form => self.form(body).into_bytes(),
            (Ok(value), _) => self.request_json(&value).to_string().into_bytes(),
            (Err(_), Ok(text)) => self.text(text).into_bytes(),
            (Err(_), Err(_)) => body.to_vec(),
        }
    }

    /// The stand-in for a path segment that is a long number which stood in an answer: links lead by ids that no call
    /// was given. Short numbers are versions and pages.
    fn known_number(&self, segment: &str) -> Option<String> {
        let is_long = segment.len() >= LONG_NUMBER && segment.bytes().all(|byte| byte.is_ascii_digit());
        let known = self.names.as_deref().filter(|_| is_long)?.find(segment)?;
        Some(known.to_owned())
    }

    /// Pairs of a query or form, encoded one way only.
    fn form(&mut self, text: &[u8]) -> String {
        let mut out = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(text) {
            let value = if is_secret_name(&name) { REDACTED.to_owned() } else { self.leaf(&value) };
            out.append_pair(&self.text(&name), &value);
        }
        out.finish()
    }

    fn request_json(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.leaf(text)),
            Value::Number(number) => self.number(number),
            Value::Array(items) => items.iter().map(|item| self.request_json(item)).collect(),
            Value::Object(members) => {
                let mut out = Map::with_capacity(members.len());
                for (key, member) in members {
                    let scalar = matches!(member, Value::String(_) | Value::Number(_));
                    let kept = if is_secret_name(key) && scalar {
                        Value::String(REDACTED.to_owned())
                    } else {
                        self.request_json(member)
                    };
                    out.insert(self.text(key), kept);
                }
                Value::Object(out)
            }
            Value::Null | Value::Bool(_) => value.clone(),
        }
    }

    /// A number that is a known value gets that value's pseudonym; others stay.
    pub(super) fn number(&mut self, number: &serde_json::Number) -> Value {
        let text = number.to_string();
        let known = self.needles.iter().any(|needle| needle.value == text);
        match (&mut self.names, known) {
            (Some(names), true) => number_or_text(names.of(&text)),
            (Some(_), false) | (None, _) => Value::Number(number.clone()),
        }
    }

    /// The stand-in for a whole value. Without a recorder there is none.
    pub(super) fn pseudonym(&mut self, value: &str) -> String {
        match &mut self.names {
            Some(names) => names.of(value),
            None => value.to_owned(),
        }
    }

    /// A whole value that stays as it is but for known values; web addresses part by part.
    pub(super) fn leaf(&mut self, text: &str) -> String {
        if let Some(names) = &mut self.names
            && self.needles.iter().any(|needle| needle.value == text)
        {
            return names.of(text);
        }
        match is_url(text).then(|| Url::parse(text)) {
            Some(Ok(url)) if !self.redact.iter().any(|secret| secret == text) => self.url(&url),
            Some(_) | None => self.text(text),
        }
    }

    /// `text` without secrets, known values and e-mail addresses.
    pub(super) fn text(&mut self, text: &str) -> String {
        if let Some(replaced) = self.encoded_content(text) {
            return replaced;
        }
        let text = self.without_secrets(text);
        if self.names.is_none() {
            return text.into_owned();
        }
        let mails = mail_spans(&text);
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let mail = mails.iter().find(|span| span.start == at);
            let needle = self.needles.iter().find(|needle| needle.stands_at(&text, at));
            let (length, replaced) = match (needle, mail, self.names.as_deref_mut()) {
                (Some(needle), _, Some(names)) => {
                    (needle.text.len(), needle.encode.apply(&names.of(&needle.value)))
                }
                (None, Some(span), Some(names)) => {
                    (span.len(), names.of(text.get(span.clone()).unwrap_or_default()))
                }
                (_, _, _) => {
                    let c = rest.chars().next().unwrap_or_default();
                    (c.len_utf8(), c.to_string())
                }
            };
            out.push_str(&replaced);
            at += length;
        }
        out
    }

    /// Cursors are often Base64 of something readable. If that names a person or holds a secret,
    /// the whole of it is replaced.
    fn encoded_content(&mut self, text: &str) -> Option<String> {
        let decoded = decode_base64(text)?;
        if self.without_secrets(&decoded) != decoded {
            return Some(REDACTED.to_owned());
        }
        let telling = !mail_spans(&decoded).is_empty()
            || self.needles.iter().any(|needle| {
                needle.text.len() >= SHORT && decoded.contains(&needle.text) || needle.text == decoded
            });
        match &mut self.names {
            Some(names) if telling => Some(names.of(text)),
            Some(_) | None => None,
        }
    }

    fn without_secrets<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.redact.iter().any(|secret| secret == text && !secret.is_empty()) {
            return Cow::Borrowed(REDACTED);
        }
        let mut out = Cow::Borrowed(text);
        for secret in self.redact.iter().filter(|secret| secret.len() >= SHORTEST_SECRET_INSIDE) {
            if out.contains(secret.as_str()) {
                out = Cow::Owned(out.replace(secret.as_str(), REDACTED));
            }
        }
        out
    }
}

impl Needle {
    /// Whether this value stands in `text` at `at`; a short one not as part of a word.
    fn stands_at(&self, text: &str, at: usize) -> bool {
        let Some(after) = text.get(at..).and_then(|rest| rest.strip_prefix(self.text.as_str())) else {
            return false;
        };
        let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        self.text.len() >= SHORT
            || !joins(after.chars().next())
                && !joins(text.get(..at).and_then(|before| before.chars().next_back()))
    }
}

/// The ways in which a value is written into a request.
#[derive(Debug, Clone, Copy)]
enum Encoding {
    Plain,
    Percent,
    Form,
    Json,
    DoubledQuotes,
    EscapedQuotes,
}

impl Encoding {
    const ALL: [Self; 6] =
        [Self::Plain, Self::Percent, Self::Form, Self::Json, Self::DoubledQuotes, Self::EscapedQuotes];

    fn apply(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Percent => utf8_percent_encode(text, NON_ALPHANUMERIC)
                .to_string()
                .replace("%2D", "-")
                .replace("%2E", ".")
                .replace("%5F", "_")
                .replace("%7E", "~"),
            Self::Form => form_urlencoded::byte_serialize(text.as_bytes()).collect(),
            Self::Json => {
                let quoted = Value::String(text.to_owned()).to_string();
                quoted.trim_matches('"').to_owned()
            }
            Self::DoubledQuotes => text.replace('\'', "''"),
            Self::EscapedQuotes => text.replace('\'', "\\'"),
        }
    }
}

fn needles_of(value: &str) -> Vec<Needle> {
    let mut needles: Vec<Needle> = Vec::new();
    for encode in Encoding::ALL {
        let text = encode.apply(value);
        if !text.is_empty() && !needles.iter().any(|known| known.text == text) {
            needles.push(Needle { text, value: value.to_owned(), encode });
        }
    }
    needles
}

/// A JSON number if `text` still is one.
pub(super) fn number_or_text(text: String) -> Value {
    match text.parse() {
        Ok(number) => Value::Number(number),
        Err(_) => Value::String(text),
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    SECRET_NAMES.contains(&name.as_str())
}

/// Where e-mail addresses stand in `text`.
fn mail_spans(text: &str) -> Vec<Range<usize>> {
    let in_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-' | '\'');
    let in_domain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
    let mut spans: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.match_indices('@') {
        let (Some(before), Some(after)) = (text.get(..at), text.get(at + 1..)) else { continue };
        // A quotation mark belongs to a name like O'Neill, not to the text around it.
        let name = before.get(before.trim_end_matches(in_name).len()..).unwrap_or_default();
        let name = name.trim_start_matches('\'').len();
        let domain = after.len() - after.trim_start_matches(in_domain).len();
        let domain = after.get(..domain).unwrap_or_default().trim_end_matches(['.', '-']);
        let span = at - name..at + 1 + domain.len();
        if name > 0
            && domain.trim_start_matches('.').contains('.')
            && spans.last().is_none_or(|s| s.end <= span.start)
        {
            spans.push(span);
        }
    }
    spans
}

/// The text inside Base64 of any dialect, if it is one and readable.
fn decode_base64(text: &str) -> Option<String> {
    let plausible = text.len() >= 8
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'='));
    if !plausible {
        return None;
    }
    [&STANDARD, &URL_SAFE, &STANDARD_NO_PAD, &URL_SAFE_NO_PAD]
        .into_iter()
        .find_map(|dialect| dialect.decode(text).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
}
