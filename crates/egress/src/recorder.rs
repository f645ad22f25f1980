use crate::{Cassette, HttpReply, HttpRequest};
use serde_json::Value;

/// Keeps calls and answers.
#[derive(Debug, Clone, Default)]
pub struct Recorder {}
impl Recorder {
    /// A recorder with a key of its own.
    pub fn new() -> Self {
        Self {}
    }
    /// The pseudonym of `value`.
    pub fn pseudonym(&self, value: &str) -> String {
        value.to_owned()
    }
    /// Names an identity.
    pub fn identify(&self, kind: &str, value: &Value) {
        let _ = (kind, value);
    }
    /// What was recorded so far.
    pub fn cassette(&self) -> Cassette {
        Cassette::new(vec![])
    }
    pub(crate) fn record(&self, _request: &HttpRequest, _reply: &HttpReply) {}
}
