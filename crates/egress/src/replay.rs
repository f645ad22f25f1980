use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::recorder::{Scrub, canonical};
use crate::{Cassette, HttpReply, HttpRequest, RecordedReply, RecordedRequest, SendError};

/// Longest body made up for an answer that was not JSON, whatever the file says.
const MOST_OPAQUE_BYTES: usize = 32 * 1024 * 1024;

/// Answers from a cassette: equal calls get their answers in the order of the recording.
pub(crate) struct Replay {
    answers: Mutex<HashMap<Call, VecDeque<RecordedReply>>>,
}

/// Method, URL and body hash, by which calls are told apart.
type Call = (String, String, Option<String>);

impl Replay {
    pub(crate) fn new(cassette: Cassette) -> Self {
        let mut answers: HashMap<Call, VecDeque<RecordedReply>> = HashMap::new();
        for mut interaction in cassette.interactions {
            // What a person wrote or changed by hand need not be canonical.
            if let Ok(url) = interaction.request.url.parse() {
                interaction.request.url = Scrub::secrets(&[]).url(&url);
            }
            answers.entry(call(interaction.request)).or_default().push_back(interaction.reply);
        }
        Self { answers: Mutex::new(answers) }
    }

    /// The next answer to this call.
    pub(crate) fn answer(&self, request: &HttpRequest) -> Result<HttpReply, SendError> {
        let mut scrub = Scrub::secrets(&request.recording.redact);
        let call = call(canonical(&mut scrub, request));
        // The map is whole after any panic: an answer is taken in one step.
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let next = answers.get_mut(&call).and_then(VecDeque::pop_front);
        drop(answers);
        next.map(reply).ok_or_else(|| SendError::NotRecorded {
            method: request.method.to_string(),
            host: request.host().to_owned(),
            endpoint: request.endpoint.clone(),
        })
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").finish_non_exhaustive()
    }
}

fn call(request: RecordedRequest) -> Call {
    (request.method, request.url, request.body_sha256)
}

fn reply(recorded: RecordedReply) -> HttpReply {
    let headers: HeaderMap = recorded
        .headers
        .iter()
        .filter_map(|(name, value)| {
            Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?))
        })
        .collect();
    let body = match (recorded.json, recorded.opaque_bytes) {
        (Some(json), _) => Bytes::from(json.to_string()),
        (None, Some(length)) => Bytes::from(vec![b'x'; length.min(MOST_OPAQUE_BYTES)]),
        (None, None) => Bytes::new(),
    };
    HttpReply { status: recorded.status, headers, body, rate_limit_wait: Duration::ZERO }
}
