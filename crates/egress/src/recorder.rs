mod keep;
mod pseudonym;
mod scrub;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::{CONTENT_TYPE, LINK};
use http::{HeaderMap, HeaderName};
use serde_json::{Map, Value};
use url::Url;

use crate::{Cassette, HttpReply, HttpRequest, Interaction, RecordedReply, RecordedRequest};
use keep::{Keep, Position};
use pseudonym::Pseudonyms;
pub(crate) use scrub::Scrub;

/// Known values shorter than this count only for the call that names them.
const SHORTEST_REMEMBERED: usize = 3;

/// Keeps calls and answers without secrets and persons (architecture §13.20). Clones share what
/// they keep.
///
/// - Of headers, only those stay that say how to read the answer and when to come back.
/// - Every text and number of a JSON answer is replaced by its pseudonym, except below the
///   paths the call says to keep; there, known values and e-mail addresses are still replaced.
/// - In URLs and request bodies, the values the call says it put in are replaced, and e-mail
///   addresses, and known secrets and what has a secret's name are removed. Bodies are kept as a
///   hash only.
/// - An answer that is not JSON is kept as its length.
///
/// The key of the pseudonyms is random and dies with the last clone: nobody can tell from a
/// cassette, even with a list of candidates, whom it was about.
#[derive(Clone, Default)]
pub struct Recorder {
    tape: Arc<Mutex<Tape>>,
}

struct Tape {
    names: Pseudonyms,
    /// Values put into calls so far.
    personal: HashSet<String>,
    /// Values that stayed as they are at a kept path; they stay so in later calls.
    kept: HashSet<String>,
    identities: BTreeMap<String, Vec<Value>>,
    interactions: Vec<Interaction>,
}

impl Recorder {
    /// An empty recorder with a key of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// The pseudonym under which this recorder keeps `value`.
    pub fn pseudonym(&self, value: &str) -> String {
        self.tape().names.of(value)
    }

    /// Says that the recording is about the person with this identity: it is replaced wherever
    /// it stands, and its pseudonym goes into the cassette's `identities`.
    pub fn identify(&self, kind: &str, value: &Value) {
        let mut tape = self.tape();
        let pseudonym = match value {
            Value::String(text) => Value::String(tape.names.of(text)),
            Value::Number(number) => scrub::number_or_text(tape.names.of(&number.to_string())),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return,
        };
        tape.personal.extend(model::text_form(value));
        tape.identities.entry(kind.to_owned()).or_default().push(pseudonym);
    }

    /// What was kept so far.
    pub fn cassette(&self) -> Cassette {
        let tape = self.tape();
        let mut cassette = Cassette::new(tape.interactions.clone());
        cassette.identities.clone_from(&tape.identities);
        cassette
    }

    pub(crate) fn record(&self, request: &HttpRequest, reply: &HttpReply) {
        self.tape().record(request, reply);
    }

    fn tape(&self) -> MutexGuard<'_, Tape> {
        // A call is added at the end of `record`, in one step.
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("interactions", &self.tape().interactions.len()).finish()
    }
}

impl Default for Tape {
    fn default() -> Self {
        Self {
            names: Pseudonyms::new(),
            personal: HashSet::new(),
            kept: HashSet::new(),
            identities: BTreeMap::new(),
            interactions: Vec::new(),
        }
    }
}

impl Tape {
    fn record(&mut self, request: &HttpRequest, reply: &HttpReply) {
        let hints = &request.recording;
        for value in &hints.substituted {
            if !self.kept.contains(value) {
                self.personal.insert(value.clone());
            }
        }
        let long = self.personal.iter().filter(|value| value.chars().count() >= SHORTEST_REMEMBERED);
        let own = hints.substituted.iter().filter(|value| self.personal.contains(*value));
        let mut scrub = Scrub::persons(&hints.redact, long.chain(own), &mut self.names);

        let recorded_request = canonical(&mut scrub, request);
        let mut recorded_reply =
            RecordedReply { status: reply.status, headers: Vec::new(), json: None, opaque_bytes: None };
        match serde_json::from_slice::<Value>(&reply.body) {
            Ok(body) => {
                let keep = Keep::new(&hints.keep);
                let mut kept = HashSet::new();
                let mut sanitiser = ReplyBody { scrub, kept: &mut kept };
                recorded_reply.json = Some(sanitiser.value(&body, &keep.start()));
                scrub = sanitiser.scrub;
                self.kept.extend(kept);
            }
            Err(_) if reply.body.is_empty() => {}
            Err(_) => recorded_reply.opaque_bytes = Some(reply.body.len()),
        }
        // After the body: its ids may stand in the links.
        recorded_reply.headers = reply_headers(&mut scrub, &reply.headers, &request.url);
        self.interactions.push(Interaction { request: recorded_request, reply: recorded_reply });
    }
}

/// The form in which a call is kept, and in which a replay looks for it.
pub(crate) fn canonical(scrub: &mut Scrub<'_>, request: &HttpRequest) -> RecordedRequest {
    let content_type =
        request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let body_sha256 = request
        .body
        .as_ref()
        .filter(|body| !body.is_empty())
        .map(|body| hexadecimal(&crypto::sha256(&scrub.body(body, content_type))));
    RecordedRequest {
        connection: request.connection.as_str().to_owned(),
        endpoint: request.endpoint.clone(),
        method: request.method.as_str().to_owned(),
        url: scrub.url(&request.url),
        body_sha256,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0x0f])
        .filter_map(|n| char::from_digit(n.into(), 16))
        .collect()
}

fn reply_headers(scrub: &mut Scrub<'_>, headers: &HeaderMap, base: &Url) -> Vec<(String, String)> {
    let stays = |name: &HeaderName| {
        matches!(name.as_str(), "content-type" | "retry-after" | "link")
            || name.as_str().starts_with("x-ratelimit")
    };
    headers
        .iter()
        .filter(|(name, _)| stays(name))
        .filter_map(|(name, value)| {
            let text = value.to_str().ok()?;
            let kept = if *name == LINK { link(scrub, text, base) } else { scrub.text(text) };
            Some((name.as_str().to_owned(), kept))
        })
        .collect()
}

/// A `Link` header: addresses like those of calls, so that the next call is found.
fn link(scrub: &mut Scrub<'_>, header: &str, base: &Url) -> String {
    let mut out = String::with_capacity(header.len());
    let mut rest = header;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(&scrub.text(before));
        let Some((address, after)) = after.split_once('>') else { return out };
        if let Ok(url) = base.join(address) {
            out.push('<');
            out.push_str(&scrub.url(&url));
            out.push('>');
        }
        rest = after;
    }
    out.push_str(&scrub.text(rest));
    out
}

/// Goes through a JSON answer.
struct ReplyBody<'s, 'k> {
    scrub: Scrub<'s>,
    kept: &'k mut HashSet<String>,
}

impl ReplyBody<'_, '_> {
    fn value(&mut self, value: &Value, position: &Position<'_>) -> Value {
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            Value::String(text) if position.is_kept() => {
                let stays = self.scrub.leaf(text);
                if stays == *text {
                    self.kept.insert(stays.clone());
                }
                Value::String(stays)
            }
            Value::Number(number) if position.is_kept() => {
                let stays = self.scrub.number(number);
                if stays == *value {
                    self.kept.insert(number.to_string());
                }
                stays
            }
            Value::String(text) => Value::String(self.scrub.pseudonym(text)),
            Value::Number(number) => scrub::number_or_text(self.scrub.pseudonym(&number.to_string())),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| self.value(item, &position.item(index)))
                .collect(),
            Value::Object(members) => {
                let mut out = Map::with_capacity(members.len());
                for (key, member) in members {
                    let member = self.value(member, &position.member(key));
                    out.insert(self.key(key), member);
                }
                Value::Object(out)
            }
        }
    }

    /// Names of members belong to the format, unless they are data: known values, addresses,
    /// and long numbers (maps by id or telephone number).
    fn key(&mut self, key: &str) -> String {
        let digits = key.strip_prefix('+').unwrap_or(key);
        if digits.len() >= scrub::LONG_NUMBER && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            self.scrub.pseudonym(key)
        } else {
            self.scrub.text(key)
        }
    }
}

#[cfg(test)]
mod tests;
